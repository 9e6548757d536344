"""The store and purchases, as callers send and get them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from loreloom.api.schemas.fields import Body, PlayerIdField, Text, View
from loreloom.domain.ids import PaymentId, PlayerId, RefundId, SubscriptionId, WorldId
from loreloom.domain.money import CurrencyCode, Money
from loreloom.domain.payment import PaymentState, RefundState
from loreloom.domain.price_book import Interval, ItemKind
from loreloom.domain.subscription import CancelWhen, SubscriptionState

ID = r"^[A-Za-z0-9_][A-Za-z0-9_.:@~+-]{0,99}$"
CouponCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
ItemName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class StoreItemView(View):
    """A thing for sale. ``left`` is what a world has of it, null where it is not counted."""

    item: str
    kind: ItemKind
    name: str
    about: str
    prices: tuple[Money, ...]
    coin: int
    days: int | None
    every: Interval | None
    level: int | None
    left: int | None


class StoreItemList(View):
    """Everything that is for sale."""

    items: tuple[StoreItemView, ...]
    next: str | None = None


class CreatePayment(Body):
    """A purchase to begin. Without ``currency`` the store's own is taken."""

    player_id: PlayerIdField
    world_id: WorldId = Field(pattern=ID, examples=["world_5f2c"])
    item: ItemName = Field(examples=["coin-300"])
    coupon: CouponCode | None = None
    currency: CurrencyCode | None = Field(default=None, examples=["EUR"])


class CheckoutView(View):
    """Where the buyer pays; null until the provider has opened it."""

    checkout_id: str
    url: str


class RefundView(View):
    """Money on its way back, or there. ``failure`` is the provider's code if it refused."""

    refund_id: RefundId
    payment_id: PaymentId
    state: RefundState
    amount: Money
    reason: str | None
    failure: str | None
    created_at: datetime


class ReceiptLineView(View):
    """One thing on a receipt: ``price`` less ``discount`` is ``amount``."""

    item: str
    kind: ItemKind
    name: str
    price: Money
    discount: Money
    amount: Money


class ReceiptView(View):
    """What was paid and delivered. ``number`` grows with each receipt; there may be gaps.

    ``creator`` is whom the coupon credits.
    """

    number: int
    payment_id: PaymentId
    paid_at: datetime
    lines: tuple[ReceiptLineView, ...]
    total: Money
    coupon: str | None
    creator: str | None


class PaymentView(View):
    """A purchase. ``price`` is what is to be paid, ``refunded`` what was paid back of it.

    ``subscription_id`` is the subscription that it begins once it is paid, or is a charge of.
    """

    payment_id: PaymentId
    workflow_id: str
    world_id: WorldId
    player_id: PlayerId
    item: str
    state: PaymentState
    price: Money
    list_price: Money
    coupon: str | None
    subscription_id: SubscriptionId | None
    checkout: CheckoutView | None
    refunded: Money
    refunds: tuple[RefundView, ...]
    reason: str | None
    created_at: datetime
    updated_at: datetime


class SubscriptionView(View):
    """A subscription. It is paid for until ``paid_until``, and then charged ``price``, by the list.

    A coupon that still counts makes it less.
    """

    subscription_id: SubscriptionId
    workflow_id: str
    payment_id: PaymentId
    world_id: WorldId
    player_id: PlayerId
    item: str
    state: SubscriptionState
    price: Money
    every: Interval
    coupon: str | None
    paid_until: datetime
    cancel_at_period_end: bool
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class SubscriptionList(View):
    """A player's subscriptions, oldest first; one page holds all of them."""

    items: tuple[SubscriptionView, ...]
    next: str | None = None


class ChangeSubscription(Body):
    """The level to go over to now."""

    item: ItemName = Field(examples=["guild-silver"])


class EndSubscription(Body):
    """When the subscription is to end; what is paid for is the player's until its end."""

    when: CancelWhen = CancelWhen.PERIOD_END


class PostingView(View):
    """One side of a movement: what an account gains, or loses below zero, in minor units."""

    account: str
    currency: str
    amount: int


class MovementView(View):
    """What one step booked; its postings sum to zero in each currency."""

    transaction_id: str
    kind: str
    at: datetime
    postings: tuple[PostingView, ...]


class LedgerView(View):
    """What was booked for a purchase, oldest first."""

    payment_id: PaymentId
    movements: tuple[MovementView, ...]


class AskRefund(Body):
    """A refund to make: of ``amount`` in minor units, or of all that is left."""

    amount: int | None = Field(default=None, ge=1, le=99_999_999)
    reason: Text | None = None


class EventView(View):
    """An event that the provider told, and what handling it came to."""

    event_id: str
    kind: str
    payment_id: PaymentId | None
    deliveries: int
    received_at: datetime
    handled_at: datetime | None
    outcome: str | None


class EventList(View):
    """A page of events, oldest first."""

    items: tuple[EventView, ...]
    next: str | None


class WebhookReceived(View):
    """The event is stored; it will not get lost."""

    event_id: str
    handled: bool
