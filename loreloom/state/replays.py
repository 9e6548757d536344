"""Replays as they are kept: who asked for what, when and why."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import ArcId
from loreloom.state.paging import Page, page_of
from loreloom.state.store import Store
from loreloom.state.tables.arcs import Arc
from loreloom.state.tables.ops import Replay


class AskedReplay(BaseModel):
    """A replay that is to be made of a run; ``replay_id`` is what Temporal knows it by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    replay_id: str
    batch_id: str | None = None
    workflow_id: str
    run_id: str
    from_point: str
    event_id: int
    told: str
    reason: str
    by: str


class KeptReplay(AskedReplay):
    """A replay as it is kept; ``new_run_id`` is what came of it, once something has."""

    new_run_id: str | None
    at: datetime


async def keep(store: Store, asked: AskedReplay) -> KeptReplay:
    """Keep a replay before it is made. The first that is kept of a run stands, and is returned."""
    async with store.transaction() as tx:
        await tx.run(pg_insert(Replay).values(**asked.model_dump()).on_conflict_do_nothing())
        found = await tx.run(select(Replay.__table__).where(Replay.run_id == asked.run_id))
        return _kept(found.one())


async def mark_made(store: Store, replay_id: str, new_run_id: str) -> KeptReplay:
    """Keep what came of a replay."""
    async with store.transaction() as tx:
        made = await tx.run(
            update(Replay)
            .where(Replay.replay_id == replay_id)
            .values(new_run_id=new_run_id)
            .returning(*Replay.__table__.columns)
        )
        return _kept(made.one())


async def forget(store: Store, replay_id: str) -> None:
    """A replay that Temporal did not take was none."""
    async with store.transaction() as tx:
        await tx.run(
            delete(Replay).where(Replay.replay_id == replay_id, Replay.new_run_id.is_(None))
        )


async def find(store: Store, replay_id: str) -> KeptReplay | None:
    """The replay of that id, or ``None``."""
    async with store.reading() as connection:
        row = (
            await connection.execute(select(Replay.__table__).where(Replay.replay_id == replay_id))
        ).first()
    return _kept(row) if row else None


async def of_batch(store: Store, batch_id: str) -> list[KeptReplay]:
    """The replays of a batch."""
    query = select(Replay.__table__).where(Replay.batch_id == batch_id).order_by(Replay.at)
    async with store.reading() as connection:
        return [_kept(row) for row in (await connection.execute(query)).all()]


async def listed(
    store: Store, *, workflow_id: str | None, after: str | None, limit: int
) -> Page[KeptReplay]:
    """Replays, newest first; ``after`` is the one that the last page ended with."""
    query = (
        select(Replay.__table__)
        .order_by(Replay.at.desc(), Replay.replay_id.desc())
        .limit(limit + 1)
    )
    if workflow_id is not None:
        query = query.where(Replay.workflow_id == workflow_id)
    if after is not None:
        last = select(Replay.at, Replay.replay_id).where(Replay.replay_id == after)
        query = query.where(tuple_(Replay.at, Replay.replay_id) < last.scalar_subquery())
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return page_of([_kept(row) for row in rows], limit, lambda replay: replay.replay_id)


async def revive_arc(store: Store, arc_id: ArcId) -> None:
    """An arc that was broken and is replayed runs again, also while it only waits."""
    async with store.transaction() as tx:
        await tx.run(
            update(Arc)
            .where(Arc.arc_id == arc_id, Arc.state == ArcState.BROKEN)
            .values(state=ArcState.RUNNING, reason=None)
        )


def _kept(row: Row[tuple[object, ...]]) -> KeptReplay:
    return KeptReplay.model_validate(dict(row._mapping))
