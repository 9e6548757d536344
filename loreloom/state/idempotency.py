"""The first answer to an idempotent request, kept for those that repeat it."""

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.state.store import Store, Transaction
from loreloom.state.tables.access import IdempotentRequest as Kept


class ClaimState(StrEnum):
    """Where a request with an idempotency key stands.

    ``mine``: nobody came before. ``resumed``: somebody did, and died or gave up without an answer;
    what it did stands. ``answered``: here is the first answer. ``busy``: the first is under way.
    ``other``: the key belongs to another request.
    """

    MINE = "mine"
    RESUMED = "resumed"
    ANSWERED = "answered"
    BUSY = "busy"
    OTHER = "other"


class Claim(BaseModel):
    """The outcome of asking for a key; ``status`` and ``body`` are those of the first answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: ClaimState
    status: int | None = None
    body: bytes | None = None


class KeyUse(BaseModel):
    """One caller's use of one idempotency key for one request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_id: str
    idempotency_key: str
    request_sha256: bytes


async def claim(store: Store, use: KeyUse, lease: timedelta) -> Claim:
    """Ask for the key. A holder that has not answered within ``lease`` is taken to be dead."""
    insert = (
        pg_insert(Kept).values(**use.model_dump()).on_conflict_do_nothing().returning(Kept.key_id)
    )
    async with store.transaction() as tx:
        if (await tx.run(insert)).first() is not None:
            return Claim(state=ClaimState.MINE)
        return await _claim_anew(tx, use, lease)


async def keep_answer(store: Store, use: KeyUse, status: int, body: bytes) -> None:
    """Keep the answer, unless one is kept."""
    async with store.transaction() as tx:
        await tx.run(update(Kept).where(*_open(use)).values(status=status, body=body))


async def forget(store: Store, use: KeyUse) -> None:
    """Nothing was done: the key is free again."""
    async with store.transaction() as tx:
        await tx.run(delete(Kept).where(*_open(use)))


async def give_up(store: Store, use: KeyUse, lease: timedelta) -> None:
    """It is not known what was done: a repeat may resume at once."""
    async with store.transaction() as tx:
        await tx.run(update(Kept).where(*_open(use)).values(created_at=func.now() - lease))


async def expire(store: Store, age: timedelta) -> int:
    """Forget keys that are older than ``age``; returns how many."""
    async with store.transaction() as tx:
        gone = await tx.run(delete(Kept).where(Kept.created_at < func.now() - age))
        return gone.rowcount


async def _claim_anew(tx: Transaction, use: KeyUse, lease: timedelta) -> Claim:
    found = await tx.run(
        select(Kept.request_sha256, Kept.status, Kept.body)
        .where(Kept.key_id == use.key_id, Kept.idempotency_key == use.idempotency_key)
        .with_for_update()
    )
    row = found.first()
    if row is None:
        return Claim(state=ClaimState.BUSY)
    if row.request_sha256 != use.request_sha256:
        return Claim(state=ClaimState.OTHER)
    if row.status is not None:
        return Claim(state=ClaimState.ANSWERED, status=row.status, body=row.body)
    taken = await tx.run(
        update(Kept)
        .where(*_open(use), Kept.created_at <= func.now() - lease)
        .values(created_at=func.now())
        .returning(Kept.key_id)
    )
    return Claim(state=ClaimState.BUSY if taken.first() is None else ClaimState.RESUMED)


def _open(use: KeyUse) -> tuple[ColumnElement[bool], ...]:
    return (
        Kept.key_id == use.key_id,
        Kept.idempotency_key == use.idempotency_key,
        Kept.request_sha256 == use.request_sha256,
        Kept.status.is_(None),
    )
