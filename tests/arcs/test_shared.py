"""What many push on together: each contribution counted once, whoever repeats it and when."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from loreloom.api.arc_teller import ArcTeller
from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import PlayerId
from loreloom.state import players
from loreloom.state.arcs import goals_of
from loreloom.state.store import Store
from tests.arcs.builders import an_arc, to
from tests.arcs.stage import ArcStage, arc_stage
from tests.quest.faults import HeldBack
from tests.quest.stage import eventually

GOAL: dict[str, Any] = {
    "kind": "goal",
    "name": "candles",
    "title": "Candles",
    "target": 60,
    "next": [
        to("end", goal={"name": "candles"}),
        to("sorry", goal={"name": "candles", "reached": False}),
    ],
}
SORRY = {"kind": "end", "outcome": "sorry"}


async def people(on: ArcStage, count: int) -> list[str]:
    names = [f"p{number}" for number in range(count)]
    for name in names:
        assert await players.create_player(on.store, on.world, PlayerId(name), name, 1)
    return names


async def test_doubled_contributions_at_once_count_once_and_reach_the_goal(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc({"first": GOAL, "sorry": SORRY}, scope="world"), player=None)
        await arc.opened()
        names = await people(on, 6)
        first = await asyncio.gather(
            *(
                arc.contribute(f"{name}-{n}", 1, name)
                for name in names
                for n in range(9)
                for _ in "ab"
            )
        )
        counted = [one for one in first if one is not None]
        totals = [one.total for one in counted]
        assert totals[0::2] == totals[1::2]
        assert sorted(totals[0::2]) == list(range(1, 55))
        assert sorted(one.total for one in counted if one.again) == list(range(1, 55))
        (goal,) = await goals_of(store, arc.arc_id)
        assert (goal.total, goal.open) == (54, True)

        teller = ArcTeller(store, temporal_client, 60)
        last = await asyncio.gather(*(arc.contribute(f"more-{n}", 1, "p0") for n in range(20)))
        assert sum(counted is not None for counted in last) == 6
        teller.counted(arc.arc_id)
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        await teller.close()
        assert await arc.way() == ["first", "end"]
        again = await arc.contribute("p0-0", 1, "p0")
        assert again is not None
        assert (again.total, again.again) == (totals[0], True)
        (goal,) = await goals_of(store, arc.arc_id)
        assert (goal.total, goal.open) == (60, False)
        told = [e.data for e in await arc.told() if e.kind == "arc.goal_reached"]
        assert [(data["total"], data["target"]) for data in told] == [(60, 60)]


async def test_a_total_that_nobody_told_is_swept(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc({"first": GOAL, "sorry": SORRY}, scope="world"), player=None)
        await arc.opened()
        assert await arc.contribute("all", 60)
        teller = ArcTeller(store, temporal_client, 0.2)
        sweeping = asyncio.create_task(teller.run())
        try:
            assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        finally:
            sweeping.cancel()


async def test_a_total_that_is_told_before_the_arc_knows_its_goal_open_is_not_forgotten(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    opening = HeldBack("arc_open_goal", answer=True)
    async with (
        arc_stage(temporal_client, store, task_queue_prefix, serve=False) as on,
        on.working(opening),
    ):
        # A short task makes the worker ask for what is new while the step is still under way.
        arc = await on.begin(
            an_arc({"first": GOAL, "sorry": SORRY}), task_timeout=timedelta(seconds=1)
        )
        await opening.begun.wait()
        assert await arc.contribute("all", 60)
        teller = ArcTeller(store, temporal_client, 60)
        teller.counted(arc.arc_id)

        async def heard() -> bool:
            events = [event.event_type async for event in arc.handle.fetch_history_events()]
            told = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
            task = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
            return told in events and task in events[events.index(told) :]

        await eventually(heard, "the arc hears of the total")
        opening.let_go.set()
        assert await asyncio.wait_for(arc.handle.result(), 10) == ArcState.ENDED
        await teller.close()


async def test_a_goal_whose_time_is_up_is_missed_and_closed(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix, scale=10_000) as on:
        beats = {"first": {**GOAL, "at_most": {"hours": 3}}, "sorry": SORRY}
        arc = await on.begin(an_arc(beats, scope="world"), player=None)
        await arc.at("sorry")
        assert await arc.contribute("late") is None
        assert await arc.way() == ["first", "sorry"]
        assert "arc.goal_missed" in await arc.kinds()


async def test_only_who_belongs_to_the_arc_contributes(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        await people(on, 1)
        arc = await on.begin(an_arc({"first": GOAL, "sorry": SORRY}))
        await arc.opened()
        assert await arc.contribute("mine")
        assert await arc.contribute("theirs", 1, "p0") is None
        assert await arc.contribute("nobodys", 1, "nobody") is None


async def test_players_who_name_their_acts_alike_are_counted_each(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc({"first": GOAL, "sorry": SORRY}, scope="world"), player=None)
        await arc.opened()
        await people(on, 2)
        first, other, again = [
            await arc.contribute("act-1", amount, name)
            for amount, name in ((5, "p0"), (7, "p1"), (9, "p0"))
        ]
        assert first is not None
        assert other is not None
        assert again is not None
        assert [(one.total, one.again) for one in (first, other)] == [(5, False), (12, False)]
        assert (again.total, again.again) == (5, True)
        (goal,) = await goals_of(store, arc.arc_id)
        assert goal.total == 12


async def test_a_goal_that_was_missed_is_opened_anew_when_the_arc_comes_back_to_it(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    beats = {
        "first": {
            **GOAL,
            "at_most": {"hours": 300},
            "next": [
                to("end", goal={"name": "candles"}),
                to("first", goal={"name": "candles", "reached": False}),
            ],
        }
    }
    async with arc_stage(temporal_client, store, task_queue_prefix, scale=100_000) as on:
        arc = await on.begin(an_arc(beats, scope="world"), player=None)
        await arc.opened()
        early = await arc.contribute("early", 10)
        assert early is not None

        async def anew() -> bool:
            return len(await goals_of(store, arc.arc_id)) > 1

        await eventually(anew, "the goal is opened anew")
        teller = ArcTeller(store, temporal_client, 60)
        late = None
        while late is None:
            late = await arc.contribute("late", 60)
        assert late.total == 60
        assert await arc.contribute("early", 10) == early.model_copy(update={"again": True})
        teller.counted(arc.arc_id)
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        await teller.close()
        assert {"arc.goal_missed", "arc.goal_reached"} <= {*await arc.kinds()}
        *missed, reached = await goals_of(store, arc.arc_id)
        assert missed[0].total == 10
        assert (reached.total, reached.open) == (60, False)
