"""Creating once: an ``Idempotency-Key`` gives the same request the same answer.

The answer is kept in a transaction of its own, after what it tells of was created, so a process
can die between the two. That creates nothing twice, because the id of what is created follows from
the caller's key, the idempotency key and the request: whoever resumes finds it there already, and
answers with it. A key is in force for at least a day.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import Header, Request
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from loreloom.api.http.errors import KINDS, ApiError, ErrorCode
from loreloom.knowledge.problems import LoreProblem
from loreloom.state import idempotency as kept
from loreloom.state.idempotency import ClaimState, KeyUse
from loreloom.state.keys import KeyIdentity
from loreloom.state.store import Store

LEASE = timedelta(seconds=10)
RETRY_SECONDS = 1

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,200}$",
        description="Any text of your own, fresh for each thing to create. The same key with the"
        " same request gives the first answer again, with another request 409.",
    ),
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a creating request. ``resumed`` if an earlier run may have done its work."""

    seed: str | None = None
    resumed: bool = False

    def new_id(self, prefix: str) -> str:
        """The id of what is created: the same for each run of a keyed request, else random."""
        return f"{prefix}_{self.seed or secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a creating request is answered with."""

    status: int
    body: BaseModel | None


async def once(
    store: Store,
    caller: KeyIdentity,
    key: str | None,
    request: Request,
    said: bytes,
    create: Callable[[Attempt], Awaitable[Answer]],
) -> Response:
    """Run ``create`` unless the key's first answer is known; raises ``ApiError`` on a conflict.

    ``said`` is what tells this request from another to the same address, query and all: its body.
    """
    if key is None:
        answer = await create(Attempt())
        return _response(answer.status, _encoded(answer))
    use = KeyUse(
        key_id=caller.key_id, idempotency_key=key, request_sha256=_fingerprint(request, said)
    )
    claim = await kept.claim(store, use, LEASE)
    if claim.state is ClaimState.ANSWERED and claim.status is not None:
        replayed = _response(claim.status, claim.body or b"")
        replayed.headers["Idempotent-Replayed"] = "true"
        return replayed
    _refuse_unless_held(claim.state)
    attempt = Attempt(seed=_seed(use), resumed=claim.state is ClaimState.RESUMED)
    try:
        answer = await _created(create, attempt)
    except (ApiError, LoreProblem) as error:
        if KINDS[error.code].status < 500 and not attempt.resumed:
            await kept.forget(store, use)
        else:
            await kept.give_up(store, use, LEASE)
        raise
    except Exception:
        await kept.give_up(store, use, LEASE)
        raise
    encoded = _encoded(answer)
    await kept.keep_answer(store, use, answer.status, encoded)
    return _response(answer.status, encoded)


async def _created(create: Callable[[Attempt], Awaitable[Answer]], attempt: Attempt) -> Answer:
    try:
        return await create(attempt)
    except IntegrityError:
        # A run that was taken for dead went on beside this one, and came first: what it created is
        # there now, and is found by whoever looks for it again.
        return await create(replace(attempt, resumed=True))


def _refuse_unless_held(state: ClaimState) -> None:
    if state is ClaimState.OTHER:
        raise ApiError(
            ErrorCode.KEY_REUSED, "this Idempotency-Key came with another request before"
        )
    if state is ClaimState.BUSY:
        raise ApiError(
            ErrorCode.REQUEST_IN_PROGRESS,
            "the first request with this Idempotency-Key is under way",
            retry_after=RETRY_SECONDS,
        )


def _fingerprint(request: Request, said: bytes) -> bytes:
    asked = f"{request.method} {_address(request)}\n".encode()
    return hashlib.sha256(asked + said).digest()


def _address(request: Request) -> str:
    path, query = request.url.path, request.url.query
    return f"{path}?{query}" if query else path


def _seed(use: KeyUse) -> str:
    named = f"{use.key_id}\n{use.idempotency_key}\n".encode() + use.request_sha256
    return hashlib.sha256(named).hexdigest()[:24]


def said_by(body: BaseModel) -> bytes:
    """What a body says, however it is spaced and ordered."""
    return body.model_dump_json().encode()


def _encoded(answer: Answer) -> bytes:
    return b"" if answer.body is None else answer.body.model_dump_json().encode()


def _response(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json")
