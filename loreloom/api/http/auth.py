"""Who calls, and what the key's scopes allow."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError

from loreloom.api.context import context_of
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.state.keys import KeyIdentity, Scope, digest, identify
from loreloom.state.store import Store

MAX_SECRET = 200
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="loreloom"'}


class Authenticator:
    """Finds who a secret belongs to, and remembers it for a few seconds.

    Only keys that were found are remembered, so the memory is bounded by the keys that there are;
    a key that was revoked is refused once its few seconds are over.
    """

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._known: dict[bytes, tuple[KeyIdentity, float]] = {}

    async def identify(self, secret: str) -> KeyIdentity | None:
        """Whose secret it is; ``None`` if it is unknown or revoked."""
        return await self.whose(digest(secret))

    async def whose(self, key: bytes) -> KeyIdentity | None:
        """Whose secret has this hash; ``None`` if it is unknown or revoked."""
        now = time.monotonic()
        known = self._known.get(key)
        if known is not None and known[1] > now:
            return known[0]
        identity = await identify(self._store, key)
        if identity is None:
            self._known.pop(key, None)
        else:
            self._known[key] = (identity, now + self._seconds)
        return identity


def needs(*scopes: Scope) -> Callable[[Request], Awaitable[KeyIdentity]]:
    """A dependency that lets a key with one of the scopes pass; ``ops`` always passes."""
    allowed = frozenset({*scopes, Scope.OPS})

    async def caller(request: Request) -> KeyIdentity:
        identity = await _identity(request)
        if not identity.scopes & allowed:
            names = " or ".join(sorted(allowed))
            raise ApiError(ErrorCode.FORBIDDEN, f"this needs a key with the scope {names}")
        return identity

    return caller


async def _identity(request: Request) -> KeyIdentity:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret or len(secret) > MAX_SECRET:
        raise ApiError(
            ErrorCode.UNAUTHENTICATED,
            "send the header Authorization: Bearer KEY",
            headers=CHALLENGE,
        )
    identity = await context_of(request).authenticator.identify(secret)
    if identity is None:
        raise ApiError(ErrorCode.UNAUTHENTICATED, "the key is not known", headers=CHALLENGE)
    return identity


async def is_still_known(request: Request) -> bool:
    """Whether the key of a request that is still being answered has not been revoked.

    While Postgres is away nobody can say so, and nothing new can be read either.
    """
    try:
        await _identity(request)
    except ApiError:
        return False
    except SQLAlchemyError:
        return True
    return True


def is_designer(identity: KeyIdentity) -> bool:
    """Whether the key reads everything."""
    return bool(identity.scopes & {Scope.DESIGNER, Scope.OPS})


def sees_payments(identity: KeyIdentity) -> bool:
    """Whether the key reads what was bought and paid; that is none of a designer's business."""
    return bool(identity.scopes & {Scope.GAME, Scope.OPS})


GameCaller = Annotated[KeyIdentity, Depends(needs(Scope.GAME))]
DesignerCaller = Annotated[KeyIdentity, Depends(needs(Scope.DESIGNER))]
OpsCaller = Annotated[KeyIdentity, Depends(needs(Scope.OPS))]
AnyCaller = Annotated[KeyIdentity, Depends(needs(Scope.GAME, Scope.DESIGNER))]
