"""An arc and its world: a clock that is changed under it, and what it waits for there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any

import pytest
from sqlalchemy import select, update
from temporalio.client import Client, Interceptor, OutboundInterceptor, SignalWorkflowInput
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from loreloom.activities.signatures.weather import RegionRef
from loreloom.api.arc_teller import ArcTeller
from loreloom.domain.arc_walk import ArcState
from loreloom.domain.calendar import HOUR
from loreloom.domain.ids import ArcId, FactId, WorldId, weather_workflow_id
from loreloom.domain.sky import Sky, states_from
from loreloom.domain.weather import Weather
from loreloom.state.arcs import way_of
from loreloom.state.facts import make_known
from loreloom.state.store import Store
from loreloom.state.tables.arcs import Arc
from loreloom.state.tables.worlds import World
from loreloom.state.weather import WeatherOrder, impose_weather
from loreloom.state.worlds import find_world
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workflows.signatures import REGION_WEATHER, WeatherInput
from tests.arcs.builders import an_arc, to
from tests.arcs.stage import ArcStage, arc_stage
from tests.quest.stage import eventually
from tests.support.servers import settings_for_tests

WEEKS: dict[str, Any] = {"kind": "wait", "until": {"hours": 24 * 30}, "next": [to("end")]}
EONS: dict[str, Any] = {
    "kind": "wait",
    "until": {"choice": [{"choice_id": "go", "text": "Go"}]},
    "at_most": {"hours": 80_000},
    "next": [to("end")],
}
SORRY = {"kind": "end", "outcome": "sorry"}


def wait_for(**so: Any) -> dict[str, Any]:
    """A beat that waits for conditions."""
    return {"kind": "wait", "until": {"when": so}, "next": [to("end")]}


@asynccontextmanager
async def swept(store: Store, client: Client) -> AsyncIterator[None]:
    """The sweep of an API process, as long as the block runs."""
    sweeping = asyncio.create_task(ArcTeller(store, client, 0.2).run())
    try:
        yield
    finally:
        sweeping.cancel()


async def advance(on: ArcStage, hours: int) -> None:
    """Somebody advances the world's clock."""
    async with on.store.transaction() as tx:
        await tx.run(
            update(World).values(
                game_anchor=World.game_anchor + hours * HOUR, clock_anchor=datetime.now(UTC)
            )
        )


async def looked(store: Store, arc_id: ArcId) -> None:
    """Wait until an arc has looked at its world."""

    async def has() -> bool:
        async with store.reading() as connection:
            query = select(Arc.clock_seen).where(Arc.arc_id == arc_id)
            return (await connection.execute(query)).scalar_one() is not None

    await eventually(has, f"{arc_id} looks at its world")


def first_short_spell(sky: Sky, after: int) -> tuple[Weather, range]:
    """A weather whose first spell after an hour lasts two hours at most, and the hours of it."""
    seen: set[Weather] = set()
    hours = zip(range(after, after + 900), islice(states_from(sky, after), 900), strict=True)
    for state, spell in groupby(hours, key=lambda one: one[1]):
        numbers = [number for number, _ in spell]
        if state not in seen and len(numbers) <= 2 and numbers[0] > after + 100:
            return state, range(numbers[0], numbers[-1] + 1)
        seen.add(state)
    raise AssertionError("this sky has no such spell")


async def test_a_clock_that_is_advanced_wakes_the_arc_that_waits_by_it(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc({"first": WEEKS}))
        await arc.at("first")
        async with swept(store, temporal_client):
            await advance(on, 24 * 31)
            assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED


async def test_a_changed_clock_is_told_once_though_no_worker_looks(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix, serve=False) as on:
        async with on.working():
            arc, gone = (
                await on.begin(an_arc({"first": WEEKS})),
                await on.begin(an_arc({"first": WEEKS})),
            )
            for one in (arc, gone):
                await one.at("first")
                await looked(store, one.arc_id)
        await gone.handle.terminate()
        await advance(on, 24 * 31)
        teller = ArcTeller(store, temporal_client, 60)
        assert await teller.sweep() == 2
        assert await teller.sweep() == 0
        async with on.working():
            assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED


