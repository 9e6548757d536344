"""Disputes: what was bought is held while one is open, then returned or taken, with the books.

While the bank only asks, nothing is held and nothing is booked.
"""

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain import money
from loreloom.domain.ids import DisputeId, PaymentId
from loreloom.domain.money import movement
from loreloom.domain.payment import Loss, coin_back, coin_taken, dispute_lost, standing_of
from loreloom.domain.provider import DisputeStanding, SeenDispute
from loreloom.state.fulfilments import add_coin, coin_of, disputed, take_back
from loreloom.state.ledger import book
from loreloom.state.payments import PaymentRecord, advance, event_of, locked
from loreloom.state.starts import PlannedStart, plan_start
from loreloom.state.store import Store, Transaction
from loreloom.state.tables.payments import Dispute, Entitlement


async def plan_dispute(
    store: Store, dispute_id: DisputeId, payment_id: PaymentId, start: PlannedStart
) -> None:
    """Keep a dispute with the intent to start its workflow; a second time changes nothing."""
    async with store.transaction() as tx:
        await tx.run(
            pg_insert(Dispute)
            .values(
                dispute_id=dispute_id,
                payment_id=payment_id,
                amount=0,
                state=DisputeStanding.INQUIRY,
            )
            .on_conflict_do_nothing()
        )
        await plan_start(tx, start)


async def note(store: Store, payment_id: PaymentId, seen: SeenDispute, key: str) -> None:
    """The bank asks, or has done with asking: no money has moved; say so, once."""
    async with store.transaction() as tx:
        record = await locked(tx, payment_id)
        if not await tx.first_time(key):
            return
        await _keep(tx, seen)
        if seen.standing is DisputeStanding.INQUIRY:
            _tell(tx, record, "payment.inquiry", seen, amount=seen.amount, currency=record.currency)
        else:
            _tell(tx, record, "payment.dispute_closed", seen, outcome=seen.standing)


async def hold(store: Store, payment_id: PaymentId, seen: SeenDispute, key: str) -> None:
    """The provider has taken the money back for now: hold what was bought, once."""
    async with store.transaction() as tx:
        record = await locked(tx, payment_id)
        if not await tx.first_time(key):
            return
        await _keep(tx, seen.model_copy(update={"standing": DisputeStanding.OPEN}))
        taken = movement(money.DISPUTED, money.PROVIDER, seen.amount, record.currency)
        await book(tx, key, payment_id, "dispute_opened", taken)
        if record.given:
            await _hold_what_was_given(tx, record)
        await _settle(tx, record)
        _tell(tx, record, "payment.disputed", seen, amount=seen.amount, currency=record.currency)


async def close(store: Store, payment_id: PaymentId, seen: SeenDispute, key: str) -> None:
    """The dispute is decided: return what was held, or take it, once."""
    lost = seen.standing is DisputeStanding.LOST
    async with store.transaction() as tx:
        record = await locked(tx, payment_id)
        if not await tx.first_time(key):
            return
        await _keep(tx, seen)
        if not lost:
            postings = [*movement(money.PROVIDER, money.DISPUTED, seen.amount, record.currency)]
            if not (await disputed(tx, payment_id)).open:
                await _return_what_was_held(tx, record)
        else:
            postings = dispute_lost(record.bought, await _loss(tx, record, seen))
            if record.given:
                coin_left = await coin_of(tx, record.bought) + record.coin_held
                postings += coin_back(record.bought, coin_left)
                await take_back(tx, record, coin_left)
        await book(tx, key, payment_id, "dispute_closed", postings)
        await _settle(tx, record)
        _tell(tx, record, "payment.dispute_closed", seen, outcome=seen.standing)


async def _hold_what_was_given(tx: Transaction, record: PaymentRecord) -> None:
    payment_id, bought = record.payment_id, record.bought
    await tx.run(
        update(Entitlement)
        .where(Entitlement.payment_id == payment_id, Entitlement.held_at.is_(None))
        .values(held_at=func.now())
    )
    if not record.coin_held:
        held = coin_taken(bought, await coin_of(tx, bought))
        await add_coin(tx, bought, -held)
        await advance(tx, payment_id, coin_held=held)


async def _return_what_was_held(tx: Transaction, record: PaymentRecord) -> None:
    await tx.run(
        update(Entitlement).where(Entitlement.payment_id == record.payment_id).values(held_at=None)
    )
    await add_coin(tx, record.bought, record.coin_held)
    await advance(tx, record.payment_id, coin_held=0)


async def _loss(tx: Transaction, record: PaymentRecord, lost: SeenDispute) -> Loss:
    """What a dispute took, which is kept as lost already."""
    lost_before = (await disputed(tx, record.payment_id)).lost - lost.amount
    return Loss(
        before=record.refunded + lost_before, amount=lost.amount, delivered=record.delivered
    )


async def _settle(tx: Transaction, record: PaymentRecord) -> None:
    """The purchase stands where its refunds and disputes leave it."""
    state = standing_of(
        record.amount,
        record.refunded,
        await disputed(tx, record.payment_id),
        given=record.given,
    )
    await advance(tx, record.payment_id, state=state)


def _tell(
    tx: Transaction, record: PaymentRecord, kind: str, seen: SeenDispute, **about: str | int
) -> None:
    data = {"dispute_id": seen.dispute_id, **about}
    step = f"/{seen.dispute_id}"
    tx.tell(event_of(record.payment_id, record.bought, kind, data, step))


async def _keep(tx: Transaction, seen: SeenDispute) -> None:
    await tx.run(
        update(Dispute)
        .where(Dispute.dispute_id == seen.dispute_id)
        .values(amount=seen.amount, state=seen.standing, updated_at=func.now())
    )
