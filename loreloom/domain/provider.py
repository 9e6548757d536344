"""What the payment provider says, in our words."""

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from loreloom.domain.ids import DisputeId, PaymentId, SubscriptionId


class ProviderModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Checkout(ProviderModel):
    """A checkout that the provider has opened: its id, and the page that the buyer pays on."""

    checkout: str
    url: str


class CheckoutStanding(StrEnum):
    """What has become of a checkout. ``processing``: confirmed, and the money is on its way.

    ``failed``: it was on its way, and will not come.
    """

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"


class Seen(ProviderModel):
    """A checkout as the provider has it. ``amount`` is in minor units.

    One that began a subscription names it, by the provider's id, and until when it is paid for.
    """

    standing: CheckoutStanding
    amount: int = Field(ge=0)
    currency: str
    intent: str | None = None
    subscription: str | None = None
    paid_until: AwareDatetime | None = None


class SubscriptionStanding(StrEnum):
    """How the provider has a subscription."""

    ACTIVE = "active"
    UNPAID = "unpaid"
    ENDED = "ended"


class SeenSubscription(ProviderModel):
    """A subscription as the provider has it; ``open_invoice`` is what it has not been paid.

    ``under_way``: money for what it has not been paid is on its way, and cannot be called back.
    """

    standing: SubscriptionStanding
    cancel_at_period_end: bool
    open_invoice: str | None = None
    under_way: bool = False


class Charge(ProviderModel):
    """An invoice of a subscription that was paid, by whichever payment; ``amount`` in minor units.

    ``first`` is what the checkout charged, ``renews`` what pays for a period of its own; what does
    neither is the difference of a change. ``discounted``: a coupon counted.
    """

    invoice: str
    first: bool
    renews: bool
    amount: int = Field(ge=0)
    currency: str
    intent: str | None
    begins: AwareDatetime
    ends: AwareDatetime
    discounted: bool


class DisputeStanding(StrEnum):
    """What has become of a dispute.

    ``inquiry``: the bank asks, and has taken no money yet. A refund averts that it does.
    ``dropped``: it is closed, and never took any.
    """

    INQUIRY = "inquiry"
    OPEN = "open"
    WON = "won"
    LOST = "lost"
    DROPPED = "dropped"


UNDECIDED = frozenset({DisputeStanding.INQUIRY, DisputeStanding.OPEN})


class SeenDispute(ProviderModel):
    """A dispute as the provider has it: about which of its payments, and how much."""

    dispute_id: DisputeId
    standing: DisputeStanding
    amount: int = Field(ge=0)
    intent: str | None


class ProviderDispute(SeenDispute):
    """A dispute as the provider lists it."""

    created_at: AwareDatetime


class ProviderPayment(ProviderModel):
    """A payment that succeeded, as the provider lists it; ``payment_id`` is ours, if it has one."""

    intent: str
    payment_id: PaymentId | None
    amount: int
    currency: str
    refunded: int
    created_at: datetime


class ToldEvent(ProviderModel):
    """What is kept of an event that the provider told: what it is about, never its body."""

    event_id: str = Field(min_length=1, max_length=255)
    kind: str = Field(min_length=1, max_length=255)
    payment_id: PaymentId | None = None
    intent: str | None = None
    dispute_id: DisputeId | None = None
    subscription_id: SubscriptionId | None = None
