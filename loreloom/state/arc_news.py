"""What running arcs have not heard of yet: clocks that were changed, and what they wait for.

The chronicle tells of every change, so an arc notes down which of its kinds it waits for and how
far it has heard. Who looks for arcs to stir reads no entry but those.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import and_, exists, func, or_, select, update

from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import ArcId
from loreloom.state.store import Store
from loreloom.state.tables.arcs import Arc
from loreloom.state.tables.worlds import ChronicleEntry, World


class News(BaseModel):
    """An arc whose world has news for it: by which clock it goes now, and the newest entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arc_id: ArcId
    clock_seen: datetime
    heard: int


async def begin_look(store: Store, arc_id: ArcId, awaits: Collection[str]) -> None:
    """An arc is about to look at its world, and waits for news of those kinds."""
    async with store.transaction() as tx:
        await tx.run(
            update(Arc)
            .where(Arc.arc_id == arc_id, World.world_id == Arc.world_id)
            .values(clock_seen=World.clock_anchor, heard=World.chronicle_seq, awaits=sorted(awaits))
        )


async def arcs_with_news(store: Store, after: str, limit: int) -> Sequence[News]:
    """Running arcs that their world has news for, by their ids; ``after`` is the last one's."""
    clock = Arc.clock_seen < World.clock_anchor
    query = (
        select(
            Arc.arc_id, World.clock_anchor.label("clock_seen"), World.chronicle_seq.label("heard")
        )
        .join(World, World.world_id == Arc.world_id)
        .where(Arc.state == ArcState.RUNNING, Arc.clock_seen.is_not(None), Arc.arc_id > after)
        .where(or_(clock, and_(func.cardinality(Arc.awaits) > 0, _NEWS)))
        .order_by(Arc.arc_id)
        .limit(limit)
    )
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [News(**row._mapping) for row in rows]


async def mark_heard(store: Store, news: News) -> None:
    """The arc has been told to look, and will by that clock and that entry at least."""
    async with store.transaction() as tx:
        await tx.run(
            update(Arc)
            .where(Arc.arc_id == news.arc_id)
            .values(
                clock_seen=func.greatest(Arc.clock_seen, news.clock_seen),
                heard=func.greatest(Arc.heard, news.heard),
            )
        )


# A player's arc may make known what all may know, so its changes are told to the arcs of others.
# What the sky does by itself an arc has seen coming.
_NEWS = exists().where(
    ChronicleEntry.world_id == Arc.world_id,
    ChronicleEntry.id > Arc.heard,
    ChronicleEntry.kind == func.any(Arc.awaits),
    or_(
        ChronicleEntry.player_id.is_(None),
        ChronicleEntry.player_id == Arc.player_id,
        ChronicleEntry.kind == "arc.changed",
    ),
    or_(ChronicleEntry.kind != "weather.changed", ChronicleEntry.data["cause"].astext != "sky"),
)
