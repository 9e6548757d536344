"""Honest objects with good defaults, so that a test says only what it is about."""

from datetime import UTC, datetime

from loreloom.domain.calendar import Calendar
from loreloom.domain.canon import Rating
from loreloom.domain.clock import Clock
from loreloom.domain.ids import CanonName, FactId, WorldId
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
from loreloom.state.regions import RegionRecord
from loreloom.state.worlds import WorldRecord


def a_world_record(
    world_id: str = "world",
    *,
    canon: str = "default",
    seed: int = 1,
    calendar: Calendar | None = None,
    clock: Clock | None = None,
    regions: tuple[RegionRecord, ...] = (),
) -> WorldRecord:
    """A world without budgets, whose clock runs from now if nothing else is said."""
    return WorldRecord(
        world_id=WorldId(world_id),
        name="World",
        canon=CanonName(canon),
        seed=seed,
        rating=Rating.TEEN,
        world_daily_tokens=0,
        player_daily_tokens=0,
        calendar=calendar or Calendar(),
        clock=clock or Clock(anchor=datetime.now(UTC)),
        regions=regions,
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
