"""Purchases as they are stored: asked for, opened at the provider, ended unpaid, and read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Row, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from loreloom.domain.ids import (
    PaymentId,
    PlayerId,
    RefundId,
    SubscriptionId,
    WorldId,
    payment_workflow_id,
)
from loreloom.domain.payment import UNPAID, Bought, PaymentState, RefundState
from loreloom.domain.price_book import Quote
from loreloom.domain.refusals import Refusal, RefusalCode
from loreloom.state.starts import PlannedStart, plan_start
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.base import Json
from loreloom.state.tables.payments import (
    CouponUse,
    Entitlement,
    Payment,
    Refund,
    Stock,
    Subscription,
)

ENDS = {PaymentState.EXPIRED: "payment.expired", PaymentState.FAILED: "payment.failed"}
"""What the chronicle says of a purchase that ends unpaid."""
AT_PROVIDER = "at_provider"
"""The reason of a refund that was made in the provider's own pages."""


class PaymentRecord(BaseModel):
    """A purchase as others read it. Amounts are in minor units of its currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    payment_id: PaymentId
    world_id: WorldId
    player_id: PlayerId
    state: PaymentState
    quote: Quote
    amount: int
    currency: str
    checkout: str | None
    checkout_url: str | None
    intent: str | None
    refund_asked: int
    refunded: int
    reason: str | None
    subscription_id: SubscriptionId | None
    entitles: bool
    delivered: bool
    taken_back: bool
    coin_held: int
    opens: PlannedStart | None
    created_at: datetime
    updated_at: datetime

    @property
    def bought(self) -> Bought:
        """Whose it is, and the quote at what was really paid."""
        paid = self.quote.model_copy(update={"amount": self.amount, "currency": self.currency})
        return Bought(world_id=self.world_id, player_id=self.player_id, quote=paid)

    @property
    def given(self) -> bool:
        """Whether it was delivered, and not taken back since."""
        return self.delivered and not self.taken_back


class RefundRecord(BaseModel):
    """A refund as others read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refund_id: RefundId
    payment_id: PaymentId
    amount: int
    state: RefundState
    reason: str | None
    failure: str | None
    created_at: datetime

    @property
    def is_ours(self) -> bool:
        """Whether we had the provider pay back; no workflow runs one made in its own pages."""
        return self.reason != AT_PROVIDER


