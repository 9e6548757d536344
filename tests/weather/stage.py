"""A stage for the weather: a world with regions in a real database, and a worker that tells it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from loreloom.activities.signatures.weather import Imposed, RegionRef
from loreloom.activities.weather import WeatherActivities
from loreloom.api.starting import new_regions
from loreloom.domain.calendar import Calendar
from loreloom.domain.climates import ClimateBook, Place
from loreloom.domain.clock import Clock
from loreloom.domain.ids import WorldId, weather_workflow_id
from loreloom.domain.imposed import changes
from loreloom.domain.weather import Weather
from loreloom.state import chronicle, worlds
from loreloom.state.chronicle import Entry
from loreloom.state.regions import RegionRecord
from loreloom.state.store import Store
from loreloom.state.tables.worlds import Region, World
from loreloom.state.worlds import WorldRecord
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import (
    REGION_WEATHER,
    ClearWeather,
    ImposeWeather,
    WeatherInput,
)
from loreloom.workflows.weather import RegionWeatherWorkflow
from tests.builders import a_world_record
from tests.quest.stage import eventually
from tests.sandbox import SANDBOX
from tests.weather.climates import BOOK, FIVE

BEGAN = 8 * 3600
"""The game second at which a world begins."""
PLACES = ClimateBook(climates=BOOK.climates, places={name: Place(climate=name) for name in FIVE})
"""A region for each climate, under its name."""


async def a_world(
    store: Store,
    clock: Clock,
    *,
    world: str = "world",
    seed: int = 1,
    regions: Sequence[str] = FIVE,
    places: ClimateBook = PLACES,
) -> WorldRecord:
    """A new world with a region in each of these climates."""
    record = a_world_record(
        world,
        canon="stage",
        seed=seed,
        clock=clock,
        regions=new_regions(places, regions, seed, Calendar()),
    )
    await worlds.create_world(store, record)
    return record


async def set_clock(store: Store, world: str, clock: Clock) -> None:
    """Write another clock into the world's row, as the clock's workflow does."""
    async with store.transaction() as tx:
        await tx.run(
            update(World)
            .where(World.world_id == world)
            .values(
                clock_anchor=clock.anchor,
                game_anchor=clock.game_anchor,
                game_micros=clock.game_micros,
                scale=clock.scale,
                paused=clock.paused,
            )
        )


async def told(store: Store, region: str, world: str = "world") -> list[Entry]:
    """What the chronicle tells of a region, in order."""
    entries: list[Entry] = []
    while True:
        after = entries[-1].id if entries else 0
        page = await chronicle.read(
            store, WorldId(world), after=after, limit=1000, subject=f"region/{region}"
        )
        if not page:
            return entries
        entries += page


async def region_now(store: Store, region: str, world: str = "world") -> RegionRecord:
    """The region as others read it."""
    found = await worlds.find_world(store, WorldId(world))
    assert found is not None
    (record,) = (r for r in found.regions if r.region == region)
    return record


@dataclass
class Staged:
    """The weather of one region on the stage."""

    client: Client
    store: Store
    region: str
    handle: WorkflowHandle[Any, Any]
    world: str = "world"

    async def impose(
        self, state: Weather, hours: float | None = None, order: str | None = None
    ) -> Imposed:
        made = ImposeWeather(state=state, hours=hours, by="a test")
        answer = await self.handle.execute_update("impose", made, id=order, result_type=Imposed)
        return Imposed.model_validate(answer)

    async def clear(self, order: str | None = None) -> Imposed:
        answer = await self.handle.execute_update(
            "clear", ClearWeather(by="a test"), id=order, result_type=Imposed
        )
        return Imposed.model_validate(answer)

    async def told(self) -> list[Entry]:
        return await told(self.store, self.region, self.world)

    async def states(self) -> list[tuple[str, str]]:
        """Each change that was told: the state and its cause."""
        return [(entry.data["state"], entry.data["cause"]) for entry in await self.told()]


async def looked(on: Staged) -> int:
    """The game second up to which all was told, once there was a first look."""
    through: int | None = None

    async def there() -> bool:
        nonlocal through
        query = select(Region.weather_through).where(
            Region.world_id == on.world, Region.region == on.region
        )
        async with on.store.reading() as connection:
            through = (await connection.execute(query)).scalar_one()
        return through is not None

    await eventually(there, f"a look at {on.region}")
    assert through is not None
    return through


async def foretold(on: Staged, after: int, through: int) -> list[tuple[int, str]]:
    """The changes that the sky alone makes after one game second and up to another."""
    region = await region_now(on.store, on.region, on.world)
    coming = changes(region.sky, (), after, through)
    return [(change.seconds, change.standing.state.value) for change in coming]


@asynccontextmanager
async def telling(client: Client, store: Store, prefix: str) -> AsyncIterator[None]:
    """A worker for weathers, as long as the block runs."""
    async with Worker(
        client,
        task_queue=queue_of(Role.STORY, prefix),
        workflows=[RegionWeatherWorkflow],
        activities=WeatherActivities(store).all(),
        workflow_runner=SANDBOX,
    ):
        yield


async def begun(
    client: Client, store: Store, prefix: str, region: str, world: str = "world"
) -> Staged:
    """The workflow of a region's weather, started."""
    place = RegionRef(world_id=WorldId(world), region=region)
    handle = await client.start_workflow(
        REGION_WEATHER,
        WeatherInput(region=place),
        id=f"{weather_workflow_id(place.world_id, region)}",
        task_queue=queue_of(Role.STORY, prefix),
    )
    return Staged(client, store, region, handle, world)


def a_clock(scale: float = 60.0, *, paused: bool = False) -> Clock:
    return Clock(anchor=datetime.now(UTC), scale=scale, paused=paused)
