"""Reading the chronicle. Ids count without gaps in commit order, so a cursor never misses one.

Why: a writer takes its ids from the world's row, in the same transaction and until its commit, so
no entry can appear behind a cursor that has passed it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import not_, or_, select

from loreloom.domain.calendar import Calendar, GameTime
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.store import Store
from loreloom.state.tables.worlds import ChronicleEntry, World

ABOUT_MONEY = ("payment.", "subscription.")
"""How the kinds begin that tell of what somebody bought."""


class Entry(BaseModel):
    """A chronicle entry as readers get it. ``id`` is also the cursor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int
    kind: str
    at: datetime
    game_time: GameTime
    player_id: PlayerId | None
    subject: str
    data: dict[str, Any]


async def read(
    store: Store,
    world_id: WorldId,
    *,
    after: int = 0,
    limit: int = 100,
    player_id: PlayerId | None = None,
    kind: str | None = None,
    subject: str | None = None,
    money: bool = True,
) -> list[Entry]:
    """Entries with an id above ``after``, oldest first. A ``kind`` ending in ``.`` is a prefix.

    Without ``money``, those that tell of what somebody bought are left out.
    """
    query = (
        select(*ChronicleEntry.__table__.columns, World.calendar)
        .join(World, World.world_id == ChronicleEntry.world_id)
        .where(ChronicleEntry.world_id == world_id, ChronicleEntry.id > after)
        .order_by(ChronicleEntry.id)
        .limit(limit)
    )
    if player_id is not None:
        query = query.where(ChronicleEntry.player_id == player_id)
    if kind is not None:
        matches = ChronicleEntry.kind.startswith(kind, autoescape=True)
        query = query.where(matches if kind.endswith(".") else ChronicleEntry.kind == kind)
    if subject is not None:
        query = query.where(ChronicleEntry.subject == subject)
    if not money:
        about = (ChronicleEntry.kind.startswith(each, autoescape=True) for each in ABOUT_MONEY)
        query = query.where(not_(or_(*about)))
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        Entry(
            id=row.id,
            kind=row.kind,
            at=row.at,
            game_time=Calendar.model_validate(row.calendar).read(row.game_seconds),
            player_id=row.player_id,
            subject=row.subject,
            data=row.data,
        )
        for row in rows
    ]


async def heads(store: Store, world_ids: Sequence[WorldId]) -> dict[WorldId, int]:
    """The newest entry's id of each world: one cheap query for all streams of a process."""
    query = select(World.world_id, World.chronicle_seq).where(World.world_id.in_(world_ids))
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return {WorldId(row.world_id): row.chronicle_seq for row in rows}
