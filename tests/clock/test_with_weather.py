"""A world's clock and a region's weather, each a workflow of its own, beside each other."""

from datetime import UTC, datetime

from temporalio.client import Client

from loreloom.state.store import Store
from tests.clock.stage import DAY, ticking
from tests.quest.stage import eventually
from tests.weather.stage import BEGAN, begun, foretold

REGION = "estuary"


async def test_a_change_of_the_clock_reaches_the_weather(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    """While time stands still, only the clock's word makes the weather look."""
    world = f"world-{task_queue_prefix}"
    how = {"at": datetime.now(UTC), "regions": [REGION], "world": world}
    async with ticking(temporal_client, store, task_queue_prefix, **how) as on:
        weather = await begun(temporal_client, store, task_queue_prefix, REGION, world)
        paused = await on.change(paused=True)
        advanced = await on.change(advance_hours=23)
        expected = await foretold(weather, paused.game_anchor, advanced.game_anchor)
        assert len(expected) > 1

        async def told() -> list[tuple[int, str]]:
            return [(e.data["since"], e.data["state"]) for e in await weather.told()]

        async def heard() -> bool:
            return len(await told()) >= len(expected)

        await eventually(heard, "the weather heard of the clock")
        assert await told() == expected

        # Time that goes on by itself is told of as it comes, by the clock's new scale.
        resumed = await on.change(paused=False, scale=DAY / 8)

        async def later() -> bool:
            return len(await told()) >= len(expected) + 3

        await eventually(later, "the weather goes on")
        since = (await told())[-1][0]
        assert await told() == await foretold(weather, BEGAN, since)
        assert resumed.game_anchor == advanced.game_anchor
        await weather.handle.terminate("the test is over")
