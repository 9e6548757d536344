"""Purchases, what they gave, what the provider told, and the ledger."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    false,
    func,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from loreloom.state.tables.base import Base, Json


def _of_player() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["world_id", "player_id"], ["players.world_id", "players.player_id"]
    )


class Payment(Base):
    """What is known of a purchase. Amounts are in minor units of its currency."""

    __tablename__ = "payments"
    __table_args__ = (
        _of_player(),
        CheckConstraint("refunded <= refund_asked AND refund_asked <= amount", name="refunds_fit"),
        Index("ix_payments_player", "world_id", "player_id", "created_at"),
        Index("uq_payments_intent", "intent", unique=True),
    )

    payment_id: Mapped[str] = mapped_column(primary_key=True)
    world_id: Mapped[str]
    player_id: Mapped[str]
    state: Mapped[str]
    item: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    quote: Mapped[Json]
    """What was agreed when it was asked for, whatever the price book says since."""
    checkout: Mapped[str | None]
    """The provider's id of the checkout."""
    checkout_url: Mapped[str | None]
    intent: Mapped[str | None]
    """The provider's id of the payment itself, once there is one."""
    refund_asked: Mapped[int] = mapped_column(server_default="0")
    refunded: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str | None]
    """Why it is unfulfilled, failed or expired."""
    subscription_id: Mapped[str | None]
    """The subscription that it began, or is a charge of."""
    entitles: Mapped[bool] = mapped_column(server_default=true())
    """Whether it gives something of its own; the charge for a change of level does not."""
    delivered: Mapped[bool] = mapped_column(server_default=false())
    """Whether what was bought was ever given."""
    taken_back: Mapped[bool] = mapped_column(server_default=false())
    """Whether what was given was taken again, by a refund or a dispute; it is taken once."""
    coin_held: Mapped[int] = mapped_column(server_default="0")
    """Coin that a dispute which is open keeps from the player."""
    opens: Mapped[Json | None]
    """The planned start of the arc that a chapter opens, as the content was when it was sold."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Subscription(Base):
    """What is charged again and again until it ends. Its charges are purchases of their own."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        _of_player(),
        Index(
            "uq_subscriptions_live",
            "world_id",
            "player_id",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
        Index("uq_subscriptions_provider", "provider_id", unique=True),
    )

    subscription_id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.payment_id"))
    """The purchase that began it."""
    world_id: Mapped[str]
    player_id: Mapped[str]
    provider_id: Mapped[str]
    state: Mapped[str]
    quote: Mapped[Json]
    """What is charged for now, and what a coupon and its creator have of it."""
    paid_until: Mapped[datetime]
    cancel_at_period_end: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]


class Refund(Base):
    """Money on its way back."""

    __tablename__ = "refunds"
    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"),)

    refund_id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.payment_id"), index=True)
    amount: Mapped[int]
    state: Mapped[str]
    reason: Mapped[str | None]
    failure: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Dispute(Base):
    """A buyer's bank took the money back, for now or for good. ``state`` is the provider's word."""

    __tablename__ = "disputes"

    dispute_id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.payment_id"), index=True)
    amount: Mapped[int]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Receipt(Base):
    """What a buyer can show for a purchase that was paid and delivered; never changed."""

    __tablename__ = "receipts"

    number: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.payment_id"), unique=True)
    receipt: Mapped[Json]
    paid_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Entitlement(Base):
    """What a player has by a purchase. While it is held, a dispute about it is open."""

    __tablename__ = "entitlements"
    __table_args__ = (
        _of_player(),
        Index(
            "uq_entitlements_lasting",
            "world_id",
            "player_id",
            "entitlement",
            unique=True,
            postgresql_where="until IS NULL AND taken_at IS NULL",
        ),
        Index("ix_entitlements_player", "world_id", "player_id", "since"),
    )

    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.payment_id"), primary_key=True)
    world_id: Mapped[str]
    player_id: Mapped[str]
    entitlement: Mapped[str]
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    until: Mapped[datetime | None]
    held_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]


class Stock(Base):
    """How many of an item a world has sold or set aside for those who are paying."""

    __tablename__ = "store_stock"
    __table_args__ = (CheckConstraint("taken >= 0", name="taken_not_negative"),)

    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"), primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    taken: Mapped[int]


class CouponUse(Base):
    """How often a coupon was redeemed or is set aside for those who are paying."""

    __tablename__ = "coupon_uses"
    __table_args__ = (CheckConstraint("taken >= 0", name="taken_not_negative"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    taken: Mapped[int]


class ProviderEvent(Base):
    """An event that the provider told. Its body is not kept: the provider is asked instead.

    So no card's data can lie here, and what an event said when is of no matter.
    """

    __tablename__ = "provider_events"
    __table_args__ = (
        Index("ix_provider_events_open", "received_at", postgresql_where="handled_at IS NULL"),
        Index(
            "ix_provider_events_unknown",
            "intent",
            postgresql_where="outcome = 'unknown_payment'",
        ),
    )

    event_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payment_id: Mapped[str | None]
    intent: Mapped[str | None]
    dispute_id: Mapped[str | None]
    subscription_id: Mapped[str | None]
    deliveries: Mapped[int] = mapped_column(server_default="1")
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class LedgerTransaction(Base):
    """One movement of money or coin; its entries sum to zero in each currency."""

    __tablename__ = "ledger_transactions"

    transaction_id: Mapped[str] = mapped_column(primary_key=True)
    """The key of the step that it books, so that it is booked once."""
    payment_id: Mapped[str | None] = mapped_column(ForeignKey("payments.payment_id"), index=True)
    """The purchase that it is of; none for coin that nobody bought."""
    kind: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class LedgerEntry(Base):
    """One side of a movement. Entries are only ever added: a trigger forbids the rest."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_moves"),
        Index("ix_ledger_entries_account", "account", "currency"),
    )

    entry_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    transaction_id: Mapped[str] = mapped_column(
        ForeignKey("ledger_transactions.transaction_id"), index=True
    )
    account: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]
