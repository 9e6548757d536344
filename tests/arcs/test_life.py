"""What an arc changes of a world's own life, and who remembers it."""

from typing import Any

import pytest
from temporalio.client import Client

from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import CanonName
from loreloom.domain.living.memories import Deed
from loreloom.domain.living.world import pair
from loreloom.state.life import find_living
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
