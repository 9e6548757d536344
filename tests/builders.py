"""Honest objects with good defaults, so that a test says only what it is about."""

from loreloom.domain.ids import FactId
from loreloom.domain.quest import (
    Choice,
    ChoiceOutcome,
    Condition,
    Difficulty,
    Objective,
    ObjectiveKind,
    QuestKind,
    QuestPlan,
    QuestProgress,
    QuestState,
)


def an_objective(
    objective_id: str = "objective_1",
    *,
    kind: ObjectiveKind = ObjectiveKind.COLLECT,
    target: str = "Knot Cord",
    required: int = 1,
    condition: Condition | None = None,
    branch: str | None = None,
    after: tuple[str, ...] = (),
) -> Objective:
    return Objective(
        objective_id=objective_id,
        kind=kind,
        target=target,
        required=required,
        condition=condition,
        branch=branch,
        after=after,
    )


def a_choice(choice_id: str, *, fails: bool = False, sets_fact: str | None = None) -> Choice:
    return Choice(
        choice_id=choice_id,
        outcome=ChoiceOutcome.FAIL if fails else ChoiceOutcome.CONTINUE,
        sets_fact=FactId(sets_fact) if sets_fact else None,
    )


def a_plan(
    *objectives: Objective,
    choices: tuple[Choice, ...] = (),
    kind: QuestKind = QuestKind.SIDE,
    difficulty: Difficulty = Difficulty.NORMAL,
    level: int = 1,
    offer_seconds: int = 3600,
    limit_game_seconds: int | None = None,
    faction: str | None = "Threshold Table",
    reward_items: tuple[str, ...] = (),
) -> QuestPlan:
    return QuestPlan(
        kind=kind,
        difficulty=difficulty,
        level=level,
        faction=faction,
        objectives=objectives or (an_objective(),),
        choices=choices,
        reward_items=reward_items,
        offer_seconds=offer_seconds,
        limit_game_seconds=limit_game_seconds,
    )


def playing(done: dict[str, int] | None = None) -> QuestProgress:
    return QuestProgress(state=QuestState.ACTIVE, done=done or {}, revision=2)
