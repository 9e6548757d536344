"""What ops send and get: stories, what failed in them, and replays."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from fastapi import Path
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from loreloom.api.schemas.fields import ID, Body, Name, Text, View
from loreloom.domain.ids import PlayerId, QuestId, WorldId
from loreloom.domain.rewards import Reward

MAX_AT_ONCE = 100
WORKFLOW_ID = r"^[^\x00-\x1f\x7f]{1,300}$"

WorkflowIdField = Annotated[str, StringConstraints(pattern=WORKFLOW_ID)]
WorkflowIdPath = Annotated[
    str, Path(pattern=WORKFLOW_ID, description="It may hold slashes.", examples=["quest/quest_1"])
]


class StoryKind(StrEnum):
    """What a workflow tells or does."""

    QUEST = "quest"
    ARC = "arc"
    CLOCK = "clock"
    WEATHER = "weather"
    INGESTION = "ingestion"
    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    SUBSCRIPTION = "subscription"
    RECONCILIATION = "reconciliation"
    SETTLEMENT = "settlement"
    ERASURE = "erasure"
    WHATIF = "whatif"
    WHATIF_SET = "whatif_set"


class StoryState(StrEnum):
    """Where a workflow stands. ``stuck`` runs, but a step of it is tried again and again;
    ``settled`` is a quest that ops ended, with which nothing is wrong any more."""

    RUNNING = "running"
    STUCK = "stuck"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    TERMINATED = "terminated"
    SETTLED = "settled"
    CANCELED = "canceled"
    COMPLETED = "completed"


class FailingView(View):
    """What is wrong. ``cause`` is the same for all that failed alike; a list is filtered by it.

    ``step`` is the activity's name, ``error`` the type of the error and perhaps its detail.
    ``attempts`` is known of what is still being tried.
    """

    cause: str = Field(examples=["quest:quest_reward:BrokenStep:NumericValueOutOfRange"])
    step: str
    told: str = Field(examples=["Grant the reward"])
    error: str
    message: str
    since: datetime
    attempts: int | None = None


class StoryView(View):
    """A workflow as ops see it. ``story_state`` is the story's own word for where it stands."""

    workflow_id: str
    run_id: str
    kind: str
    state: StoryState
    story_state: str | None
    world_id: WorldId | None
    player_id: PlayerId | None
    started_at: datetime
    closed_at: datetime | None
    events: int
    failing: FailingView | None


class StoryList(View):
    """A page of workflows: what runs, the last begun first, then what has ended, the last ended
    first. Of a cause that names no state, what has ended comes first."""

    items: tuple[StoryView, ...]
    next: str | None


class StorySample(View):
    """What runs of a kind, stuck or not: ``complete`` is whether it is all, else it is the newest
    and the oldest half."""

    items: tuple[StoryView, ...]
    complete: bool


class CauseView(View):
    """All that failed, or is stuck, alike; ``message`` is one of their messages."""

    cause: str
    kind: str
    step: str
    told: str
    error: str
    message: str
    count: int
    players: int
    since: datetime
    latest: datetime


class CauseList(View):
    """What is wrong, the most frequent first. ``complete`` is whether all was looked at; what runs
    was looked at then, ``running_seen_at``, which may be some seconds ago."""

    items: tuple[CauseView, ...]
    looked_at: int
    complete: bool
    running_seen_at: datetime


class StepView(View):
    """A point that a workflow can be replayed from: what is told of it is done again, and all
    that came after."""

    step: str
    at: datetime
    told: str
    failed: bool
    error: str | None = None


class StepList(View):
    """A run's steps in their order."""

    workflow_id: str
    run_id: str
    state: StoryState
    items: tuple[StepView, ...]


class ReplayBody(Body):
    """From where to replay, and why. ``from`` is ``failure``, ``start`` or a step's name."""

    from_: Annotated[str, Field(alias="from", pattern=r"^[a-z0-9]{1,20}$")] = "failure"
    reason: Text
    dry_run: bool = False


MOST_GIVEN = 1_000_000_000
MOST_NAMED = 20


class Compensation(Body):
    """What a player is given: experience, coin, things by name, standing by faction."""

    experience: Annotated[int, Field(ge=0, le=MOST_GIVEN)] = 0
    coin: Annotated[int, Field(ge=0, le=MOST_GIVEN)] = 0
    items: dict[Name, Annotated[int, Field(ge=1, le=1000)]] = Field(
        default_factory=dict, max_length=MOST_NAMED
    )
    standing: dict[Name, Annotated[int, Field(ge=-1000, le=1000)]] = Field(
        default_factory=dict, max_length=MOST_NAMED
    )


class SettleBody(Body):
    """How a quest is to end, what the player is given for it, and why.

    ``completed`` says that the player did what was asked: the compensation stands for the reward.
    """

    outcome: Literal["completed", "failed"]
    compensation: Compensation = Compensation()
    reason: Text


class SettledView(View):
    """How ops ended a quest. ``arc_told`` is the workflow of the arc that waited for it."""

    quest_id: QuestId
    outcome: Literal["completed", "failed"]
    compensation: Reward
    arc_told: str | None


class SkipBody(Body):
    """Why a step is skipped."""

    reason: Text


class StoryQuery(Body):
    """Which stories; what is not named is not asked for."""

    kind: StoryKind | None = None
    state: StoryState | None = None
    world_id: Annotated[WorldId, Field(pattern=ID)] | None = None
    player_id: Annotated[PlayerId, Field(pattern=ID)] | None = None
    cause: Text | None = None


class ReplaysBody(Body):
    """Which stories to replay, by their ids or by a query, and why."""

    workflow_ids: Annotated[tuple[WorkflowIdField, ...], Field(max_length=MAX_AT_ONCE)] | None = (
        None
    )
    query: StoryQuery | None = None
    from_: Annotated[str, Field(alias="from", pattern=r"^(failure|start)$")] = "failure"
    reason: Text
    dry_run: bool = False

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.workflow_ids is None) == (self.query is None):
            raise ValueError("name either workflow_ids or a query")
        return self


class ReplayView(View):
    """A replay that was asked for. ``new_run_id`` is there once Temporal has taken it."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    replay_id: str
    workflow_id: str
    run_id: str
    new_run_id: str | None
    from_: str = Field(serialization_alias="from")
    told: str
    reason: str
    by: str
    at: datetime


class SkippedView(View):
    """A step that was skipped. ``replay`` is null where the story goes on without one: the step is
    tried again by itself, and finds itself done."""

    workflow_id: str
    step: str
    told: str
    replay: ReplayView | None


class ReplayList(View):
    """A page of replays, newest first."""

    items: tuple[ReplayView, ...]
    next: str | None


class Outcome(StrEnum):
    """What came of asking for one replay."""

    REPLAYED = "replayed"
    WOULD_REPLAY = "would_replay"
    REFUSED = "refused"


class ReplayAnswer(View):
    """The answer for one workflow. ``again`` is what is done again, in order; what has been
    written stands, so that none of it changes the world twice. ``acts`` are given again too."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    workflow_id: str
    outcome: Outcome
    from_: str = Field(serialization_alias="from")
    told: str | None = None
    again: tuple[str, ...] = ()
    acts: int = 0
    replay: ReplayView | None = None
    code: str | None = None
    detail: str | None = None


class ReplayAnswers(View):
    """The answers for many; ``more`` is whether the query finds others beyond these."""

    items: tuple[ReplayAnswer, ...]
    replayed: int
    refused: int
    more: bool
