"""Facts: what is now so in a world or known to a player, each with its source."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from loreloom.domain.ids import FactId, PlayerId, WorldId
from loreloom.state.paging import Page, page_of
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.worlds import Fact

SEPARATOR = "/"
WHOLE_WORLD = PlayerId("")
"""The player of a fact that is so for everyone."""


class FactRecord(BaseModel):
    """A fact. ``player_id`` is the player who knows it, ``None`` where it is so for everyone.

    ``source`` says who made it known: a quest's or an arc's workflow, a day of the world's own life
    (``life/DAY``, and ``life/DAY/arc/ARC`` where an arc had a hand in it), or a caller (``api/…``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fact: FactId
    player_id: PlayerId | None
    source: str
    since: datetime


async def facts_of(
    connection: AsyncConnection, world_id: WorldId, player_id: PlayerId
) -> frozenset[FactId]:
    """What is known in the world, and to the player."""
    query = select(Fact.fact).where(
        Fact.world_id == world_id, or_(Fact.player_id == player_id, Fact.player_id == WHOLE_WORLD)
    )
    return frozenset(FactId(row.fact) for row in await connection.execute(query))


async def learn(
    tx: Transaction, world_id: WorldId, player_id: PlayerId, fact: FactId, source: str
) -> None:
    """A player learns a fact; learning it again changes nothing."""
    await tx.run(
        pg_insert(Fact)
        .values(world_id=world_id, player_id=player_id, fact=fact, source=source)
        .on_conflict_do_nothing()
    )


async def forget(
    tx: Transaction, world_id: WorldId, player_id: PlayerId, fact: FactId, source: str
) -> None:
    """A player no longer knows a fact that came from that source; from another, it stays."""
    await tx.run(
        delete(Fact).where(
            Fact.world_id == world_id,
            Fact.player_id == player_id,
            Fact.fact == fact,
            Fact.source == source,
        )
    )


async def list_facts(
    store: Store,
    world_id: WorldId,
    *,
    player_id: PlayerId | None = None,
    after: str | None = None,
    limit: int,
) -> Page[FactRecord]:
    """What is so in a world, and what a player knows beside it, by the facts' names.

    ``after`` is the cursor of the last page.
    """
    query = (
        select(Fact.fact, Fact.player_id, Fact.source, Fact.since)
        .where(Fact.world_id == world_id)
        .order_by(Fact.fact, Fact.player_id)
        .limit(limit + 1)
    )
    whose = Fact.player_id == WHOLE_WORLD
    query = query.where(whose if player_id is None else or_(whose, Fact.player_id == player_id))
    if after is not None:
        owner, _, fact = after.partition(SEPARATOR)
        query = query.where(tuple_(Fact.fact, Fact.player_id) > tuple_(fact, owner))
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    found = [
        FactRecord(
            fact=FactId(row.fact),
            player_id=PlayerId(row.player_id) if row.player_id else None,
            source=row.source,
            since=row.since,
        )
        for row in rows
    ]
    return page_of(found, limit, lambda fact: f"{fact.player_id or ''}{SEPARATOR}{fact.fact}")


async def make_known(
    store: Store, world_id: WorldId, player_id: PlayerId | None, fact: FactId, source: str
) -> FactRecord:
    """Make a fact known to a player or to everyone, and tell of it; known already, it stands."""
    owner = player_id or WHOLE_WORLD
    async with store.transaction() as tx:
        made = await tx.run(
            pg_insert(Fact)
            .values(world_id=world_id, player_id=owner, fact=fact, source=source)
            .on_conflict_do_nothing()
            .returning(Fact.since)
        )
        since = made.scalar_one_or_none()
        if since is not None:
            tx.tell(
                Event(
                    world_id=world_id,
                    key=f"fact/{owner}/{fact}/{since.isoformat()}",
                    kind="fact.learned",
                    subject=f"player/{player_id}" if player_id else world_id,
                    player_id=player_id,
                    data={"fact": fact, "source": source},
                )
            )
        row = (
            await tx.run(
                select(Fact.source, Fact.since).where(
                    Fact.world_id == world_id, Fact.player_id == owner, Fact.fact == fact
                )
            )
        ).one()
        return FactRecord(fact=fact, player_id=player_id, source=row.source, since=row.since)
