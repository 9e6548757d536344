"""A quest's story as the console tells it."""

import pytest
from sqlalchemy import update

from loreloom.api.console.pages import said
from loreloom.api.console.stories import story_of
from loreloom.domain.ids import QuestId, WorldId
from loreloom.state.quests import find_quest
from loreloom.state.tables.worlds import World
from loreloom.state.worlds import find_world
from tests.console.conftest import Console

TEN_DAYS = 10 * 24 * 3600


async def test_a_text_keeps_its_game_time_when_the_clock_is_advanced_later(
    console: Console,
) -> None:
    store, world_id = console.api.parts.store, WorldId(console.told.world_id)
    async with store.transaction() as tx:
        advanced = update(World).where(World.world_id == world_id)
        await tx.run(advanced.values(game_anchor=World.game_anchor + TEN_DAYS))
    world = await find_world(store, world_id)
    quest = await find_quest(store, QuestId(console.told.quest_id))
    assert world is not None
    assert quest is not None
    asked, written, offered = await story_of(store, world, quest)
    assert written.written is not None
    assert asked.game_time.seconds <= written.game_time.seconds <= offered.game_time.seconds


@pytest.mark.parametrize(
    ("carried", "words"),
    [
        ({"a lamp": 2, "an eel": 1}, "a lamp: 2, an eel: 1"),
        (["Harbour", "Upper Market"], "Harbour, Upper Market"),
        ({"weather": {"state": ["fog"]}}, "weather: state: fog"),
        (12, 12),
    ],
)
def test_what_an_entry_carries_is_no_code(carried: object, words: object) -> None:
    assert said(carried) == words
