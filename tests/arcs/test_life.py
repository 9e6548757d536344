"""What an arc changes of a world's own life, and who remembers it."""

from typing import Any

import pytest
from temporalio.client import Client

from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import CanonName, FactId
from loreloom.domain.living.aftermath import fact_id
from loreloom.domain.living.memories import Deed
from loreloom.domain.living.world import pair
from loreloom.state.facts import list_facts
from loreloom.state.life import find_living, live_next_day
from loreloom.state.memories import memories_of
from loreloom.state.store import Store
from loreloom.state.worlds import find_world
from tests.arcs.builders import an_arc, to
from tests.arcs.stage import PLAYER, arc_stage
from tests.life.worlds import example
from tests.quest.stage import eventually

LIFE = example().model_copy(update={"canon": CanonName("stage")})
QUARREL = {
    "kind": "change",
    "factions": {
        "House Quillaine": {
            "wealth": -20,
            "regards": {"House Vaskerrin": 30},
            "goals": {"revenge": 2},
        }
    },
    "remembered": {"Maud Tolliver": "kept_word"},
    "next": [to("end")],
}


async def test_a_beat_changes_factions_and_is_remembered_once(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    life = LIFE
    async with arc_stage(
        temporal_client, store, task_queue_prefix, life=life, regions=life.regions
    ) as on:
        world = await find_world(store, on.world)
        assert world is not None
        before = await find_living(store, world, life)
        arc = await on.begin(an_arc({"first": QUARREL}))
        assert await arc.handle.result() == ArcState.ENDED
        after = await find_living(store, world, life)
        house = after.factions["House Quillaine"]
        assert house.wealth == before.factions["House Quillaine"].wealth - 20
        both = pair("House Quillaine", "House Vaskerrin")
        assert after.regard[both] == before.regard[both] + 30
        (memory,) = await memories_of(store, on.world, "Maud Tolliver", PLAYER)
        assert (memory.deed, memory.about) == (Deed.KEPT_WORD, "A trial")


TAKEN: dict[str, Any] = {
    "kind": "change",
    "factions": {"House Quillaine": {"takes": ["Tenpenny Steps"]}},
    "next": [to("end")],
}


async def test_what_an_arc_makes_so_of_the_factions_is_said_to_be_its_doing(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(
        temporal_client, store, task_queue_prefix, life=LIFE, regions=LIFE.regions
    ) as on:
        world = await find_world(store, on.world)
        assert world is not None
        assert await live_next_day(store, world, LIFE, 1) == 1
        held = (await find_living(store, world, LIFE)).held["Tenpenny Steps"]
        assert held != "House Quillaine"
        arc = await on.begin(an_arc({"first": TAKEN}))
        assert await arc.handle.result() == ArcState.ENDED
        source = {f.fact: f.source for f in (await list_facts(store, on.world, limit=999)).items}
        assert source[FactId("holds.house_quillaine.tenpenny_steps")] == f"life/1/arc/{arc.arc_id}"
        assert source[FactId("holds.house_quillaine.ledger_terrace")] == "life/1"
        assert fact_id("holds", held, "Tenpenny Steps") not in source


@pytest.mark.parametrize(
    "factions",
    [{"Nobody's House": {"wealth": 1}}, {"House Vaskerrin": {"takes": ["Ledger Terrace"]}}],
    ids=["a faction that the world lacks", "a faction's seat"],
)
async def test_what_no_world_allows_breaks_the_arc_and_changes_nothing(
    temporal_client: Client, store: Store, task_queue_prefix: str, factions: dict[str, Any]
) -> None:
    life = LIFE
    unknown = {**QUARREL, "factions": factions}
    async with arc_stage(
        temporal_client, store, task_queue_prefix, life=life, regions=life.regions
    ) as on:
        arc = await on.begin(an_arc({"first": unknown}))

        async def broken() -> bool:
            return (await arc.record()).state is ArcState.BROKEN

        await eventually(broken, "the arc is broken")
        assert await memories_of(store, on.world, "Maud Tolliver", PLAYER) == []
        assert "arc.changed" not in await arc.kinds()
