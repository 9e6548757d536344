"""Worlds: their settings, their clocks and what is so in them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row, insert, select, update

from loreloom.domain.calendar import Calendar
from loreloom.domain.canon import Rating
from loreloom.domain.clock import Clock
from loreloom.domain.ids import CanonName, PlayerId, WorldId
from loreloom.domain.quest import Surroundings
from loreloom.state.facts import facts_of
from loreloom.state.paging import Page, page_of
from loreloom.state.regions import RegionRecord, add_regions, regions_of
from loreloom.state.starts import PlannedStart, plan_start
from loreloom.state.store import Event, Store
from loreloom.state.tables.worlds import World


class WorldRecord(BaseModel):
    """A world as it is stored. Budgets are tokens a day (UTC)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world_id: WorldId
    name: str
    canon: CanonName
    seed: int
    rating: Rating
    templates_only: bool = False
    world_daily_tokens: int = Field(ge=0)
    player_daily_tokens: int = Field(ge=0)
    calendar: Calendar
    clock: Clock
    regions: tuple[RegionRecord, ...] = ()
    created_at: datetime | None = None


async def create_world(
    store: Store, world: WorldRecord, starts: Sequence[PlannedStart] = ()
) -> None:
    """Create a world with its regions, the first entry of its chronicle, and its workflows' plan.

    What its calendar tells begins after the moment at which its clock begins.
    """
    async with store.transaction() as tx:
        told = {"clock_told": world.clock.game_anchor}
        await tx.run(insert(World).values(**_columns(world), **told))
        for start in starts:
            await plan_start(tx, start)
        await add_regions(tx, world.world_id, world.regions)
        tx.tell(
            Event(
                world_id=world.world_id,
                key="created",
                kind="world.created",
                subject=world.world_id,
                data={"name": world.name, "canon": world.canon},
            )
        )


async def find_world(store: Store, world_id: WorldId) -> WorldRecord | None:
    """The world of that id, or ``None``."""
    async with store.reading() as connection:
        row = (
            await connection.execute(select(World.__table__).where(World.world_id == world_id))
        ).first()
        if row is None:
            return None
        world = record_of(row)
        regions = await regions_of(connection, world_id, world.seed, world.calendar)
        return world.model_copy(update={"regions": regions})


async def list_worlds(store: Store, *, after: str | None, limit: int) -> Page[WorldRecord]:
    """Worlds by their id; ``after`` is the id that the last page ended with."""
    query = select(World.__table__).order_by(World.world_id).limit(limit + 1)
    if after is not None:
        query = query.where(World.world_id > after)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return page_of([record_of(row) for row in rows], limit, lambda world: world.world_id)


async def change_world(store: Store, world_id: WorldId, changes: dict[str, Any]) -> bool:
    """Change a world's rating, template switch or budgets, and tell of it. ``False`` if unknown."""
    async with store.transaction() as tx:
        changed = await tx.run(
            update(World)
            .where(World.world_id == world_id)
            .values(**changes)
            .returning(World.world_id, World.chronicle_seq)
        )
        row = changed.first()
        if row is None:
            return False
        tx.tell(
            Event(
                world_id=world_id,
                key=f"changed/{row.chronicle_seq}",
                kind="world.changed",
                subject=world_id,
                data=changes,
            )
        )
        return True


async def surroundings(
    store: Store, world: WorldRecord, player_id: PlayerId, region: str | None
) -> Surroundings:
    """What is so at this moment: the hour, the weather of a region if it is one, the facts."""
    here = next((r for r in world.regions if r.region == region), None)
    now = world.calendar.read(world.clock.game_seconds(datetime.now(UTC)))
    async with store.reading() as connection:
        facts = await facts_of(connection, world.world_id, player_id)
    return Surroundings(
        hour=now.hour,
        part=now.part,
        weather=here.weather_at(now.seconds) if here else None,
        facts=facts,
    )


def _columns(world: WorldRecord) -> dict[str, Any]:
    return {
        "world_id": world.world_id,
        "name": world.name,
        "canon": world.canon,
        "seed": world.seed,
        "rating": world.rating.value,
        "templates_only": world.templates_only,
        "world_daily_tokens": world.world_daily_tokens,
        "player_daily_tokens": world.player_daily_tokens,
        "calendar": world.calendar.model_dump(mode="json"),
        "clock_anchor": world.clock.anchor,
        "game_anchor": world.clock.game_anchor,
        "game_micros": world.clock.game_micros,
        "scale": world.clock.scale,
        "paused": world.clock.paused,
    }


def clock_of(row: Row[Any]) -> Clock:
    """The clock of a row of the worlds' table."""
    return Clock(
        anchor=row.clock_anchor,
        game_anchor=row.game_anchor,
        game_micros=row.game_micros,
        scale=row.scale,
        paused=row.paused,
    )


def record_of(row: Row[Any]) -> WorldRecord:
    """The world of a row of its table, without its regions."""
    return WorldRecord(
        world_id=WorldId(row.world_id),
        name=row.name,
        canon=CanonName(row.canon),
        seed=row.seed,
        rating=Rating(row.rating),
        templates_only=row.templates_only,
        world_daily_tokens=row.world_daily_tokens,
        player_daily_tokens=row.player_daily_tokens,
        calendar=Calendar.model_validate(row.calendar),
        clock=clock_of(row),
        created_at=row.created_at,
    )
