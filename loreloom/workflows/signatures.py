"""What callers know of the workflows: their inputs, their acts and the errors they answer with."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from loreloom.activities.signatures.arc import ArcRef
from loreloom.activities.signatures.payment import DisputeRef, PaymentRef, RefundRef
from loreloom.activities.signatures.quest import QuestRef
from loreloom.activities.signatures.subscription import SubscriptionRef
from loreloom.activities.signatures.weather import RegionRef
from loreloom.activities.signatures.whatif import Compared
from loreloom.domain.arc import ArcDefinition
from loreloom.domain.arc_walk import ArcProgress, ArcState
from loreloom.domain.clock import Clock
from loreloom.domain.ids import GenerationId, PlayerId, WorldId
from loreloom.domain.price_book import Grace, StoreItem
from loreloom.domain.quest import QuestPlan, QuestProgress
from loreloom.domain.subscription import CancelWhen
from loreloom.domain.weather import Weather

QUEST = "Quest"
"""The name of the quest's workflow type.

Its signal ``look_again`` says that the world's clock was changed.
"""


class QuestInput(BaseModel):
    """What a quest starts from, and what it takes along when it continues as new.

    ``tell`` is the id of the workflow that is told when the quest has ended, by the signal
    ``quest_ended``. ``clock``, the world's at the request, and ``deadline``, a real moment, are of
    a quest that was accepted before quests kept the moment of game time at which their time is up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quest: QuestRef
    clock: Clock | None = None
    plan: QuestPlan | None = None
    progress: QuestProgress = Field(default_factory=QuestProgress)
    deadline: AwareDatetime | None = None
    tell: str | None = None


class ProgressAct(BaseModel):
    """A player's work on an objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action_id: str
    objective_id: str
    amount: int = Field(ge=1)


class ChooseAct(BaseModel):
    """A player's choice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action_id: str
    choice_id: str


# A region's weather.

REGION_WEATHER = "RegionWeather"
"""The name of the workflow type of a region's weather.

Its Updates are ``impose`` (``ImposeWeather``) and ``clear`` (``ClearWeather``), both answered with
``Imposed``; the Update's id is the order's key, under which it counts once. Its signal is
``LOOK_AGAIN`` (activities/signatures/weather.py).
"""


class WeatherInput(BaseModel):
    """What a region's weather starts from; everything else lies in Postgres."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: RegionRef


class ImposeWeather(BaseModel):
    """A weather to make now, for some hours of game time or until another is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Weather
    hours: float | None = Field(default=None, gt=0, le=100_000)
    by: str


class ClearWeather(BaseModel):
    """Whatever weather was made ends now; the sky's own counts again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str


# A story arc.

ARC = "Arc"
"""The name of the arc's workflow type.

Its Updates are ``choose`` (``ChooseAct``), ``cancel`` (``CancelArc``) and ``migrate``
(``MigrateArc``), each answered with ``ArcStanding``. Its signals are ``quest_ended``
(``QuestEnded``), ``contributed`` (``Tally``) and ``look_again``, which says that the world may have
changed.
"""


class ArcInput(BaseModel):
    """What an arc starts from, and what it takes along when it continues as new."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arc: ArcRef
    definition: ArcDefinition
    progress: ArcProgress = Field(default_factory=ArcProgress)


class CancelArc(BaseModel):
    """The arc is to stop where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str | None = None


class MigrateArc(BaseModel):
    """The arc is to go on by another definition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    definition: ArcDefinition


class ArcStanding(BaseModel):
    """Where an arc stands after an act."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: ArcState
    beat: str | None
    seq: int
    choice_id: str | None = None
    digest: str


# A purchase, its refunds and its disputes.

PAYMENT = "Payment"
"""The name of the purchase's workflow type."""
REFUND = "Refund"
"""The name of the refund's workflow type."""
DISPUTE = "Dispute"
"""The name of the dispute's workflow type."""
RECONCILIATION = "Reconciliation"
"""The name of the workflow type that compares our books with the provider's list."""


class PaymentInput(BaseModel):
    """What a purchase starts from; an unpaid one ends at ``expires_at``.

    While the provider is silent, it is looked at after ``look_seconds``, then less and less often.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    payment: PaymentRef
    expires_at: AwareDatetime
    look_seconds: float = Field(default=30, gt=0)


class RefundInput(BaseModel):
    """What a refund starts from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refund: RefundRef


class DisputeInput(BaseModel):
    """What a dispute starts from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dispute: DisputeRef


# A subscription.

SUBSCRIPTION = "Subscription"
"""The name of the subscription's workflow type.

Its Updates are ``change`` (``ChangeLevel``) and ``cancel`` (``CancelSubscription``), both answered
with ``Standing``; the Update's id is the order's key, under which it counts once. Its signal is
``provider_said``.
"""


class SubscriptionInput(BaseModel):
    """What a subscription starts from, and what it takes along when it continues as new.

    ``after`` is the moment until which everything that was due is done.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subscription: SubscriptionRef
    grace: Grace
    after: AwareDatetime | None = None


class ChangeLevel(BaseModel):
    """The subscription is to go over to another item now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: StoreItem


class CancelSubscription(BaseModel):
    """The subscription is to end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: CancelWhen


# A world's clock.

WORLD_CLOCK = "WorldClock"
"""The name of the workflow type of a world's clock.

Its Update is ``change`` (``ClockChange``), answered with the ``Clock`` that counts from then on;
the Update's id is the order's key, under which it counts once.
"""


class ClockInput(BaseModel):
    """What a world's clock starts from; everything else lies in Postgres.

    ``lived`` is the newest day that the world has lived by itself, ``None`` before the first look.
    ``unheard`` if not all quests were told that the clock was changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    world_id: WorldId
    lived: int | None = None
    unheard: bool = False


# A player is erased.

ERASURE = "Erasure"
"""The name of the workflow type by which a player is erased; its input is ``Erase``
(activities/signatures/erasure.py). It goes on as ``Erased`` in a run that does not know whom."""


class Erased(BaseModel):
    """Under which pseudonym the rest is kept, and how many runs' histories were deleted.

    ``told_in`` is the run that did it; its own history named the player, and is deleted last.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pseudonym: PlayerId
    runs: int
    told_in: str


# Ops end a quest.

SETTLEMENT = "Settlement"
"""The name of the workflow type by which ops end a quest; its input is ``Settle`` and its result
``Settled`` or ``NotSettled`` (activities/signatures/settlement.py)."""


# What if.

WHATIF = "WhatIf"
"""The name of the workflow type by which one text is asked for again; its input is ``WhatIfRef``
(activities/signatures/whatif.py). What comes lies in Postgres once it is done."""

WHATIF_SET = "WhatIfSet"
"""The name of the workflow type by which many are; its input is ``WhatIfRef`` too.

Its Query ``progress`` says how far it is."""


class SetProgress(BaseModel):
    """How far a set is. ``picked`` is how many texts it has, unknown at first.

    ``lost`` are those that could not be asked for again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    picked: int | None
    compared: tuple[Compared, ...]
    lost: tuple[GenerationId, ...]
