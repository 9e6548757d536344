"""The rules of a quest: what an act does to it, and what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreloom.domain import quest as rules
from loreloom.domain.calendar import DayPart
from loreloom.domain.ids import FactId
from loreloom.domain.quest import (
    Condition,
    ObjectiveKind,
    QuestProgress,
    QuestState,
    Surroundings,
)
from loreloom.domain.refusals import Refusal, RefusalCode
from loreloom.domain.weather import Weather
from tests.builders import a_choice, a_plan, an_objective, playing


def refused(code: RefusalCode) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code is code)


def test_work_on_an_objective_is_counted_up_to_what_is_required() -> None:
    plan = a_plan(an_objective("rats", required=3))
    after = rules.progressed(plan, playing(), "rats", 2)
    assert after.done == {"rats": 2}
    assert not rules.is_fulfilled(plan, after)
    after = rules.progressed(plan, after, "rats", 5)
    assert after.done == {"rats": 3}
    assert rules.is_fulfilled(plan, after)


@pytest.mark.parametrize("state", [s for s in QuestState if s is not QuestState.ACTIVE])
def test_only_an_active_quest_can_be_worked_on(state: QuestState) -> None:
    plan = a_plan(an_objective("rats"))
    with refused(RefusalCode.WRONG_STATE):
        rules.progressed(plan, QuestProgress(state=state), "rats", 1)


def test_an_unknown_a_done_and_a_later_objective_are_refused_by_name() -> None:
    plan = a_plan(an_objective("first"), an_objective("second", after=("first",)))
    with refused(RefusalCode.UNKNOWN_OBJECTIVE):
        rules.progressed(plan, playing(), "third", 1)
    with refused(RefusalCode.OBJECTIVE_CLOSED):
        rules.progressed(plan, playing(), "second", 1)
    with refused(RefusalCode.OBJECTIVE_DONE):
        rules.progressed(plan, playing(done={"first": 1}), "first", 1)


def test_a_choice_opens_its_branch_and_closes_the_others() -> None:
    plan = a_plan(
        an_objective("decide", kind=ObjectiveKind.CHOOSE),
        an_objective("return", branch="mercy"),
        an_objective("sell", branch="profit"),
        choices=(a_choice("mercy"), a_choice("profit")),
    )
    with refused(RefusalCode.OBJECTIVE_CLOSED):
        rules.progressed(plan, playing(), "return", 1)
    chosen = rules.chose(plan, playing(), "mercy")
    assert not rules.is_fulfilled(plan, chosen)
    with refused(RefusalCode.OBJECTIVE_CLOSED):
        rules.progressed(plan, chosen, "sell", 1)
    with refused(RefusalCode.ALREADY_CHOSEN):
        rules.chose(plan, chosen, "profit")
    assert rules.is_fulfilled(plan, rules.progressed(plan, chosen, "return", 1))


def test_a_choice_may_end_the_quest_in_failure() -> None:
    plan = a_plan(
        an_objective("decide", kind=ObjectiveKind.CHOOSE),
        choices=(a_choice("betray", fails=True), a_choice("keep faith")),
    )
    lost = rules.chose(plan, playing(), "betray")
    assert rules.is_lost(plan, lost)
    assert not rules.is_fulfilled(plan, lost)
    kept = rules.chose(plan, playing(), "keep faith")
    assert rules.is_fulfilled(plan, kept)
    assert not rules.is_lost(plan, kept)


def test_choosing_is_not_done_by_progress() -> None:
    plan = a_plan(an_objective("decide", kind=ObjectiveKind.CHOOSE), choices=(a_choice("yes"),))
    with refused(RefusalCode.NOT_BY_PROGRESS):
        rules.progressed(plan, playing(), "decide", 1)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Condition(hours=(22, 4)), True),
        (Condition(hours=(4, 22)), False),
        (Condition(hours=(23, 24)), True),
        (Condition(hours=(22, 23)), False),
        (Condition(part=DayPart.NIGHT), True),
        (Condition(part=DayPart.DAY), False),
        (Condition(weather=(Weather.FOG, Weather.MIST)), True),
        (Condition(weather=(Weather.CLEAR,)), False),
        (Condition(fact=FactId("known")), True),
        (Condition(fact=FactId("unknown")), False),
        (Condition(without_fact=FactId("known")), False),
        (Condition(without_fact=FactId("unknown")), True),
        (Condition(part=DayPart.NIGHT, fact=FactId("unknown")), False),
    ],
)
def test_a_condition_holds_by_hour_weather_and_facts(condition: Condition, holds: bool) -> None:
    now = Surroundings(
        hour=23, part=DayPart.NIGHT, weather=Weather.FOG, facts=frozenset({FactId("known")})
    )
    assert (condition.unmet(now) is None) is holds


def test_where_there_is_no_weather_nothing_that_waits_for_one_holds() -> None:
    now = Surroundings(hour=12, part=DayPart.DAY)
    assert Condition(weather=tuple(Weather)).unmet(now) is not None
    assert Condition(hours=(8, 20)).unmet(now) is None


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 50)), max_size=40))
def test_no_order_of_acts_counts_past_what_is_required(acts: list[tuple[str, int]]) -> None:
    required = {"a": 1, "b": 7, "c": 40}
    plan = a_plan(*(an_objective(name, required=count) for name, count in required.items()))
    progress = playing()
    counts: list[tuple[str, rules.Counted]] = []
    for objective, amount in acts:
        before = progress
        try:
            progress = rules.progressed(plan, progress, objective, amount)
        except Refusal:
            continue
        assert progress.revision == before.revision + 1
        counts.append((objective, rules.counted(plan, before, progress, objective)))
    worked = {
        name: min(required[name], sum(amount for act, amount in acts if act == name))
        for name in required
    }
    assert {name: progress.done.get(name, 0) for name in required} == worked
    for name in required:
        told = [counted for objective, counted in counts if objective == name]
        assert sum(counted.amount for counted in told) == worked[name]
        assert all(counted.done <= counted.required == required[name] for counted in told)
