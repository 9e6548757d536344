"""Every way that an arc can go, walked on the stage, for its history."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHistory

from loreloom.activities.signatures.arc import Tally
from loreloom.api.arc_teller import ArcTeller
from loreloom.domain.arc import ArcDefinition
from loreloom.state.store import Store
from tests.arcs.builders import an_arc, tell, to
from tests.arcs.stage import ArcStage, OnStage, arc_stage

HOLD: dict[str, Any] = {
    "kind": "wait",
    "until": {"when": {"facts": {"all": ["the_bell_rang"]}}},
    "next": [to("end")],
}
PICK: dict[str, Any] = {
    "kind": "wait",
    "until": {"choice": [{"choice_id": "stay", "text": "Stay"}, {"choice_id": "go", "text": "Go"}]},
    "next": [to("end", choice=["stay"]), to("errand", choice=["go"])],
}
STORY = {
    "first": tell(to("pick")),
    "pick": PICK,
    "errand": {"kind": "quest", "template": "side-a", "next": [to("hear")]},
    "hear": {
        "kind": "wait",
        "until": {"quest": "errand"},
        "next": [to("reward", outcome=["completed"]), to("end")],
    },
    "reward": {"kind": "change", "standing": {"Guild": 4}, "next": [to("end")]},
}
GOAL: dict[str, Any] = {
    "kind": "goal",
    "name": "candles",
    "title": "Candles",
    "target": 3,
    "next": [to("end")],
}
Way = Callable[[ArcStage, ArcDefinition], Awaitable[OnStage]]


async def ended(on: ArcStage, definition: ArcDefinition) -> OnStage:
    arc = await on.begin(definition)
    await arc.at("pick")
    await arc.choose("act", "go")
    quest = await arc.quest("errand")
    await quest.accept()
    await quest.progress("work")
    await arc.handle.result()
    return arc


async def cancelled(on: ArcStage, definition: ArcDefinition) -> OnStage:
    arc = await on.begin(definition)
    await arc.at("pick")
    await arc.handle.execute_update("cancel", {"reason": None})
    await arc.handle.result()
    return arc


async def migrated(on: ArcStage, definition: ArcDefinition) -> OnStage:
    arc = await on.begin(definition)
    await arc.at("first")
    await arc.migrate(an_arc({"first": {**HOLD, "until": {"hours": 0.01}}}))
    await arc.handle.result()
    return arc


async def reached(on: ArcStage, definition: ArcDefinition) -> OnStage:
    arc = await on.begin(definition)
    await arc.opened()
    assert await arc.contribute("all", 3)
    teller = ArcTeller(on.store, on.client, 60)
    teller.counted(arc.arc_id)
    await arc.handle.result()
    await teller.close()
    return arc


async def to_its_end(on: ArcStage, definition: ArcDefinition) -> OnStage:
    arc = await on.begin(definition)
    await arc.handle.result()
    return arc


async def broken(on: ArcStage, definition: ArcDefinition) -> OnStage:
    arc = await on.begin(definition)
    with suppress(WorkflowFailureError):
        await arc.handle.result()
    return arc


async def continued(on: ArcStage, definition: ArcDefinition) -> OnStage:
    arc = await on.begin(definition)
    await arc.at("first")
    first = (await arc.handle.describe()).run_id
    while (await arc.handle.describe()).run_id == first:
        await arc.handle.signal("look_again")
    handle = on.client.get_workflow_handle(arc.handle.id, run_id=first)
    return OnStage(on, arc.arc_id, handle)


async def told_for_long(on: ArcStage, definition: ArcDefinition) -> OnStage:
    arc = await on.begin(definition)
    await arc.opened()
    first = (await arc.handle.describe()).run_id
    while (await arc.handle.describe()).run_id == first:
        await arc.handle.signal("contributed", Tally(goal="candles", target=3, total=1))
    handle = on.client.get_workflow_handle(arc.handle.id, run_id=first)
    return OnStage(on, arc.arc_id, handle)


TELL: dict[str, Any] = {**tell(to("end")), "brief": {"theme": "how the quay took it"}}
LOST = {"kind": "quest", "template": "no-such", "next": [to("end")]}
LATE = {**HOLD, "at_most": {"hours": 0.02, "to": "end"}}

WAYS: dict[str, tuple[ArcDefinition, Way]] = {
    "ended": (an_arc(STORY), ended),
    "cancelled": (an_arc(STORY), cancelled),
    "migrated": (an_arc({"first": HOLD}), migrated),
    "migrated_ahead": (an_arc({"first": HOLD}), migrated),
    "goal_reached": (an_arc({"first": GOAL}), reached),
    "past_its_time": (an_arc({"first": LATE}), to_its_end),
    "written": (an_arc({"first": TELL}), to_its_end),
    "unwritten": (an_arc({"first": TELL}), to_its_end),
    "broken": (an_arc({"first": LOST}), broken),
    "continued_as_new": (an_arc({"first": HOLD}), continued),
    "told_for_long": (an_arc({"first": GOAL}), told_for_long),
}


async def walked(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """The history of each way, under its name."""
    for name, (definition, way) in WAYS.items():
        prefix, writes = f"record-arc-{name}", name != "unwritten"
        async with arc_stage(client, store, prefix, world=f"arc-{name}", writes=writes) as on:
            yield name, await (await way(on, definition)).handle.fetch_history()
