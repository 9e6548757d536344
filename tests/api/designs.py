"""Designs of quests that tests know beforehand."""

from loreloom.domain.quest import (
    Choice,
    Difficulty,
    Objective,
    ObjectiveKind,
    QuestKind,
    QuestPlan,
    Source,
)
from loreloom.domain.story import QuestStory
from loreloom.state.quests import QuestDesign

OFFER_SECONDS = 3600
HARBOUR = """---
title: The Harbour
rating: everyone
entities:
  - {name: Old Hest, kind: person}
  - {name: The Lantern, kind: thing}
sections:
  What sailors say: {telling: rumour}
---
## The pier
Old Hest keeps the Lantern at the end of the pier.

## What sailors say
The Lantern drinks the fog, and Old Hest drinks with it.
"""
"""A document of which one part is hearsay."""


def small_design() -> QuestDesign:
    """Gather three things, choose, and on the way of mercy pay for it."""
    return _design(
        Objective(
            objective_id="gather", kind=ObjectiveKind.COLLECT, target="the Lantern", required=3
        ),
        Objective(
            objective_id="decide",
            kind=ObjectiveKind.CHOOSE,
            target="Old Hest",
            after=("gather",),
        ),
        Objective(objective_id="pay", kind=ObjectiveKind.TALK, target="Old Hest", branch="mercy"),
        choices=(Choice(choice_id="mercy"), Choice(choice_id="justice", reward_percent=150)),
    )


def long_design() -> QuestDesign:
    """Gather a thousand things."""
    return _design(
        Objective(
            objective_id="gather", kind=ObjectiveKind.COLLECT, target="the Lantern", required=1000
        )
    )


def _design(*objectives: Objective, choices: tuple[Choice, ...] = ()) -> QuestDesign:
    plan = QuestPlan(
        kind=QuestKind.SIDE,
        difficulty=Difficulty.NORMAL,
        level=1,
        objectives=objectives,
        choices=choices,
        offer_seconds=OFFER_SECONDS,
    )
    story = QuestStory(
        title="The Lantern",
        summary="Somebody owes Old Hest.",
        giver="Old Hest",
        offer="Bring it to me.",
        objectives={o.objective_id: f"Do {o.objective_id}." for o in objectives},
        choices={choice.choice_id: f"Choose {choice.choice_id}." for choice in choices},
    )
    return QuestDesign(plan=plan, story=story, citations=(), source=Source.TEMPLATE, tier=None)
