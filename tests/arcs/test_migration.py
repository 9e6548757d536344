"""Running arcs that are moved to another definition, and those that keep theirs."""

import asyncio
from typing import Any

from temporalio.client import Client

from loreloom.domain.arc_needs import Past
from loreloom.domain.arc_walk import ArcState
from loreloom.domain.refusals import RefusalCode
from loreloom.state.arcs import past_of
from loreloom.state.store import Store
from tests.arcs.builders import an_arc, to
from tests.arcs.stage import arc_stage
from tests.quest.stage import refusal_of

WAIT: dict[str, Any] = {
    "kind": "wait",
    "until": {"when": {"facts": {"all": ["the_bell_rang"]}}},
    "next": [to("end")],
}
PICK: dict[str, Any] = {
    "kind": "wait",
    "until": {"choice": [{"choice_id": "stay", "text": "Stay"}, {"choice_id": "go", "text": "Go"}]},
    "next": [to("hold")],
}
ERRAND: dict[str, Any] = {
    "errand": {"kind": "quest", "template": "side-a", "next": [to("hold")]},
    "hear": {"kind": "wait", "until": {"quest": "errand"}, "next": [to("end")]},
}
OLD = an_arc({"first": PICK, "hold": WAIT})


async def test_an_arc_keeps_its_definition_when_it_cannot_be_moved(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(OLD)
        await arc.at("first")
        without = an_arc({"begin": PICK, "hold": WAIT}, start="begin")
        assert await refusal_of(arc.migrate(without)) is RefusalCode.CANNOT_MIGRATE
        await arc.choose("act", "go")
        await arc.at("hold")
        passed_by = an_arc({"first": PICK, "hold": {**WAIT, "next": [to("hear")]}, **ERRAND})
        assert await refusal_of(arc.migrate(passed_by)) is RefusalCode.CANNOT_MIGRATE
        assert await past_of(store, arc.arc_id) == Past(choices=frozenset({"go"}))
        await on.learn("the_bell_rang")
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        assert await arc.way() == ["first", "hold", "end"]
        assert (await arc.record()).digest == OLD.digest


async def test_a_wait_goes_by_what_the_new_definition_waits_for(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(an_arc({"first": {**WAIT, "until": {"hours": 9000}}}))
        await arc.at("first")
        await arc.migrate(an_arc({"first": {**WAIT, "until": {"hours": 0.01}}}))
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        assert "arc.migrated" in await arc.kinds()
