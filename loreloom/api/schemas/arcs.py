"""Story arcs, as callers send and get them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from loreloom.api.schemas.fields import Body, GameTimeView, Name, PlayerIdField, Text, View
from loreloom.api.schemas.quests import MAX_AMOUNT, ActionId, HistoryStep, PartId
from loreloom.domain.arc import ArcName, ArcScope, Beat
from loreloom.domain.arc_walk import ArcState, Reason
from loreloom.domain.ids import ArcId, PlayerId, QuestId, WorldId


class CreateArc(Body):
    """An arc to start, by its name in the content. One of the scope ``player`` needs a player."""

    arc: ArcName = Field(examples=["the-candle-count"])
    player_id: PlayerIdField | None = None


class ArcCreated(View):
    """An arc that begins; read it, or follow the chronicle for ``arc.beat``."""

    arc_id: ArcId
    workflow_id: str
    state: ArcState


class ChooseInArc(Body):
    """A choice that the arc waits for."""

    action_id: ActionId
    choice_id: PartId


class CancelBody(Body):
    """The arc is to stop where it stands."""

    reason: Annotated[Text | None, Field(description="Told in the chronicle.")] = None


class Contribute(Body):
    """What a player adds to the goal that is open, or to the one that is named."""

    action_id: ActionId
    player_id: PlayerIdField
    amount: int = Field(default=1, ge=1, le=MAX_AMOUNT)
    goal: Name | None = None


class ContributionView(View):
    """A contribution that was counted; ``total`` is the goal's with it."""

    arc_id: ArcId
    action_id: str
    goal: str
    target: int
    total: int


class ArcAnswer(View):
    """Where an arc stands after an act."""

    arc_id: ArcId
    state: ArcState
    beat: str | None
    seq: int
    choice_id: str | None


class StepView(View):
    """A beat that the arc entered, when and why."""

    seq: int
    beat: str
    kind: str
    at: datetime
    game_time: GameTimeView
    reason: Reason
    choice_id: str | None
    quest_id: QuestId | None


class GoalView(View):
    """A goal that was opened. ``open`` says whether it takes contributions."""

    goal: str
    target: int
    total: int
    open: bool


class ArcSummary(View):
    """An arc as lists give it. ``digest`` names the definition that it runs by."""

    arc_id: ArcId
    workflow_id: str
    world_id: WorldId
    player_id: PlayerId | None
    arc: str
    title: str
    scope: ArcScope
    digest: str
    state: ArcState
    seq: int
    beat: str | None
    outcome: str | None
    reason: str | None
    created_at: datetime
    updated_at: datetime


class ArcView(ArcSummary):
    """An arc: its graph with its conditions, where it stands in it, and the way that it took."""

    start: str
    beats: dict[str, Beat]
    way: tuple[StepView, ...]
    goals: tuple[GoalView, ...]


class ArcHistory(View):
    """An arc as a designer reads it, its steps in order, each text that was made with how."""

    arc_id: ArcId
    workflow_id: str
    world_id: WorldId
    player_id: PlayerId | None
    arc: str
    digest: str
    state: ArcState
    steps: tuple[HistoryStep, ...]


class ArcList(View):
    """A page of arcs."""

    items: tuple[ArcSummary, ...]
    next: str | None


class MigrateArcs(Body):
    """Running arcs to move to the definition as the content has it now.

    ``dry_run`` says what would happen and changes nothing. ``after`` goes on where a page ended. A
    page of the usual size ends within a minute, also if none of its arcs answers.
    """

    arc: ArcName
    dry_run: bool = False
    limit: int = Field(default=40, ge=1, le=200)
    after: str | None = Field(default=None, max_length=600)


class MigrationOutcome(StrEnum):
    """What became, or would become, of one running arc.

    ``current`` has the definition already. ``refused`` keeps its own: where it stands has no place
    in the new one. ``unanswered`` has not said: it may have moved, and may be asked again.
    """

    MOVED = "moved"
    WOULD_MOVE = "would_move"
    CURRENT = "current"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class MigratedArc(View):
    """What happened, or would happen, to one running arc."""

    arc_id: ArcId
    world_id: WorldId
    beat: str | None
    outcome: MigrationOutcome
    reason: str | None = None


class Migration(View):
    """What became of a page of running arcs; ``digest`` names the new definition."""

    arc: str
    digest: str
    dry_run: bool
    items: tuple[MigratedArc, ...]
    next: str | None
