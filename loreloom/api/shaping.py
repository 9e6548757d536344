"""From what is stored to what callers read: worlds, weather and quests."""

from collections.abc import Sequence
from datetime import datetime

from loreloom.api.forecasts import weather_now
from loreloom.api.schemas.clock import CalendarBody
from loreloom.api.schemas.fields import GameTimeView
from loreloom.api.schemas.quests import (
    ChoiceView,
    CitationView,
    ObjectiveView,
    QuestTexts,
    QuestView,
)
from loreloom.api.schemas.worlds import (
    FactionView,
    WorldSummary,
    WorldView,
)
from loreloom.domain.calendar import GameTime
from loreloom.domain.ids import quest_workflow_id
from loreloom.domain.quest import Objective, QuestProgress
from loreloom.domain.rewards import Reward, reward_for
from loreloom.domain.story import QuestStory
from loreloom.knowledge.models import EntityView
from loreloom.state.quests import QuestRecord
from loreloom.state.worlds import WorldRecord


def game_time(world: WorldRecord, at: datetime) -> GameTime:
    """The world's time at a real moment, by its clock as it stands."""
    return world.calendar.read(world.clock.game_seconds(at))


def world_summary(world: WorldRecord, now: datetime) -> WorldSummary:
    """A world as lists give it."""
    time = game_time(world, now)
    return WorldSummary(
        **world.model_dump(exclude={"calendar", "clock", "regions"}),
        game_time=GameTimeView.of(time),
        season=time.season,
        month=time.month,
        holiday=time.holiday,
        moon=time.moon,
    )


def world_view(
    world: WorldRecord, factions: Sequence[EntityView], head: int, now: datetime
) -> WorldView:
    """A world with its weather, its factions and the head of its chronicle."""
    seconds = world.clock.game_seconds(now)
    return WorldView(
        **dict(world_summary(world, now)),
        calendar=CalendarBody.of(world.calendar),
        **dict(world.clock),
        weather={region.region: weather_now(region, seconds) for region in world.regions},
        factions=tuple(FactionView(entity_id=f.entity_id, name=f.name) for f in factions),
        chronicle_head=head,
    )


def quest_view(quest: QuestRecord) -> QuestView:
    """A quest as callers read it."""
    plan, story, progress = quest.plan, quest.story, quest.progress
    return QuestView(
        quest_id=quest.quest_id,
        workflow_id=quest_workflow_id(quest.quest_id),
        world_id=quest.world_id,
        player_id=quest.player_id,
        kind=quest.request.kind,
        difficulty=quest.request.difficulty,
        region=plan.region if plan else quest.request.region,
        state=progress.state,
        revision=progress.revision,
        title=story.title if story else None,
        summary=story.summary if story else None,
        giver=story.giver if story else quest.request.giver,
        objectives=tuple(_objective(o, progress, story) for o in plan.objectives) if plan else (),
        choices=_choices(quest),
        chosen=progress.chosen,
        rewards=_rewards(quest),
        rewards_granted=quest.reward is not None,
        citations=tuple(CitationView(**dict(citation)) for citation in quest.citations),
        source=quest.source,
        tier=quest.tier,
        texts=QuestTexts(
            offer=story.offer if story else None, epilogue=story.epilogue if story else None
        ),
        created_at=quest.created_at,
        updated_at=quest.updated_at,
    )


def _objective(
    objective: Objective, progress: QuestProgress, story: QuestStory | None
) -> ObjectiveView:
    return ObjectiveView(
        objective_id=objective.objective_id,
        kind=objective.kind,
        target=objective.target,
        to=objective.to,
        required=objective.required,
        done=progress.done.get(objective.objective_id, 0),
        text=story.objectives.get(objective.objective_id) if story else None,
        condition=objective.condition,
        branch=objective.branch,
        after=objective.after,
    )


def _choices(quest: QuestRecord) -> tuple[ChoiceView, ...]:
    if quest.plan is None:
        return ()
    texts = quest.story.choices if quest.story else {}
    return tuple(
        ChoiceView(
            choice_id=choice.choice_id,
            text=texts.get(choice.choice_id),
            taken=choice.choice_id == quest.progress.chosen,
        )
        for choice in quest.plan.choices
    )


def _rewards(quest: QuestRecord) -> Reward | None:
    if quest.reward is not None:
        return quest.reward
    return reward_for(quest.plan, quest.progress) if quest.plan else None
