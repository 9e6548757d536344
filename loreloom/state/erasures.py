"""Erasures as they are kept: who erased when and why, and of whom only the pseudonym."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.paging import Page, page_of
from loreloom.state.store import Store, Transaction
from loreloom.state.tables.ops import Erasure


class AskedErasure(BaseModel):
    """An erasure that is to be made: under which pseudonym, why and by whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pseudonym: PlayerId
    reason: str
    by: str


class KeptErasure(AskedErasure):
    """An erasure that was made."""

    world_id: WorldId
    at: datetime


async def keep(
    tx: Transaction, world_id: WorldId, asked: AskedErasure, workflow_ids: tuple[str, ...]
) -> None:
    """Keep an erasure, and what was told or done for the player."""
    await tx.run(
        pg_insert(Erasure).values(
            **asked.model_dump(), world_id=world_id, workflow_ids=list(workflow_ids)
        )
    )


async def workflows_of(tx: Transaction, pseudonym: PlayerId) -> tuple[str, ...] | None:
    """What was told or done for a player who is erased, ``None`` if nobody is, under that name."""
    query = select(Erasure.workflow_ids).where(Erasure.pseudonym == pseudonym)
    found = (await tx.run(query)).scalar_one_or_none()
    return None if found is None else tuple(found)


async def listed(store: Store, *, after: str | None, limit: int) -> Page[KeptErasure]:
    """Erasures, newest first; ``after`` is the pseudonym that the last page ended with."""
    query = (
        select(Erasure.pseudonym, Erasure.world_id, Erasure.reason, Erasure.by, Erasure.at)
        .order_by(Erasure.at.desc(), Erasure.pseudonym.desc())
        .limit(limit + 1)
    )
    if after is not None:
        last = select(Erasure.at, Erasure.pseudonym).where(Erasure.pseudonym == after)
        query = query.where(tuple_(Erasure.at, Erasure.pseudonym) < last.scalar_subquery())
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    kept = [KeptErasure.model_validate(dict(row._mapping)) for row in rows]
    return page_of(kept, limit, lambda erasure: erasure.pseudonym)