@pytest.fixture(scope="module")
async def curt_client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A Temporal server that takes one signal for each workflow, and refuses the next."""
    settings = settings_for_tests(tmp_path_factory.mktemp("curt"))
    curt = ["history.maximumSignalsPerExecution=1"]
    with Stack(settings, parts=[PartName.TEMPORAL], temporal_dynamic=curt) as stack:
        yield await Client.connect(
            stack.settings.required_temporal_address(), data_converter=pydantic_data_converter
        )


async def test_an_arc_that_cannot_be_told_keeps_nobody_from_hearing(
    curt_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(curt_client, store, task_queue_prefix) as on:
        deaf, arc = [await on.begin(an_arc({"first": WEEKS})) for _ in "ab"]
        for one in (deaf, arc):
            await one.at("first")
            await looked(store, one.arc_id)
        await deaf.handle.signal("look_again")
        await advance(on, 24 * 31)
        assert await ArcTeller(store, curt_client, 60).sweep() == 1
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED


async def test_an_arc_whose_time_is_up_beyond_all_calendars_takes_acts_till_then(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix, scale=0.001) as on:
        arc = await on.begin(an_arc({"first": EONS}))
        await arc.at("first")
        act = arc.choose("act", "go")
        assert (await asyncio.wait_for(act, 15)).choice_id == "go"
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED


async def test_a_weather_is_met_in_the_hours_that_the_forecast_says(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    now = (await time_skipping.get_current_time()).astimezone(UTC)
    async with arc_stage(
        time_skipping.client, store, task_queue_prefix, anchor=now, scale=600, regions=("Quay",)
    ) as on:
        world = await find_world(store, on.world)
        assert world is not None
        begins = world.clock.game_anchor // HOUR
        state, hours = first_short_spell(world.regions[0].sky, begins)
        arc = await on.begin(
            an_arc({"first": wait_for(weather={"region": "Quay", "state": [state]})})
        )
        assert await asyncio.wait_for(arc.handle.result(), 60) == ArcState.ENDED
        entered = [step.game_seconds for step in await way_of(store, arc.arc_id)]
        assert entered[-1] // HOUR in hours
        events = [event async for event in arc.handle.fetch_history_events()]
        assert len(events) < 60


async def test_a_weather_that_is_made_for_a_while_is_not_missed(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(
        temporal_client, store, task_queue_prefix, scale=3600, regions=("Quay",)
    ) as on:
        frost = {"region": "Quay", "state": ["blizzard"]}
        arc = await on.begin(an_arc({"first": wait_for(weather=frost)}))
        await arc.at("first")
        await looked(store, arc.arc_id)
        order = WeatherOrder(
            world_id=on.world,
            region="Quay",
            at=datetime.now(UTC),
            key="frost",
            state=Weather.BLIZZARD,
            hours=20,
            by="test",
        )
        assert await impose_weather(store, order)
        async with swept(store, temporal_client):
            assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED


async def test_a_fact_is_heard_of_before_the_time_is_up(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    now = (await time_skipping.get_current_time()).astimezone(UTC)
    async with arc_stage(
        time_skipping.client, store, task_queue_prefix, anchor=now, scale=3600
    ) as on:
        rings = wait_for(facts={"all": ["the_bell_rang"]})
        bounded = {**rings, "at_most": {"hours": 60, "to": "sorry"}}
        arc = await on.begin(an_arc({"first": bounded, "sorry": SORRY}))
        await arc.at("first")
        await looked(store, arc.arc_id)
        # By now it looks so rarely that its time would be up first.
        await time_skipping.sleep(52)
        await make_known(store, on.world, None, FactId("the_bell_rang"), "test")
        teller = ArcTeller(store, time_skipping.client, 60)
        assert await teller.sweep() == 1
        assert await arc.handle.result() == ArcState.ENDED
        assert await arc.way() == ["first", "end"]
        assert await teller.sweep() == 0


class DownAtFirst(Interceptor):
    """A Temporal that is not there when the first signal is sent."""

    def __init__(self) -> None:
        self.down = True

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _DownAtFirst(next, self)


class _DownAtFirst(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, server: DownAtFirst) -> None:
        super().__init__(next)
        self._server = server

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        if self._server.down:
            self._server.down = False
            raise RPCError("it is not there", RPCStatusCode.UNAVAILABLE, b"")
        await super().signal_workflow(input)


async def test_a_weather_that_an_arc_makes_is_heard_of_though_temporal_was_away(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    blizzard = {
        "kind": "change",
        "weather": {"region": "Quay", "state": "blizzard", "hours": 500},
        "next": [to("end")],
    }
    server = DownAtFirst()
    config = temporal_client.config()
    config["interceptors"] = [server]
    client = Client(**config)
    world = f"world-{task_queue_prefix}"
    # No worker serves it: what it is told stays in its history.
    region = await client.start_workflow(
        REGION_WEATHER,
        WeatherInput(region=RegionRef(world_id=WorldId(world), region="Quay")),
        id=weather_workflow_id(WorldId(world), "Quay"),
        task_queue=f"nobody-{task_queue_prefix}",
    )
    async with arc_stage(client, store, task_queue_prefix, world=world, regions=("Quay",)) as on:
        arc = await on.begin(an_arc({"first": blizzard}))
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
    heard = [event async for event in region.fetch_history_events()]
    signals = [e.workflow_execution_signaled_event_attributes.signal_name for e in heard]
    assert "look_again" in signals
    assert not server.down


async def test_an_arc_makes_a_weather_for_a_while_and_then_finds_it(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix, regions=("Quay",)) as on:
        beats: dict[str, dict[str, Any]] = {
            "first": {
                "kind": "change",
                "weather": {"region": "Quay", "state": "blizzard", "hours": 500},
                "next": [to("end", weather={"region": "Quay", "state": ["blizzard"]})],
            }
        }
        arc = await on.begin(an_arc(beats))
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        world = await find_world(store, on.world)
        assert world is not None
        now = world.clock.game_seconds(datetime.now(UTC))
        assert world.regions[0].weather_at(now) is Weather.BLIZZARD
        assert world.regions[0].weather_at(now + 501 * 3600) is not Weather.BLIZZARD
        changed = [e.data for e in await arc.told() if e.kind == "arc.changed"]
        assert changed[0]["weather"]["region"] == "Quay"
