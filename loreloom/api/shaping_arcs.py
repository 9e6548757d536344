"""From stored arcs to what callers read."""

from collections.abc import Sequence

from loreloom.api.schemas.arcs import ArcSummary, ArcView, GoalView, StepView
from loreloom.api.schemas.fields import GameTimeView
from loreloom.domain.calendar import Calendar
from loreloom.domain.ids import arc_workflow_id
from loreloom.state.arcs import ArcRecord, BeatRecord, GoalRecord


def arc_summary(arc: ArcRecord) -> ArcSummary:
    """An arc as lists give it."""
    return ArcSummary(
        **arc.model_dump(exclude={"definition"}),
        workflow_id=arc_workflow_id(arc.arc_id),
        arc=arc.definition.arc,
        title=arc.definition.title,
        scope=arc.definition.scope,
    )


def arc_view(
    arc: ArcRecord, calendar: Calendar, way: Sequence[BeatRecord], goals: Sequence[GoalRecord]
) -> ArcView:
    """An arc with its graph, its way and its goals."""
    return ArcView(
        **dict(arc_summary(arc)),
        start=arc.definition.start,
        beats=arc.definition.beats,
        way=tuple(_step(beat, calendar) for beat in way),
        goals=tuple(GoalView(**dict(goal)) for goal in goals),
    )


def _step(beat: BeatRecord, calendar: Calendar) -> StepView:
    return StepView(
        **beat.model_dump(include={"seq", "beat", "kind", "at", "quest_id"}),
        reason=beat.reason,
        game_time=GameTimeView.of(calendar.read(beat.game_seconds)),
        choice_id=beat.choice,
    )
