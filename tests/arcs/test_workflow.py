"""Arcs walked from end to end: with a real quest, real choices and the world's own time."""

import asyncio
from datetime import UTC
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from loreloom.domain.arc_walk import ArcState
from loreloom.domain.calendar import Calendar
from loreloom.domain.refusals import RefusalCode
from loreloom.state.arcs import way_of
from loreloom.state.store import Store
from tests.arcs.builders import an_arc, tell, to
from tests.arcs.stage import arc_stage
from tests.arcs.telling import WRITTEN
from tests.builders import a_choice, a_plan, an_objective
from tests.quest.stage import refusal_of

PICK: dict[str, Any] = {
    "kind": "wait",
    "until": {"choice": [{"choice_id": "stay", "text": "Stay"}, {"choice_id": "go", "text": "Go"}]},
    "next": [to("last", choice=["stay"]), to("errand", choice=["go"])],
}
STORY: dict[str, dict[str, Any]] = {
    "first": tell(to("pick")),
    "pick": PICK,
    "errand": {"kind": "quest", "template": "side-a", "next": [to("hold")]},
    "hold": {
        "kind": "wait",
        "until": {"quest": "errand"},
        "next": [to("reward", outcome=["completed"]), to("last")],
    },
    "reward": {
        "kind": "change",
        "standing": {"Guild": 4},
        "fact": "did_the_errand",
        "next": [to("last")],
    },
    "last": tell(to("end", facts={"all": ["did_the_errand"]}), to("sorry")),
    "sorry": {"kind": "end", "outcome": "sorry", "text": "Nothing came of it."},
}


async def test_an_arc_of_a_player_with_a_quest_from_beginning_to_end(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc(STORY))
        await arc.at("pick")
        assert await refusal_of(arc.choose("act", "fly")) is RefusalCode.UNKNOWN_CHOICE
        assert (await arc.choose("act", "go")).choice_id == "go"
        quest = await arc.quest("errand")
        assert await refusal_of(arc.choose("late", "stay")) is RefusalCode.WRONG_STATE
        await quest.accept()
        await quest.progress("work")
        assert await arc.handle.result() == ArcState.ENDED
        assert await arc.way() == ["first", "pick", "errand", "hold", "reward", "last", "end"]
        record = await arc.record()
        assert (record.state, record.outcome) == (ArcState.ENDED, "done")
        assert await arc.kinds() == [
            "arc.started", "arc.beat", "arc.told", "arc.beat", "arc.chosen", "arc.beat",
            "arc.quest", "arc.beat", "arc.beat", "arc.changed", "arc.beat", "arc.told",
            "arc.beat", "arc.ended",
        ]  # fmt: skip
        player = await quest.stage.player()
        assert player.standing["Guild"] == 4


async def test_a_quest_that_fails_leads_another_way(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(an_objective(required=2), choices=(a_choice("betray", fails=True),))
    async with arc_stage(temporal_client, store, task_queue_prefix, plan=plan) as on:
        arc = await on.begin(an_arc({**STORY, "first": tell(to("errand"))}))
        quest = await arc.quest("errand")
        await quest.accept()
        await quest.choose("act", "betray")
        assert await arc.handle.result() == ArcState.ENDED
        assert await arc.way() == ["first", "errand", "hold", "last", "sorry"]
        last = (await arc.told())[-2:]
        assert [(entry.kind, entry.data.get("text")) for entry in last] == [
            ("arc.told", "Nothing came of it."),
            ("arc.ended", None),
        ]


async def test_a_fact_that_is_learned_meanwhile_opens_the_way(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        wait = {
            "kind": "wait",
            "until": {"when": {"facts": {"all": ["the_bell_rang"]}}},
            "next": [to("end")],
        }
        arc = await on.begin(an_arc({"first": wait}))
        await arc.at("first")
        await on.learn("the_bell_rang")
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED


@pytest.mark.parametrize(
    ("writes", "told"),
    [(True, (WRITTEN, "generated")), (False, ("Something is said.", "template"))],
)
async def test_a_beat_is_told_in_its_own_words_where_no_model_serves(
    temporal_client: Client,
    store: Store,
    task_queue_prefix: str,
    writes: bool,
    told: tuple[str, str],
) -> None:
    news = {**tell(to("end")), "brief": {"theme": "how the quay took it"}}
    async with arc_stage(temporal_client, store, task_queue_prefix, writes=writes) as on:
        arc = await on.begin(an_arc({"first": news}))
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        texts = [entry.data for entry in await arc.told() if entry.kind == "arc.told"]
        assert [(text["text"], text["source"]) for text in texts] == [told]


async def test_weeks_of_game_time_pass_as_the_calendar_says(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    now = await time_skipping.get_current_time()
    async with arc_stage(
        time_skipping.client, store, task_queue_prefix, anchor=now.astimezone(UTC)
    ) as on:
        beats: dict[str, dict[str, Any]] = {
            "first": {"kind": "wait", "until": {"hours": 24 * 14}, "next": [to("autumn")]},
            "autumn": {
                "kind": "wait",
                "until": {"when": {"season": ["autumn"], "part": ["night"]}},
                "next": [to("late")],
            },
            "late": {
                "kind": "wait",
                "until": {"when": {"facts": {"all": ["never"]}}},
                "at_most": {"hours": 48, "to": "end"},
                "next": [to("sorry")],
            },
            "sorry": {"kind": "end", "outcome": "sorry"},
        }
        arc = await on.begin(an_arc(beats))
        assert await arc.handle.result() == ArcState.ENDED
        assert await arc.way() == ["first", "autumn", "late", "end"]
        steps = [step.game_seconds for step in await way_of(store, arc.arc_id)]
        assert 24 * 14 * 3600 <= steps[1] - steps[0] < 24 * 14 * 3600 + 60
        begun = Calendar().read(steps[2])
        assert (begun.season, begun.day, begun.hour) == ("autumn", 1, 0)
        assert 48 * 3600 <= steps[3] - steps[2] < 48 * 3600 + 60
        events = [event async for event in arc.handle.fetch_history_events()]
        assert len(events) < 1000


async def test_a_cancelled_arc_stops_and_takes_no_more_acts(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc(STORY))
        await arc.at("pick")
        await arc.handle.execute_update("cancel", {"reason": "the season is over"})
        assert await arc.handle.result() == ArcState.CANCELLED
        record = await arc.record()
        assert (record.state, record.reason) == (ArcState.CANCELLED, "the season is over")
        assert (await arc.kinds())[-1] == "arc.cancelled"
