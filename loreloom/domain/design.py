"""How the rules turn a wish into a brief, and a draft into a plan: all numbers are made here."""

from collections.abc import Container, Mapping, Sequence
from random import Random

from pydantic import BaseModel, ConfigDict

from loreloom.domain.calendar import HOUR
from loreloom.domain.canon import Entity, EntityKind, Rating
from loreloom.domain.draft import QuestBrief, QuestDraft
from loreloom.domain.ids import FactId, QuestId
from loreloom.domain.quest import (
    Choice,
    Difficulty,
    Objective,
    ObjectiveKind,
    QuestKind,
    QuestPlan,
)
from loreloom.domain.story import QuestStory

OBJECTIVES = {
    QuestKind.MAIN: (2, 3),
    QuestKind.SIDE: (1, 3),
    QuestKind.DAILY: (1, 1),
    QuestKind.EVENT: (1, 2),
}
CHANCE_OF_CHOICE = {
    QuestKind.MAIN: 1.0,
    QuestKind.SIDE: 0.35,
    QuestKind.DAILY: 0.0,
    QuestKind.EVENT: 0.35,
}
OFFER_SECONDS = {
    QuestKind.MAIN: 7 * 24 * HOUR,
    QuestKind.SIDE: 24 * HOUR,
    QuestKind.DAILY: 6 * HOUR,
    QuestKind.EVENT: HOUR,
}
"""Real time for which an offer stands, if the caller names none."""

COUNTS = {
    ObjectiveKind.DEFEAT: {Difficulty.EASY: (1, 2), Difficulty.NORMAL: (2, 4)},
    ObjectiveKind.COLLECT: {Difficulty.EASY: (1, 2), Difficulty.NORMAL: (2, 4)},
}
"""How often, from the least to the most; harder quests ask for what a normal one asks and more."""

EXTRA_COUNT = {Difficulty.HARD: 2, Difficulty.DEADLY: 4}


