"""A stage for the clock's workflow: a real server, a real database, and days that only count."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Interceptor, Worker

from loreloom.activities.clock import ClockActivities
from loreloom.activities.signatures.life import LifeSteps, LiveDays
from loreloom.activities.weather import WeatherActivities
from loreloom.api.starting import new_regions
from loreloom.domain.calendar import Calendar
from loreloom.domain.clock import Clock, ClockChange
from loreloom.domain.ids import WorldId, clock_workflow_id
from loreloom.state import chronicle, worlds
from loreloom.state.chronicle import Entry
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord
from loreloom.workflows.clock import WorldClockWorkflow
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import WORLD_CLOCK, ClockInput
from loreloom.workflows.weather import RegionWeatherWorkflow
from tests.builders import a_world_record
from tests.quest.stage import eventually
from tests.sandbox import SANDBOX
from tests.weather.stage import PLACES

DAY = Calendar().seconds_per_day


@dataclass
class CountingLife(LifeSteps):
    """Notes which days it was asked to live."""

    asked: list[int] = field(default_factory=list)

    @activity.defn(name="life_live")
    async def live(self, days: LiveDays) -> int:
        self.asked.append(days.through_day)
        return 1


@dataclass
class Ticking:
    """A world whose clock runs."""

    client: Client
    store: Store
    world_id: WorldId
    handle: WorkflowHandle[Any, Any]
    life: CountingLife

    async def change(self, order_id: str | None = None, **change: Any) -> Clock:
        answer = await self.handle.execute_update("change", ClockChange(**change), id=order_id)
        return Clock.model_validate(answer)

    async def world(self) -> WorldRecord:
        """The world as others read it."""
        found = await worlds.find_world(self.store, self.world_id)
        assert found is not None
        return found

    async def told(self) -> list[Entry]:
        """What the chronicle tells of the clock, in order."""
        return await chronicle.read(self.store, self.world_id, kind="clock.", limit=100_000)

    async def until_told(self, kind: str, times: int = 1, seconds: float = 30) -> None:
        """Wait until the chronicle tells of something so many times."""

        async def there() -> bool:
            return sum(entry.kind == kind for entry in await self.told()) >= times

        await eventually(there, f"{times} {kind}", seconds)


async def set_up(
    client: Client,
    store: Store,
    prefix: str,
    at: datetime,
    *,
    scale: float = 60.0,
    calendar: Calendar | None = None,
    regions: Sequence[str] = (),
    world: str = "world",
) -> Ticking:
    """A new world and its clock's workflow, which a worker may serve or not."""
    await worlds.create_world(
        store,
        a_world_record(
            world,
            canon="stage",
            calendar=calendar,
            clock=Clock(anchor=at, scale=scale),
            regions=new_regions(PLACES, regions, 1, calendar or Calendar()),
        ),
    )
    return await begun(client, store, prefix, WorldId(world))


async def begun(client: Client, store: Store, prefix: str, world_id: WorldId) -> Ticking:
    """The clock's workflow of a world that is there."""
    handle: WorkflowHandle[Any, Any] = await client.start_workflow(
        WORLD_CLOCK,
        ClockInput(world_id=world_id),
        id=f"{clock_workflow_id(world_id)}/{prefix}",
        task_queue=queue_of(Role.STORY, prefix),
        # What a killed worker held is given to the next one after so long.
        task_timeout=timedelta(seconds=2),
    )
    return Ticking(client, store, world_id, handle, CountingLife())


@asynccontextmanager
async def serving(
    on: Ticking, prefix: str, interceptors: Sequence[Interceptor] = ()
) -> AsyncIterator[None]:
    """The worker of a stage, also for weathers, as long as the block runs."""
    async with Worker(
        on.client,
        task_queue=queue_of(Role.STORY, prefix),
        workflows=[WorldClockWorkflow, RegionWeatherWorkflow],
        activities=[
            *ClockActivities(on.store, on.client).all(),
            *WeatherActivities(on.store).all(),
            on.life.live,
        ],
        workflow_runner=SANDBOX,
        interceptors=interceptors,
    ):
        yield


@asynccontextmanager
async def ticking(client: Client, store: Store, prefix: str, **how: Any) -> AsyncIterator[Ticking]:
    """A new world with its clock's workflow, served; keyword arguments as for ``set_up``."""
    on = await set_up(client, store, prefix, **how)
    async with serving(on, prefix):
        yield on
    await on.handle.terminate("the test is over")
