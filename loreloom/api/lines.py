"""What a player reads of a text that was generated."""

from collections.abc import Mapping, Sequence

from loreloom.api.history import entries_of
from loreloom.domain.ids import QuestId
from loreloom.state.generations import KeptGeneration
from loreloom.state.quests import QuestRecord, find_quest
from loreloom.state.store import Store


async def lines_of(store: Store, made: KeptGeneration) -> tuple[str, ...]:
    """The lines of a generation, as they were told; none if they never were."""
    sort, _, name = made.subject.partition("/")
    if sort == "quest":
        quest = await find_quest(store, QuestId(name))
        return lines_of_quest(made.purpose, quest) if quest is not None else ()
    told = await entries_of(store, made.world_id, made.subject)
    return tuple(
        entry.data["text"]
        for entry in told
        if entry.kind == "arc.told" and entry.data.get("generation_id") == made.generation_id
    )


def lines_of_quest(purpose: str, quest: QuestRecord) -> tuple[str, ...]:
    """The lines of a quest's design, its title first, or of its epilogue."""
    story, plan = quest.story, quest.plan
    if story is None:
        return ()
    if purpose == "epilogue":
        return (story.epilogue,) if story.epilogue else ()
    return (
        story.title,
        story.summary,
        f"{story.giver}: “{story.offer}”",
        *_in_order(story.objectives, [o.objective_id for o in plan.objectives] if plan else ()),
        *_in_order(story.choices, [c.choice_id for c in plan.choices] if plan else ()),
    )


def _in_order(texts: Mapping[str, str], ids: Sequence[str]) -> list[str]:
    return [texts[name] for name in ids if name in texts]
