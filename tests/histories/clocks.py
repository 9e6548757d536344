"""Every way that a world's clock can go, walked on its stage, for its history."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory

from loreloom.state.store import Store
from tests.clock.stage import DAY, Ticking, serving, set_up
from tests.quest.stage import eventually
from tests.weather.stage import begun

Way = Callable[[Ticking], Awaitable[None]]
PREFIX = "record-clock"
REGION = "estuary"
QUICK = DAY / 4


async def ticking(on: Ticking) -> None:
    """Boundaries are told as they come, and a day is lived."""
    await on.until_told("clock.day")


async def changed(on: Ticking) -> None:
    """Paused, advanced and resumed; the weather of its region hears of it."""
    weather = await begun(on.client, on.store, PREFIX, REGION, on.world_id)
    await on.change(paused=True)
    await on.change(advance_hours=20)
    await on.change(paused=False, scale=QUICK * 2)
    await on.until_told("clock.new_day", 2)
    await weather.handle.terminate()


async def stirring(on: Ticking) -> None:
    """Quests that have a limit are let look at the changed clock."""
    await on.change(advance_hours=1)

    async def done() -> bool:
        events = (await on.handle.fetch_history()).events
        kinds = {event.event_type for event in events}
        return EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED in kinds

    await eventually(done, "the quests are stirred")


async def unheard(on: Ticking) -> None:
    """The weather of its region has no workflow that could hear of a change."""
    await on.change(advance_hours=1)
    await on.until_told("clock.dusk")


async def caught_up(on: Ticking) -> None:
    """It slept for days."""
    await on.change(paused=True)
    await on.change(advance_hours=240)
    await on.until_told("clock.caught_up")


async def continued_as_new(on: Ticking) -> None:
    first = on.handle.first_execution_run_id
    while (await on.handle.describe()).run_id == first:
        await on.change(advance_hours=1)


WAYS: dict[str, Way] = {
    "ticking": ticking,
    "changed": changed,
    "stirring": stirring,
    "unheard": unheard,
    "caught_up": caught_up,
    "continued_as_new": continued_as_new,
}


async def walked(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """The history of each way, under its name."""
    for name, way in WAYS.items():
        world, at = f"clock-{name}", datetime.now(UTC)
        on = await set_up(client, store, PREFIX, at, scale=QUICK, regions=[REGION], world=world)
        async with serving(on, PREFIX):
            await way(on)
            # The first run, also of a clock that has continued as new.
            first = client.get_workflow_handle(
                on.handle.id, run_id=on.handle.first_execution_run_id
            )
            yield name, await first.fetch_history()
            await on.handle.terminate()