class Wish(BaseModel):
    """What was asked for, with what the world adds to it.

    ``seed`` is the quest's own; every chance in its design comes from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: QuestKind
    difficulty: Difficulty
    rating: Rating
    level: int
    seed: int
    giver: str | None = None
    region: str | None = None
    theme: str | None = None
    offer_seconds: int | None = None
    limit_game_hours: int | None = None


def brief_for(wish: Wish, cast: Sequence[Entity]) -> QuestBrief:
    """What a quest of this wish may name, and how many objectives and choices it has."""
    chance = Random(f"{wish.seed}/brief")
    return QuestBrief(
        kind=wish.kind,
        difficulty=wish.difficulty,
        rating=wish.rating,
        cast=tuple(cast),
        giver=wish.giver,
        region=wish.region,
        theme=wish.theme,
        objectives=chance.randint(*OBJECTIVES[wish.kind]),
        choices=2 if chance.random() < CHANCE_OF_CHOICE[wish.kind] else 0,
    )


def region_for(
    wish: Wish, giver: str | None, homes: Mapping[str, str], regions: Sequence[str]
) -> str | None:
    """Where a quest plays: where it was asked for, else where its giver lives, else by its seed.

    ``homes`` says where people live, ``regions`` are the world's. In a world that has none, it is
    what was asked for.
    """
    for region in (wish.region, homes.get(giver or "")):
        if region in regions:
            return region
    return region_by_seed(wish.seed, regions) or wish.region


def region_by_seed(seed: int, regions: Sequence[str]) -> str | None:
    """One of the regions, the same for the same seed."""
    return _one_of(sorted(regions), Random(f"{seed}/region"))


def ids_of_choices(count: int) -> tuple[str, ...]:
    """What the choices of a quest are called, in their order."""
    return tuple(f"choice_{number}" for number in range(1, count + 1))


def plan_of(
    draft: QuestDraft,
    wish: Wish,
    cast: Sequence[Entity],
    *,
    quest_id: QuestId,
    region: str | None = None,
    faction: str | None = None,
) -> tuple[QuestPlan, QuestStory]:
    """The plan and the story that a checked draft becomes, in the ``region`` where it plays.

    ``faction`` is the one whose standing the quest raises; without one, a faction of the cast.
    Choices that name no fact of their own set ``chose.<quest>.<choice>``.
    """
    chance = Random(f"{wish.seed}/plan")
    choice_ids = ids_of_choices(len(draft.choices))
    choices = tuple(
        Choice(
            choice_id=choice_id,
            outcome=choice.outcome,
            sets_fact=choice.sets_fact or FactId(f"chose.{quest_id}.{choice_id}"),
            reward_percent=choice.reward_percent,
        )
        for choice_id, choice in zip(choice_ids, draft.choices, strict=True)
    )
    many = {entity.name for entity in cast if entity.comes_in_many}
    objectives, lines = _objectives(draft, wish, choice_ids, many, chance)
    plan = QuestPlan(
        kind=wish.kind,
        difficulty=wish.difficulty,
        level=wish.level,
        region=region,
        faction=faction or _one_of(_names(cast, EntityKind.FACTION), chance),
        objectives=tuple(objectives),
        choices=choices,
        reward_items=_reward_items(draft, wish, cast, chance),
        offer_seconds=wish.offer_seconds or OFFER_SECONDS[wish.kind],
        limit_game_seconds=wish.limit_game_hours * HOUR if wish.limit_game_hours else None,
    )
    story = QuestStory(
        title=draft.title,
        summary=draft.summary,
        giver=draft.giver,
        offer=draft.offer,
        objectives=lines,
        choices={
            choice_id: choice.label
            for choice_id, choice in zip(choice_ids, draft.choices, strict=True)
        },
    )
    return plan, story


def _objectives(
    draft: QuestDraft,
    wish: Wish,
    choice_ids: Sequence[str],
    many: Container[str],
    chance: Random,
) -> tuple[list[Objective], dict[str, str]]:
    """The draft's objectives with ids and counts; a choice waits for those that are not its own."""
    objectives: list[Objective] = []
    lines: dict[str, str] = {}
    for number, drafted in enumerate(draft.objectives, start=1):
        objective_id = f"objective_{number}"
        is_choice = drafted.kind is ObjectiveKind.CHOOSE
        objectives.append(
            Objective(
                objective_id=objective_id,
                kind=drafted.kind,
                target=drafted.target,
                to=drafted.to,
                required=_count(drafted.kind, wish.difficulty, chance)
                if drafted.target in many
                else 1,
                condition=drafted.condition,
                branch=None if drafted.branch is None else choice_ids[drafted.branch],
                after=_common_ids(objectives) if is_choice else (),
            )
        )
        lines[objective_id] = drafted.text
    if choice_ids and not any(o.kind is ObjectiveKind.CHOOSE for o in objectives):
        objectives.append(
            Objective(
                objective_id="decision",
                kind=ObjectiveKind.CHOOSE,
                target=draft.giver,
                after=_common_ids(objectives),
            )
        )
        lines["decision"] = "Decide how it ends."
    return objectives, lines


def _common_ids(objectives: Sequence[Objective]) -> tuple[str, ...]:
    return tuple(o.objective_id for o in objectives if o.branch is None)


def _count(kind: ObjectiveKind, difficulty: Difficulty, chance: Random) -> int:
    spans = COUNTS.get(kind)
    if spans is None:
        return 1
    least, most = spans.get(difficulty, spans[Difficulty.NORMAL])
    return chance.randint(least, most) + EXTRA_COUNT.get(difficulty, 0)


def _reward_items(
    draft: QuestDraft, wish: Wish, cast: Sequence[Entity], chance: Random
) -> tuple[str, ...]:
    """A thing of the cast that the quest does not ask for, and of which there are many.

    What there is only one of in the canon is not given away. A daily quest gives none.
    """
    if wish.kind is QuestKind.DAILY:
        return ()
    asked = {objective.target for objective in draft.objectives}
    given = [
        entity.name
        for entity in cast
        if entity.kind is EntityKind.THING and entity.comes_in_many and entity.name not in asked
    ]
    item = _one_of(given, chance)
    return (item,) if item else ()


def _names(cast: Sequence[Entity], kind: EntityKind) -> list[str]:
    return [entity.name for entity in cast if entity.kind is kind]


def _one_of(names: Sequence[str], chance: Random) -> str | None:
    return chance.choice(names) if names else None
