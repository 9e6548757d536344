"""What ops read of the engine's health."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from loreloom.api.schemas.fields import View
from loreloom.domain.ids import PlayerId, WorldId


class TaskKind(StrEnum):
    """What lies on a task queue."""

    WORKFLOW = "workflow"
    ACTIVITY = "activity"


class HealthPart(StrEnum):
    """What is asked for the page, each by itself."""

    QUEUES = "queues"
    TIERS = "tiers"
    TEXTS = "texts"
    BUDGETS = "budgets"
    WEBHOOKS = "webhooks"
    STARTS = "starts"
    TEMPLATES = "templates"


class QueueView(View):
    """The tasks of one kind on one queue, as Temporal counts them.

    ``backlog`` is what waits for a worker, ``backlog_seconds`` how long the oldest of it does;
    ``pollers`` asked for tasks within the last minute and a half, with the code of ``builds``.
    """

    queue: str = Field(examples=["loreloom-story"])
    tasks: TaskKind
    backlog: int
    backlog_seconds: float
    pollers: int
    builds: tuple[str, ...]
    polled_at: datetime | None
    added_per_second: float
    done_per_second: float


class CallsView(View):
    """The last hour's calls. ``failed`` gave no whole answer, ``refused`` one that the rules
    refused. Times are in milliseconds."""

    made: int = 0
    failed: int = 0
    refused: int = 0
    first_token_p50_ms: float | None = None
    first_token_p99_ms: float | None = None
    total_p50_ms: float | None = None
    total_p99_ms: float | None = None


class ServerView(View):
    """One address of a tier, by its number and by its host and port. ``running`` and ``waiting``
    are requests there, where the server tells."""

    number: int
    address: str = Field(examples=["gold-1:8000"])
    answers: bool = True
    detail: str | None = None
    running: int | None = None
    waiting: int | None = None
    calls: CallsView


class TierView(View):
    """A tier; one that was called, and is not known to this API, has no model and no servers."""

    tier: str = Field(examples=["gold"])
    model: str | None
    servers: tuple[ServerView, ...]
    calls: CallsView


class TiersView(View):
    """The tiers of model servers."""

    items: tuple[TierView, ...] = ()


class TextsView(View):
    """The last hour's texts of one purpose. ``over_budget`` and ``refused`` are among
    ``by_template``: no tokens were left, or the rules refused every attempt."""

    purpose: str = Field(examples=["quest"])
    made: int
    by_template: int
    over_budget: int
    refused: int
    p50_ms: float
    p99_ms: float


class BudgetView(View):
    """Whose tokens of today (UTC) run out: a player's, or with a null ``player_id`` a world's."""

    world_id: WorldId
    player_id: PlayerId | None
    tokens: int
    budget: int


class WaitingView(View):
    """How many wait, and since when the oldest does."""

    count: int
    oldest: datetime | None


class SweepsView(View):
    """The sweeps of the API process that answers: what they find late, they start or handle."""

    every_seconds: float
    done_at: datetime | None
    failed_at: datetime | None
    failure: str | None


class UnansweredView(View):
    """A part that did not answer in time; what it would have told is left empty."""

    part: HealthPart
    detail: str


class HealthView(View):
    """The engine at a glance. ``wrong`` says in words what an operator should look at.

    ``templates`` says what is wrong with the quest templates as they lie there now, null if nothing
    is: those that could be used last are taken meanwhile.
    """

    at: datetime
    wrong: tuple[str, ...]
    unanswered: tuple[UnansweredView, ...]
    queues: tuple[QueueView, ...]
    tiers: TiersView
    texts: tuple[TextsView, ...]
    budgets: tuple[BudgetView, ...]
    webhooks: WaitingView | None
    starts: WaitingView | None
    templates: str | None
    sweeps: SweepsView
