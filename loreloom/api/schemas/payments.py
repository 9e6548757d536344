"""The store and purchases, as callers send and get them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from loreloom.api.schemas.fields import Body, PlayerIdField, Text, View
from loreloom.domain.ids import PaymentId, PlayerId, RefundId, WorldId
from loreloom.domain.money import CurrencyCode, Money
from loreloom.domain.payment import PaymentState, RefundState
from loreloom.domain.price_book import ItemKind

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


class PaymentView(View):
    """A purchase. ``price`` is what is to be paid, ``refunded`` what was paid back of it."""

    payment_id: PaymentId
    workflow_id: str
    world_id: WorldId
    player_id: PlayerId
    item: str
    state: PaymentState
    price: Money
    list_price: Money
    coupon: str | None
    checkout: CheckoutView | None
    refunded: Money
    refunds: tuple[RefundView, ...]
    reason: str | None
    created_at: datetime
    updated_at: datetime


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


class WebhookReceived(View):
    """The event is stored; it will not get lost."""

    event_id: str
    handled: bool
