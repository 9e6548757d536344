"""Rewards follow from level, difficulty and choice, and from nothing else."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from loreloom.domain.quest import Choice, Difficulty, ObjectiveKind, QuestKind
from loreloom.domain.rewards import experience_for, level_at, reward_for
from tests.builders import a_plan, an_objective, playing


def test_a_normal_side_quest_at_level_one_pays_the_base() -> None:
    reward = reward_for(a_plan(reward_items=("Salt Chalk",)), playing())
    assert (reward.experience, reward.coin) == (40, 12)
    assert reward.items == {"Salt Chalk": 1}
    assert reward.standing == {"Threshold Table": 2}


def test_harder_quests_and_higher_levels_pay_more() -> None:
    by_difficulty = [
        reward_for(a_plan(difficulty=difficulty), playing()).experience for difficulty in Difficulty
    ]
    assert by_difficulty == sorted(set(by_difficulty))
    by_level = [reward_for(a_plan(level=level), playing()).coin for level in (1, 5, 20)]
    assert by_level == sorted(set(by_level))
    daily, main = (
        reward_for(a_plan(kind=kind), playing()).experience
        for kind in (QuestKind.DAILY, QuestKind.MAIN)
    )
    assert daily < main


def test_a_choice_scales_what_is_paid() -> None:
    plan = a_plan(
        an_objective("decide", kind=ObjectiveKind.CHOOSE),
        choices=(Choice(choice_id="half", reward_percent=50), Choice(choice_id="whole")),
    )
    half = reward_for(plan, playing().model_copy(update={"chosen": "half"}))
    whole = reward_for(plan, playing().model_copy(update={"chosen": "whole"}))
    assert (half.experience, whole.experience) == (20, 40)


@given(st.integers(1, 500))
def test_a_level_begins_where_its_experience_says(level: int) -> None:
    needed = experience_for(level)
    assert level_at(needed) == level
    assert level_at(needed - 1) == level - 1 or needed == 0


def test_levels_never_fall_as_experience_grows() -> None:
    levels = [level_at(experience) for experience in range(0, 20_000, 7)]
    assert all(before <= after for before, after in itertools.pairwise(levels))
