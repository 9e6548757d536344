"""Every way that a region's weather can go, walked on its stage, for its history."""

from collections.abc import AsyncIterator, Awaitable, Callable

from temporalio.client import Client, WorkflowHistory

from loreloom.domain.weather import Weather
from loreloom.state.store import Store
from tests.quest.stage import eventually
from tests.weather.stage import Staged, a_clock, a_world, begun, set_clock, telling

Way = Callable[[Staged], Awaitable[None]]
PREFIX = "record-weather"


async def sleeping(on: Staged) -> None:
    """A few changes are told; then it sleeps until the next."""
    await several(on, 3)


async def made_and_cleared(on: Staged) -> None:
    await on.impose(Weather.BLIZZARD, hours=1000)
    await on.clear()


async def paused_and_resumed(on: Staged) -> None:
    await set_clock(on.store, on.world, a_clock(paused=True))
    await on.handle.signal("look_again")
    await on.impose(Weather.STORM, hours=1)
    running = a_clock(scale=QUICK)
    await set_clock(on.store, on.world, running)
    await on.handle.signal("look_again")
    await several(on, 1)


async def continued_as_new(on: Staged) -> None:
    first = (await on.handle.describe()).run_id
    while (await on.handle.describe()).run_id == first:
        await on.impose(Weather.RAIN)
        await on.clear()


async def several(on: Staged, changes: int) -> None:
    before = len(await on.told())

    async def there() -> bool:
        return len(await on.told()) >= before + changes

    await eventually(there, f"{changes} changes", seconds=60)


QUICK = 21_600.0

WAYS: dict[str, Way] = {
    "sleeping": sleeping,
    "made_and_cleared": made_and_cleared,
    "paused_and_resumed": paused_and_resumed,
    "continued_as_new": continued_as_new,
}


async def walked(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """The history of each way, under its name."""
    async with telling(client, store, PREFIX):
        for name, way in WAYS.items():
            world = f"weather-{name}"
            await a_world(store, a_clock(scale=QUICK), world=world, regions=["estuary"])
            on = await begun(client, store, PREFIX, "estuary", world)
            await way(on)
            # The first run, also of a region that has continued as new.
            first = client.get_workflow_handle(
                on.handle.id, run_id=on.handle.first_execution_run_id
            )
            yield name, await first.fetch_history()
            await on.handle.terminate()
