"""An arc and its world: a clock that is changed under it, and a weather that it makes."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from temporalio.client import Client

from loreloom.api.arc_teller import ArcTeller
from loreloom.domain.arc_walk import ArcState
from loreloom.domain.weather import Weather
from loreloom.state.store import Store
from loreloom.state.tables.worlds import World
from loreloom.state.worlds import find_world
from tests.arcs.builders import an_arc, to
from tests.arcs.stage import arc_stage

WEEKS: dict[str, Any] = {"kind": "wait", "until": {"hours": 24 * 30}, "next": [to("end")]}


async def test_a_clock_that_is_advanced_wakes_the_arc_that_waits_by_it(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc({"first": WEEKS}))
        await arc.at("first")
        teller = ArcTeller(store, temporal_client, 0.2)
        sweeping = asyncio.create_task(teller.run())
        try:
            async with store.transaction() as tx:
                await tx.run(
                    update(World).values(
                        game_anchor=World.game_anchor + 24 * 31 * 3600,
                        clock_anchor=datetime.now(UTC),
                    )
                )
            assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        finally:
            sweeping.cancel()


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
