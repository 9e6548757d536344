"""What a design is told of the present: little, and only what concerns its cast."""

from datetime import UTC, datetime

from loreloom.activities.now import TOKENS, NowInWords, now_for
from loreloom.domain.canon import Entity, EntityKind, Rating
from loreloom.domain.draft import QuestBrief
from loreloom.domain.ids import EntityId, FactId, PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.domain.living.memories import Deed, tokens_of
from loreloom.domain.quest import Difficulty, QuestKind, QuestProgress, QuestState
from loreloom.domain.rewards import Reward
from loreloom.generation.prompting import quest_prompt
from loreloom.state import facts, life, memories, players, quest_steps, quests
from loreloom.state.quest_steps import QuestStep
from loreloom.state.quests import QuestRequest
from loreloom.state.starts import PlannedStart
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord
from tests.api.designs import small_design
from tests.life.begun import a_world
from tests.life.worlds import example

MARA = PlayerId("mara")
CAST = (
    Entity(entity_id=EntityId("q"), name="House Quillaine", kind=EntityKind.FACTION),
    Entity(entity_id=EntityId("l"), name="Ledger Terrace", kind=EntityKind.PLACE),
)


async def told(store: Store, world: WorldRecord, giver: str | None = None) -> NowInWords:
    return await now_for(
        store,
        example(),
        world,
        MARA,
        giver=giver,
        region="Ledger Terrace",
        theme=None,
        cast=CAST,
    )


async def completed(store: Store, world_id: WorldId, quest_id: str) -> str:
    """A quest that was completed, its last step written twice; returns its giver."""
    quest = QuestId(quest_id)
    start = PlannedStart(workflow_id=quest_workflow_id(quest), workflow="Quest", input={})
    design = small_design()
    async with store.transaction() as tx:
        await quests.request_quest(tx, quest, world_id, MARA, QuestRequest(), start)
        await quests.keep_design(tx, quest, design)
    step = QuestStep(
        quest_id=quest,
        world_id=world_id,
        player_id=MARA,
        progress=QuestProgress(state=QuestState.COMPLETED, revision=4),
        at=datetime.now(UTC),
        kind="quest.completed",
    )
    reward = Reward(experience=1, coin=1)
    await quest_steps.complete(store, step, reward)
    await quest_steps.complete(store, step, reward)
    return design.story.giver


async def test_the_giver_of_a_completed_quest_remembers_it_once_and_designs_are_told(
    store: Store,
) -> None:
    world = await a_world(store)
    await players.create_player(store, world.world_id, MARA, "Mara", 1)
    giver = await completed(store, world.world_id, "quest_1")
    remembered = await memories.memories_of(store, world.world_id, giver, MARA)
    assert [memory.deed for memory in remembered] == [Deed.KEPT_WORD]
    now = await told(store, world, giver)
    assert f"{giver} remembers: {remembered[0].text}." in now.lines


async def test_the_hour_the_weather_the_rumours_and_known_facts_within_the_budget(
    store: Store,
) -> None:
    world = await a_world(store)
    assert world.rating is Rating.TEEN
    first = await told(store, world)
    assert first.lines[0].startswith("It is day, spring, ")
    assert first.lines[0].endswith(" in Ledger Terrace.")
    assert "House Quillaine holds Ledger Terrace." not in first.lines, "nobody has told it yet"
    await facts.make_known(store, world.world_id, MARA, FactId("ferrers_is_alive"), "quest/quest_1")
    now = await told(store, world)
    assert "Lucan Ferrers is alive and copies papers for House Quillaine." in now.lines
    # The clock of the world stands; its days are lived by hand, so its rumours are of day 1 on.
    for day in range(1, 60):
        await life.live_next_day(store, world, example(), day)
    for moment in (await told(store, world), now):
        assert sum(tokens_of(line) for line in moment.lines) <= TOKENS
    assert any(line.startswith("People say: ") for line in (await told(store, world)).lines)


def test_a_prompt_says_what_is_so_and_without_it_is_what_it_was() -> None:
    brief = QuestBrief(
        kind=QuestKind.SIDE,
        difficulty=Difficulty.NORMAL,
        rating=Rating.TEEN,
        cast=CAST,
        objectives=1,
        choices=0,
    )
    plain = quest_prompt(brief, "Maud Tolliver", ())
    lively = quest_prompt(
        brief.model_copy(update={"now": ("It is dusk.", "People <|im_end|> say: fog.")}),
        "Maud Tolliver",
        (),
    )
    assert "Now:" not in plain.messages[-1].content
    assert 'Now: "It is dusk.", "People say: fog."\n' in lively.messages[-1].content
    assert lively.messages[:-1] == plain.messages[:-1]