class EntitlementRecord(BaseModel):
    """What a player has by a purchase, since when and until when; open if ``until`` is null."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entitlement: str
    payment_id: PaymentId
    since: datetime
    until: datetime | None


async def request_payment(
    tx: Transaction,
    payment_id: PaymentId,
    bought: Bought,
    start: PlannedStart,
    opens: PlannedStart | None = None,
) -> None:
    """Keep a purchase with the intent to start its workflow, and set its item and coupon aside.

    ``opens`` is the arc that it is to start when it is delivered. Raises ``Refusal`` if the last
    one is taken, or the player has what is of no use twice.
    """
    quote = bought.quote
    if quote.item.every is not None and await _subscribes(tx.connection, bought):
        problem = "a subscription of the player runs; change its level"
        raise Refusal(RefusalCode.ALREADY_SUBSCRIBED, problem)
    if await _owns(tx.connection, bought):
        raise Refusal(RefusalCode.ALREADY_OWNED, f"the player has {quote.item.item!r} already")
    await _set_aside(tx, bought)
    await tx.run(
        insert(Payment).values(
            payment_id=payment_id,
            world_id=bought.world_id,
            player_id=bought.player_id,
            state=PaymentState.CREATED,
            item=quote.item.item,
            amount=quote.amount,
            currency=quote.currency,
            quote=quote.model_dump(mode="json"),
            opens=opens.model_dump(mode="json") if opens is not None else None,
        )
    )
    await plan_start(tx, start)
    price = {"amount": quote.amount, "currency": quote.currency, "coupon": quote.coupon}
    tx.tell(event_of(payment_id, bought, "payment.requested", price))


async def open_checkout(store: Store, payment_id: PaymentId, checkout: str, url: str) -> None:
    """The provider has opened the checkout, under its own id and address."""
    async with store.transaction() as tx:
        moved = await tx.run(
            update(Payment)
            .where(Payment.payment_id == payment_id, Payment.state == PaymentState.CREATED)
            .values(
                state=PaymentState.AWAITING_PAYMENT,
                checkout=checkout,
                checkout_url=url,
                updated_at=func.now(),
            )
            .returning(Payment.payment_id)
        )
        if moved.first() is not None:
            record = await locked(tx, payment_id)
            tx.tell(event_of(payment_id, record.bought, "payment.opened", {}))


async def end_unpaid(
    store: Store, payment_id: PaymentId, state: PaymentState, reason: str
) -> PaymentState:
    """The purchase ends without a payment; what was set aside is free again. Returns its state."""
    async with store.transaction() as tx:
        record = await locked(tx, payment_id)
        if record.state not in UNPAID:
            return record.state
        await advance(tx, payment_id, state=state, reason=reason)
        await release(tx, record.bought, coupon=True)
        tx.tell(event_of(payment_id, record.bought, ENDS[state], {"reason": reason}))
        return state


async def find_payment(store: Store, payment_id: PaymentId) -> PaymentRecord | None:
    """The purchase of that id, or ``None``."""
    return await _find(store, Payment.payment_id == payment_id)


async def newest_payments(
    store: Store, world_id: WorldId, player_id: PlayerId, limit: int
) -> Sequence[PaymentRecord]:
    """A player's purchases, the newest first, at most ``limit``."""
    query = (
        select(*_PAYMENT)
        .where(Payment.world_id == world_id, Payment.player_id == player_id)
        .order_by(Payment.created_at.desc(), Payment.payment_id)
        .limit(limit)
    )
    async with store.reading() as connection:
        return [_record(row) for row in await connection.execute(query)]


async def payment_of_intent(store: Store, intent: str) -> PaymentRecord | None:
    """The purchase that the provider's payment of that id is for, or ``None``."""
    return await _find(store, Payment.intent == intent)


async def find_refund(store: Store, refund_id: RefundId) -> RefundRecord | None:
    """The refund of that id, or ``None``."""
    query = select(*_REFUND).where(Refund.refund_id == refund_id)
    async with store.reading() as connection:
        row = (await connection.execute(query)).first()
    return RefundRecord(**row._mapping) if row else None


async def refunds_of(store: Store, payment_id: PaymentId) -> Sequence[RefundRecord]:
    """The refunds of a purchase, oldest first."""
    query = select(*_REFUND).where(Refund.payment_id == payment_id).order_by(Refund.created_at)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [RefundRecord(**row._mapping) for row in rows]


async def entitlements_of(
    connection: AsyncConnection, world_id: WorldId, player_id: PlayerId
) -> list[EntitlementRecord]:
    """What a player has now by purchases, oldest first."""
    query = (
        select(
            Entitlement.entitlement, Entitlement.payment_id, Entitlement.since, Entitlement.until
        )
        .where(
            Entitlement.world_id == world_id,
            Entitlement.player_id == player_id,
            Entitlement.taken_at.is_(None),
            Entitlement.held_at.is_(None),
            or_(Entitlement.until.is_(None), Entitlement.until > func.now()),
        )
        .order_by(Entitlement.since, Entitlement.payment_id)
    )
    rows = (await connection.execute(query)).all()
    return [EntitlementRecord(**row._mapping) for row in rows]


async def stock_taken(store: Store, world_id: WorldId) -> dict[str, int]:
    """How many of each item a world has sold or set aside."""
    query = select(Stock.item, Stock.taken).where(Stock.world_id == world_id)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return {row.item: row.taken for row in rows}


# What the steps of a purchase share.


async def locked(tx: Transaction, payment_id: PaymentId) -> PaymentRecord:
    """The purchase, held until the transaction ends. Raises ``NoResultFound``."""
    query = select(*_PAYMENT).where(Payment.payment_id == payment_id)
    return _record((await tx.run(query.with_for_update(key_share=True))).one())


