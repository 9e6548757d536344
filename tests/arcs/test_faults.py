"""What an arc survives: faults, killed workers, a history that is cut, and a reset."""

import asyncio
from typing import Any

from temporalio.client import Client

from loreloom.activities.signatures.arc import Tally
from loreloom.api.arc_teller import ArcTeller
from loreloom.domain.arc_walk import ArcState
from loreloom.state.store import Store
from tests.arcs.builders import an_arc, tell, to
from tests.arcs.stage import arc_stage
from tests.quest.faults import SeededFaults
from tests.quest.stage import eventually
from tests.support.resetting import completed_tasks, reset

HOLD: dict[str, Any] = {
    "kind": "wait",
    "until": {"when": {"facts": {"all": ["the_bell_rang"]}}},
    "next": [to("end")],
}
ERRAND: dict[str, dict[str, Any]] = {
    "first": {"kind": "quest", "template": "side-a", "next": [to("quest_end")]},
    "quest_end": {
        "kind": "wait",
        "until": {"quest": "first"},
        "next": [to("reward", outcome=["completed"]), to("hold")],
    },
    "reward": {"kind": "change", "standing": {"Guild": 4}, "next": [to("hold")]},
    "hold": HOLD,
}


async def test_an_arc_that_is_reset_after_its_quest_ended_goes_the_same_way_once(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc(ERRAND))
        quest = await arc.quest("first")
        await quest.accept()
        await quest.progress("work")
        await arc.at("hold")
        told = await arc.kinds()
        await reset(temporal_client, arc.handle, (await completed_tasks(arc.handle))[0])
        await on.learn("the_bell_rang")
        again = temporal_client.get_workflow_handle(arc.handle.id)
        assert await asyncio.wait_for(again.result(), 60) == ArcState.ENDED
        assert await arc.way() == ["first", "quest_end", "reward", "hold", "end"]
        assert await arc.kinds() == [*told, "arc.beat", "arc.ended"]
        assert (await quest.stage.player()).standing["Guild"] == 4


async def test_an_arc_whose_steps_fail_again_and_again_writes_each_once(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix, serve=False) as on:
        beats = {
            "first": tell(to("second")),
            "second": {
                "kind": "change",
                "standing": {"Guild": 1},
                "fact": "went",
                "next": [to("third")],
            },
            "third": tell(to("end", facts={"all": ["went"]}), to("lost")),
            "lost": {"kind": "end", "outcome": "lost"},
        }
        faults = SeededFaults(7, 0.4, 6)
        async with on.working(faults):
            begun = [await on.begin(an_arc(beats)) for _ in range(8)]
            for arc in begun:
                assert await asyncio.wait_for(arc.handle.result(), 90) == ArcState.ENDED
                assert await arc.way() == ["first", "second", "third", "end"]
                kinds = await arc.kinds()
                assert len([kind for kind in kinds if kind == "arc.told"]) == 2
                assert len([kind for kind in kinds if kind == "arc.changed"]) == 1
        assert faults.done


async def test_an_arc_goes_on_when_its_workers_come_back(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix, serve=False) as on:
        async with on.working():
            arc = await on.begin(an_arc({"first": tell(to("hold")), "hold": HOLD}))
            await arc.at("hold")
        await on.learn("the_bell_rang")
        async with on.working():
            assert await asyncio.wait_for(arc.handle.result(), 60) == ArcState.ENDED
        assert await arc.way() == ["first", "hold", "end"]


async def test_an_arc_that_continues_as_new_keeps_all_that_it_is_waiting_for(
    early_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(early_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc({"first": tell(to("hold")), "hold": HOLD}))
        await arc.at("hold")
        first = (await arc.handle.describe()).run_id
        now = first
        while now == first:
            await arc.handle.signal("look_again")
            now = (await arc.handle.describe()).run_id
        await on.learn("the_bell_rang")
        assert await asyncio.wait_for(arc.handle.result(), 60) == ArcState.ENDED
        assert await arc.way() == ["first", "hold", "end"]


async def test_a_goal_that_is_told_of_for_long_moves_on_and_hears_the_last_of_it(
    early_client: Client, store: Store, task_queue_prefix: str
) -> None:
    goal = {"kind": "goal", "name": "candles", "title": "Candles", "target": 200}
    async with arc_stage(early_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc({"first": {**goal, "next": [to("end")]}}))
        await arc.opened()
        first = (await arc.handle.describe()).run_id
        for total in range(1, 101):
            await arc.handle.signal("contributed", Tally(goal="candles", total=total, target=200))

        async def moved_on() -> bool:
            return (await arc.handle.describe()).run_id != first

        await eventually(moved_on, "the arc has another run")
        assert await arc.contribute("all", 200)
        teller = ArcTeller(store, early_client, 60)
        teller.counted(arc.arc_id)
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        await teller.close()
        assert await arc.way() == ["first", "end"]
