"""Subscriptions as they are stored: charged, held open, changed, ended, and read."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, update

from loreloom.domain.ids import (
    PaymentId,
    PlayerId,
    SubscriptionId,
    WorldId,
    payment_of_invoice,
    payment_workflow_id,
    subscription_workflow_id,
)
from loreloom.domain.payment import Bought, PaymentState, sale
from loreloom.domain.price_book import Quote, StoreItem
from loreloom.domain.provider import Charge
from loreloom.domain.subscription import LIVE, Standing, SubscriptionState, requote
from loreloom.state.ledger import book
from loreloom.state.receipts import write_receipt
from loreloom.state.store import Store, Transaction
from loreloom.state.subscription_rows import entitle_for, subscription_event
from loreloom.state.tables.payments import Entitlement, Payment, Subscription


class SubscriptionRecord(BaseModel):
    """A subscription as others read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subscription_id: SubscriptionId
    payment_id: PaymentId
    world_id: WorldId
    player_id: PlayerId
    provider_id: str
    state: SubscriptionState
    quote: Quote
    paid_until: AwareDatetime
    cancel_at_period_end: bool
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None

    @property
    def bought(self) -> Bought:
        """Whose it is, and what is charged for."""
        return Bought(world_id=self.world_id, player_id=self.player_id, quote=self.quote)

    @property
    def standing(self) -> Standing:
        """Where it stands, as its workflow knows it."""
        return Standing(
            state=self.state,
            item=self.quote.item.item,
            paid_until=self.paid_until,
            cancel_at_period_end=self.cancel_at_period_end,
        )


async def find_subscription(
    store: Store, subscription_id: SubscriptionId
) -> SubscriptionRecord | None:
    """The subscription of that id, or ``None``."""
    query = select(*_COLUMNS).where(Subscription.subscription_id == subscription_id)
    async with store.reading() as connection:
        row = (await connection.execute(query)).first()
    return _record(row) if row else None


async def subscriptions_of(
    store: Store, world_id: WorldId, player_id: PlayerId
) -> Sequence[SubscriptionRecord]:
    """A player's subscriptions, oldest first."""
    query = (
        select(*_COLUMNS)
        .where(Subscription.world_id == world_id, Subscription.player_id == player_id)
        .order_by(Subscription.created_at)
    )
    async with store.reading() as connection:
        return [_record(row) for row in await connection.execute(query)]


async def unbooked(store: Store, charges: Sequence[Charge]) -> list[Charge]:
    """The later charges of a subscription that no purchase stands for yet."""
    later = [charge for charge in charges if not charge.first]
    names = [payment_of_invoice(charge.invoice) for charge in later]
    query = select(Payment.payment_id).where(Payment.payment_id.in_(names))
    async with store.reading() as connection:
        known: Collection[str] = set((await connection.execute(query)).scalars())
    return [charge for charge in later if payment_of_invoice(charge.invoice) not in known]


async def book_charge(store: Store, subscription_id: SubscriptionId, charge: Charge) -> None:
    """A later charge was paid: a purchase of its own, booked and delivered, once."""
    payment_id = payment_of_invoice(charge.invoice)
    root = payment_workflow_id(payment_id)
    async with store.transaction() as tx:
        record = await _locked(tx, subscription_id)
        if not await tx.first_time(f"{root}/delivery"):
            return
        quote = requote(record.quote, charge.amount, discounted=charge.discounted)
        bought = record.bought.model_copy(update={"quote": quote})
        await tx.run(
            insert(Payment).values(
                payment_id=payment_id,
                world_id=record.world_id,
                player_id=record.player_id,
                state=PaymentState.FULFILLED,
                delivered=True,
                item=quote.item.item,
                amount=charge.amount,
                currency=charge.currency,
                quote=quote.model_dump(mode="json"),
                intent=charge.intent,
                subscription_id=subscription_id,
                entitles=charge.renews,
            )
        )
        await book(tx, f"{root}/sale", payment_id, "sale", sale(bought))
        await write_receipt(tx, payment_id, bought, whole=charge.renews)
        if charge.renews:
            await _end_entitlements(tx, subscription_id, charge.begins)
            await entitle_for(tx, payment_id, bought, charge.begins, charge.ends)
            paid_until = max(record.paid_until, charge.ends)
            await _advance(tx, subscription_id, paid_until=paid_until)
        kind = "subscription.renewed" if charge.renews else "subscription.charged"
        data = {
            "payment_id": payment_id,
            "amount": charge.amount,
            "currency": charge.currency,
            "paid_until": charge.ends.isoformat(),
        }
        tx.tell(subscription_event(subscription_id, bought, kind, data, f"/{payment_id}"))


async def hold_open(
    store: Store, subscription_id: SubscriptionId, paid_until: datetime | None, until: datetime
) -> None:
    """What was paid for until ``paid_until`` is kept open while the next charge is waited for.

    If that charge came meanwhile, or was called off, nothing is to be kept open.
    """
    async with store.transaction() as tx:
        record = await _locked(tx, subscription_id)
        awaited = record.state in LIVE and not record.cancel_at_period_end
        if not awaited or paid_until not in (None, record.paid_until):
            return
        await tx.run(
            update(Entitlement)
            .where(_given_by(subscription_id), Entitlement.until == record.paid_until)
            .values(until=until)
        )