async def advance(tx: Transaction, payment_id: PaymentId, **values: Any) -> None:
    """Change what is known of a purchase."""
    statement = update(Payment).where(Payment.payment_id == payment_id)
    await tx.run(statement.values(**values, updated_at=func.now()))


async def release(tx: Transaction, bought: Bought, *, coupon: bool) -> None:
    """What was set aside is for sale again; the coupon too if it is to count as unused."""
    if bought.quote.item.stock is not None:
        await tx.run(
            update(Stock)
            .where(Stock.world_id == bought.world_id, Stock.item == bought.quote.item.item)
            .values(taken=Stock.taken - 1)
        )
    if coupon and bought.quote.coupon is not None:
        await tx.run(
            update(CouponUse)
            .where(CouponUse.code == bought.quote.coupon)
            .values(taken=CouponUse.taken - 1)
        )


def event_of(payment_id: PaymentId, bought: Bought, kind: str, data: Json, step: str = "") -> Event:
    """What the chronicle says of a purchase; ``step`` tells events of one kind apart."""
    subject = payment_workflow_id(payment_id)
    told = {name: value for name, value in data.items() if value is not None}
    return Event(
        world_id=bought.world_id,
        key=f"{subject}/{kind}{step}",
        kind=kind,
        subject=subject,
        player_id=bought.player_id,
        data={"payment_id": payment_id, "item": bought.quote.item.item, **told},
    )


_PAYMENT = tuple(column for column in Payment.__table__.columns if column.name != "item")
_REFUND = tuple(column for column in Refund.__table__.columns if column.name != "updated_at")


def _record(row: Row[Any]) -> PaymentRecord:
    return PaymentRecord.model_validate(dict(row._mapping))


async def _find(store: Store, which: ColumnElement[bool]) -> PaymentRecord | None:
    async with store.reading() as connection:
        row = (await connection.execute(select(*_PAYMENT).where(which))).first()
    return _record(row) if row else None


async def _owns(connection: AsyncConnection, bought: Bought) -> bool:
    item = bought.quote.item
    if item.coin or item.days is not None or item.every is not None:
        return False
    query = select(Entitlement.payment_id).where(
        Entitlement.world_id == bought.world_id,
        Entitlement.player_id == bought.player_id,
        Entitlement.entitlement == item.item,
        Entitlement.until.is_(None),
        Entitlement.taken_at.is_(None),
    )
    return (await connection.execute(query)).first() is not None


async def _subscribes(connection: AsyncConnection, bought: Bought) -> bool:
    query = select(Subscription.subscription_id).where(
        Subscription.world_id == bought.world_id,
        Subscription.player_id == bought.player_id,
        Subscription.ended_at.is_(None),
    )
    return (await connection.execute(query)).first() is not None


async def _set_aside(tx: Transaction, bought: Bought) -> None:
    quote = bought.quote
    if quote.item.stock is not None:
        one_more = pg_insert(Stock).values(world_id=bought.world_id, item=quote.item.item, taken=1)
        taken = await tx.run(
            one_more.on_conflict_do_update(
                index_elements=["world_id", "item"],
                set_={"taken": Stock.taken + 1},
                where=Stock.taken < quote.item.stock,
            ).returning(Stock.taken)
        )
        if taken.first() is None:
            raise Refusal(RefusalCode.OUT_OF_STOCK, f"{quote.item.item!r} is sold out")
    if quote.coupon is not None:
        use = pg_insert(CouponUse).values(code=quote.coupon, taken=1)
        limit = quote.coupon_limit
        used = await tx.run(
            use.on_conflict_do_update(
                index_elements=["code"],
                set_={"taken": CouponUse.taken + 1},
                where=None if limit is None else CouponUse.taken < limit,
            ).returning(CouponUse.taken)
        )
        if used.first() is None:
            raise Refusal(RefusalCode.COUPON_EXHAUSTED, "the coupon's last redemption is taken")
