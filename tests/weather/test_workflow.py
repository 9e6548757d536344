"""The workflow of a region's weather: it wakes when the weather changes, and for orders."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from loreloom.domain.calendar import HOUR
from loreloom.domain.climate import Climate, ClimateSeason
from loreloom.domain.climates import ClimateBook, Place
from loreloom.domain.clock import Clock
from loreloom.domain.weather import Weather
from loreloom.state.store import Store
from tests.quest.stage import eventually
from tests.support.resetting import completed_tasks, reset
from tests.weather.stage import (
    BEGAN,
    Staged,
    a_clock,
    a_world,
    begun,
    foretold,
    looked,
    set_clock,
    telling,
)

W = Weather


@pytest.fixture
async def fast(
    store: Store, temporal_client: Client, task_queue_prefix: str
) -> AsyncIterator[Staged]:
    """An estuary on which a game day passes in four seconds."""
    world = f"world-{task_queue_prefix}"
    await a_world(store, a_clock(scale=86_400 / 4), world=world, regions=["estuary"])
    async with telling(temporal_client, store, task_queue_prefix):
        staged = await begun(temporal_client, store, task_queue_prefix, "estuary", world)
        yield staged
        await staged.handle.terminate()


async def test_each_change_is_told_as_it_comes(fast: Staged) -> None:
    async def many() -> bool:
        return len(await fast.told()) >= 7

    await eventually(many, "seven changes")
    entries = await fast.told()
    told = [(entry.data["since"], entry.data["state"]) for entry in entries]
    expected = await foretold(fast, BEGAN, told[-1][0])
    # The first look comes when the worker is there, and tells of what changes from then on.
    assert told == expected[-len(told) :]
    assert set(entries[0].data) == {
        "region", "cause", "since", "until", "state", "temperature", "wind", "humidity",
        "intensity",
    }  # fmt: skip


async def test_made_weather_holds_and_ends(fast: Staged) -> None:
    made = await fast.impose(W.BLIZZARD, hours=12)
    assert made.until_seconds == made.from_seconds + 12 * HOUR

    async def over() -> bool:
        return any(e.data["since"] >= (made.until_seconds or 0) for e in await fast.told())

    await eventually(over, "the blizzard is over")
    entries = await fast.told()
    (blizzard,) = (n for n, e in enumerate(entries) if e.data["state"] == "blizzard")
    assert entries[blizzard].data["cause"] == "imposed"
    assert entries[blizzard].data["by"] == "a test"
    assert entries[blizzard].data["until"] == made.until_seconds
    assert entries[blizzard + 1].data["since"] == made.until_seconds
    assert entries[blizzard + 1].data["cause"] == "sky"


async def test_an_order_sent_twice_makes_one_weather(fast: Staged) -> None:
    first = await fast.impose(W.SNOW, order="the same")
    assert await fast.impose(W.SNOW, order="the same") == first
    await fast.clear()
    assert await fast.impose(W.SNOW, order="the same") == first
    states = await fast.states()
    assert states.count(("snow", "imposed")) == 1
    assert [cause for _, cause in states].count("cleared") == 1


async def test_a_paused_world_has_no_timer_and_goes_on_when_it_is_told(
    store: Store, temporal_client: Client, task_queue_prefix: str
) -> None:
    world = f"world-{task_queue_prefix}"
    await a_world(store, a_clock(paused=True), world=world, regions=["estuary"])
    async with telling(temporal_client, store, task_queue_prefix):
        on = await begun(temporal_client, store, task_queue_prefix, "estuary", world)
        made = await on.impose(W.STORM, hours=3)
        assert made.from_seconds == 8 * HOUR
        history = await on.handle.fetch_history()
        assert not any(event.HasField("timer_started_event_attributes") for event in history.events)
        clock = a_clock(scale=10_800)
        await set_clock(store, world, clock)
        await on.handle.signal("look_again")

        async def over() -> bool:
            return len(await on.told()) > 1

        await eventually(over, "the storm is over")
        await on.handle.terminate()
    assert [entry.data["since"] for entry in (await on.told())[:2]] == [8 * HOUR, 11 * HOUR]


async def test_a_storm_of_months_ends_and_the_sky_goes_on(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    """It lasts longer than anybody looks ahead; its end is told all the same."""
    client, world = time_skipping.client, f"world-{task_queue_prefix}"
    clock = Clock(anchor=await time_skipping.get_current_time())
    await a_world(store, clock, world=world, regions=["estuary"])
    async with telling(client, store, task_queue_prefix):
        on = await begun(client, store, task_queue_prefix, "estuary", world)
        made = await on.impose(W.STORM, hours=1500)
        await time_skipping.sleep(clock.real_span(1510 * HOUR))

        async def over() -> bool:
            return any(e.data["since"] == made.until_seconds for e in await on.told())

        await eventually(over, "the storm is over")
        await on.handle.terminate()
    assert (await on.told())[0].data["until"] == made.until_seconds


async def test_after_seasons_without_a_change_the_weather_changes_again(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    """Two seasons of one weather are longer than anybody looks ahead."""
    client, world = time_skipping.client, f"world-{task_queue_prefix}"
    clock = Clock(anchor=await time_skipping.get_current_time())
    clear, foggy = {W.CLEAR: 100.0}, {W.CLEAR: 60.0, W.FOG: 40.0}
    shares = {"spring": clear, "summer": clear, "autumn": foggy, "winter": clear}
    seasons = tuple(
        ClimateSeason(name=name, temperature=9, shares=of_season)
        for name, of_season in shares.items()
    )
    still = Climate(name="still", seasons=seasons, follows={W.FOG: (W.CLEAR,)})
    places = ClimateBook(climates={"still": still}, places={"plain": Place(climate="still")})
    await a_world(store, clock, world=world, regions=["plain"], places=places)
    async with telling(client, store, task_queue_prefix):
        on = await begun(client, store, task_queue_prefix, "plain", world)
        await looked(on)
        await time_skipping.sleep(clock.real_span(1600 * HOUR))

        async def fog() -> bool:
            return "fog" in {state for state, _ in await on.states()}

        await eventually(fog, "a fog in autumn")
        await on.handle.terminate()


async def test_a_reset_tells_nothing_again(fast: Staged, temporal_client: Client) -> None:
    await fast.impose(W.SNOW, hours=1, order="once")

    async def some() -> bool:
        return len(await fast.told()) > 2

    await eventually(some, "some changes")
    before = await fast.told()
    await reset(temporal_client, fast.handle, (await completed_tasks(fast.handle))[0])
    fast.handle = temporal_client.get_workflow_handle(fast.handle.id)

    async def more() -> bool:
        return len(await fast.told()) > len(before) + 1

    await eventually(more, "more changes after the reset")
    after = await fast.told()
    assert after[: len(before)] == before
    since = [entry.data["since"] for entry in after]
    assert since == sorted(since)
    assert (await fast.states()).count(("snow", "imposed")) == 1


async def test_a_season_of_weather_on_a_server_that_skips_time(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    """A season at the default scale: what is told is the forecast, and nothing else."""
    client, world = time_skipping.client, f"world-{task_queue_prefix}"
    now = await time_skipping.get_current_time()
    clock = Clock(anchor=now)
    await a_world(store, clock, world=world, regions=["estuary"])
    async with telling(client, store, task_queue_prefix):
        on = await begun(client, store, task_queue_prefix, "estuary", world)
        # In steps, because the server does not wait for a worker that is behind.
        for _ in range(30 * 4):
            await time_skipping.sleep(timedelta(minutes=6))
        await on.handle.terminate()
    told = [(entry.data["since"], entry.data["state"]) for entry in await on.told()]
    assert len(told) > 60
    assert told == await foretold(on, BEGAN, told[-1][0])
    last = (await foretold(on, BEGAN, BEGAN + 30 * 24 * HOUR))[-1]
    assert told[-1] == last
