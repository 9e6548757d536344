"""Running arcs that are moved to another definition, and those that keep theirs."""

import asyncio
from typing import Any

from temporalio.client import Client

from loreloom.domain.arc_walk import ArcState
from loreloom.domain.refusals import RefusalCode
from loreloom.state.store import Store
from tests.arcs.builders import an_arc, tell, to
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
OLD = an_arc({"first": PICK, "hold": WAIT})
NEW = an_arc(
    {
        "first": {**PICK, "next": [to("news")]},
        "hold": {**WAIT, "next": [to("news")]},
        "news": tell(to("end")),
    }
)
COPIES = 100


async def test_a_hundred_running_copies_are_moved_and_none_is_stuck(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        copies = [await on.begin(OLD) for _ in range(COPIES)]
        for copy in copies:
            await copy.at("first")
        await asyncio.gather(*(copy.choose("act", "go") for copy in copies[1::2]))
        for copy in copies[1::2]:
            await copy.at("hold")
        await asyncio.gather(*(copy.migrate(NEW) for copy in copies))
        await asyncio.gather(*(copy.choose("act", "go") for copy in copies[0::2]))
        await on.learn("the_bell_rang")
        for number, copy in enumerate(copies):
            assert await asyncio.wait_for(copy.handle.result(), 60) == ArcState.ENDED
            way = ["first", "hold", "news", "end"] if number % 2 else ["first", "news", "end"]
            assert await copy.way() == way
            assert (await copy.record()).digest == NEW.digest


async def test_an_arc_keeps_its_definition_when_it_cannot_be_moved(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await on.begin(OLD)
        await arc.at("first")
        without = an_arc({"begin": PICK, "hold": WAIT}, start="begin")
        assert await refusal_of(arc.migrate(without)) is RefusalCode.CANNOT_MIGRATE
        await arc.choose("act", "go")
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
