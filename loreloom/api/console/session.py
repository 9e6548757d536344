"""Who is signed in to the console, what they may do, and that a form came from its own page.

The signed cookie holds the hash of the key, so the key is looked up anew at each request: one that
was revoked, or given another secret, ends its sessions within seconds. The key itself is kept
nowhere.
"""

import hmac
import secrets
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from loreloom.api.context import context_of
from loreloom.api.http.auth import MAX_SECRET, is_designer
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.state.keys import KeyIdentity, Scope, digest

KEY, TOKEN = "key", "form"
TOKEN_FIELD = "form_token"
MAX_FIELDS = 500
HOME = "/console/worlds"


class NotSignedIn(Exception):
    """The page is for people who are signed in; ``back`` is the address to come back to."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.back = back

    @property
    def address(self) -> str:
        """The sign-in page, which leads back."""
        return f"/console/sign-in?{urlencode({'next': self.back})}"


def home_of(back: str | None) -> str:
    """The address to go on to, if it is one of the console's own; else its first page."""
    if back is None or not back.startswith("/console/") or "\\" in back or "//" in back:
        return HOME
    return back


async def sign_in(request: Request, secret: str) -> KeyIdentity | None:
    """Sign in with a key; ``None`` if it is unknown, and nobody is signed in then."""
    secret = secret.strip()
    request.session.clear()
    if not secret or len(secret) > MAX_SECRET:
        return None
    identity = await context_of(request).authenticator.identify(secret)
    if identity is not None and is_designer(identity):
        request.session[KEY] = digest(secret).hex()
    return identity


def sign_out(request: Request) -> None:
    """Nobody is signed in any more."""
    request.session.clear()


async def reader_of(request: Request) -> KeyIdentity | None:
    """Who is signed in, if the key still stands."""
    kept = request.session.get(KEY)
    if not isinstance(kept, str):
        return None
    return await context_of(request).authenticator.whose(bytes.fromhex(kept))


async def _designer(request: Request) -> KeyIdentity:
    identity = await reader_of(request)
    if identity is None:
        # A form that was sent is not sent again: its page is what to come back to.
        read = request.method == "GET"
        raise NotSignedIn(_address(request) if read else HOME)
    if not is_designer(identity):
        raise ApiError(ErrorCode.FORBIDDEN, "this needs a key with the scope designer or ops")
    request.state.reader = identity
    return identity


async def _operator(reader: Annotated[KeyIdentity, Depends(_designer)]) -> KeyIdentity:
    if Scope.OPS not in reader.scopes:
        raise ApiError(ErrorCode.FORBIDDEN, "this needs a key with the scope ops")
    return reader


def token_of(request: Request) -> str:
    """What a form must carry to be this session's own."""
    token = request.session.get(TOKEN)
    if not isinstance(token, str):
        token = request.session[TOKEN] = secrets.token_urlsafe(24)
    return token


async def sent_form(request: Request) -> FormData:
    """The fields of a form that came from one of this session's pages.

    Raises ``ApiError`` if it did not.
    """
    form = await request.form(max_fields=MAX_FIELDS, max_files=0)
    given = form.get(TOKEN_FIELD)
    known = request.session.get(TOKEN)
    if (
        isinstance(given, UploadFile | None)
        or not isinstance(known, str)
        or not hmac.compare_digest(given.encode(), known.encode())
    ):
        detail = "the form is not of this session; open its page again and repeat"
        raise ApiError(ErrorCode.FORBIDDEN, detail)
    return form


def _address(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


Reader = Annotated[KeyIdentity, Depends(_designer)]
Operator = Annotated[KeyIdentity, Depends(_operator)]
SentForm = Annotated[FormData, Depends(sent_form)]