async def paid_back(store: Store, subscription_id: SubscriptionId, paid_until: datetime) -> bool:
    """Whether what was paid for until then was taken back."""
    taken = select(Entitlement.payment_id).where(
        _given_by(subscription_id),
        Entitlement.until >= paid_until,
        Entitlement.taken_at.is_not(None),
    )
    async with store.reading() as connection:
        return (await connection.execute(taken)).first() is not None


async def change_item(
    store: Store, subscription_id: SubscriptionId, item: StoreItem, order: str
) -> None:
    """The subscription is to another item from now on, which what is paid gives too, once."""
    async with store.transaction() as tx:
        record = await _locked(tx, subscription_id)
        if not await tx.first_time(f"{subscription_workflow_id(subscription_id)}/change/{order}"):
            return
        old = record.quote.item.item
        if old == item.item:
            return
        await tx.run(
            update(Entitlement)
            .where(
                _given_by(subscription_id),
                Entitlement.entitlement == old,
                Entitlement.until >= record.paid_until,
            )
            .values(entitlement=item.item)
        )
        quote = record.quote.model_copy(update={"item": item})
        await _advance(tx, subscription_id, quote=quote.model_dump(mode="json"))
        bought = record.bought.model_copy(update={"quote": quote})
        told = subscription_event(
            subscription_id, bought, "subscription.changed", {"from": old}, f"/{order}"
        )
        tx.tell(told)


async def settle(
    store: Store,
    subscription_id: SubscriptionId,
    state: SubscriptionState,
    *,
    cancel_at_period_end: bool,
) -> Standing:
    """Write down how the provider has it; ended, it gives nothing beyond what is paid."""
    async with store.transaction() as tx:
        record = await _locked(tx, subscription_id)
        if record.state not in LIVE:
            return record.standing
        ended = state not in LIVE
        canceling = cancel_at_period_end and not ended
        if ended or canceling:
            await _end_entitlements(tx, subscription_id, record.paid_until)
        if state is not record.state or canceling is not record.cancel_at_period_end:
            await _advance(
                tx,
                subscription_id,
                state=state,
                cancel_at_period_end=canceling,
                ended_at=func.now() if ended else None,
            )
        if state is not record.state:
            _tell_state(tx, record, state)
        if canceling and not record.cancel_at_period_end:
            data = {"paid_until": record.paid_until.isoformat()}
            step = f"/{record.updated_at.isoformat()}"
            kind = "subscription.canceling"
            tx.tell(subscription_event(subscription_id, record.bought, kind, data, step))
        return (await _locked(tx, subscription_id)).standing


TOLD = {
    SubscriptionState.ACTIVE: "subscription.recovered",
    SubscriptionState.PAST_DUE: "subscription.past_due",
    SubscriptionState.CANCELED: "subscription.canceled",
    SubscriptionState.LAPSED: "subscription.lapsed",
}
"""What the chronicle says of a subscription that comes into a state."""


def _tell_state(tx: Transaction, record: SubscriptionRecord, state: SubscriptionState) -> None:
    data = {"paid_until": record.paid_until.isoformat()}
    # It may come into one state more than once; what it was before is of one moment only.
    step = f"/{record.updated_at.isoformat()}"
    tx.tell(subscription_event(record.subscription_id, record.bought, TOLD[state], data, step))


_COLUMNS = tuple(Subscription.__table__.columns)


def _record(row: Row[Any]) -> SubscriptionRecord:
    return SubscriptionRecord.model_validate(dict(row._mapping))


async def _locked(tx: Transaction, subscription_id: SubscriptionId) -> SubscriptionRecord:
    query = select(*_COLUMNS).where(Subscription.subscription_id == subscription_id)
    return _record((await tx.run(query.with_for_update())).one())


async def _advance(tx: Transaction, subscription_id: SubscriptionId, **values: Any) -> None:
    statement = update(Subscription).where(Subscription.subscription_id == subscription_id)
    await tx.run(statement.values(**values, updated_at=func.now()))


def _given_by(subscription_id: SubscriptionId) -> ColumnElement[bool]:
    """Entitlements by any charge of a subscription, the first one too."""
    first = select(Subscription.payment_id).where(Subscription.subscription_id == subscription_id)
    charges = select(Payment.payment_id).where(
        or_(
            Payment.subscription_id == subscription_id,
            Payment.payment_id == first.scalar_subquery(),
        )
    )
    return Entitlement.payment_id.in_(charges)


async def _end_entitlements(
    tx: Transaction, subscription_id: SubscriptionId, moment: datetime
) -> None:
    # A period that begins later may be paid for before an earlier one is.
    lasting = and_(Entitlement.since < moment, Entitlement.until > moment)
    await tx.run(
        update(Entitlement).where(_given_by(subscription_id), lasting).values(until=moment)
    )
