"""What a payment gives and a refund takes back: each in one transaction with its ledger entries."""

from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import ColumnElement, and_, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.arc import ArcDefinition
from loreloom.domain.ids import (
    PaymentId,
    RefundId,
    arc_of_payment,
    payment_workflow_id,
    refund_workflow_id,
)
from loreloom.domain.payment import (
    REFUNDABLE,
    Bought,
    Disputed,
    PaymentState,
    RefundState,
    Reversal,
    Unfulfillable,
    UnfulfillableReason,
    at_price,
    coin_taken,
    receipt_undelivered,
    refund_amount,
    returned,
    reversal,
    sale,
    standing_of,
)
from loreloom.domain.provider import DisputeStanding
from loreloom.state.arcs import create_arc
from loreloom.state.facts import forget, learn
from loreloom.state.ledger import book
from loreloom.state.payments import (
    AT_PROVIDER,
    ENDS,
    PaymentRecord,
    advance,
    event_of,
    locked,
    release,
)
from loreloom.state.receipts import write_receipt
from loreloom.state.starts import PlannedStart, plan_start
from loreloom.state.store import Store, Transaction
from loreloom.state.subscription_rows import Begun, begin, entitle_for
from loreloom.state.tables.payments import Dispute, Entitlement, Refund
from loreloom.state.tables.worlds import Player


async def fulfil(
    store: Store, payment_id: PaymentId, intent: str | None, begun: Begun | None = None
) -> PaymentState:
    """Give what was paid for, once. Returns the purchase's state.

    ``begun`` is the subscription that it began. Raises ``Unfulfillable`` when it can never be
    given; nothing has changed then.
    """
    root = payment_workflow_id(payment_id)
    async with store.transaction() as tx:
        record = await locked(tx, payment_id)
        if not await tx.first_time(f"{root}/delivery"):
            return record.state
        bought = record.bought
        if begun is not None:
            bought = at_price(bought, begun.amount)
            await begin(tx, payment_id, bought, begun)
            await entitle_for(tx, payment_id, bought, None, begun.paid_until)
        elif bought.quote.item.coin:
            await add_coin(tx, bought, bought.quote.item.coin)
        else:
            await _entitle(tx, payment_id, bought)
        if record.opens is not None:
            await _open_arc(tx, record, record.opens)
        if bought.quote.item.sets_fact is not None:
            fact = bought.quote.item.sets_fact
            await learn(tx, bought.world_id, bought.player_id, fact, root)
        await book(tx, f"{root}/sale", payment_id, "sale", sale(bought))
        receipt = await write_receipt(tx, payment_id, bought)
        amount = bought.quote.amount
        await advance(
            tx,
            payment_id,
            state=PaymentState.FULFILLED,
            delivered=True,
            intent=intent,
            amount=amount,
            # A refund takes back what was credited, which goes by what was really paid.
            quote=bought.quote.model_dump(mode="json"),
        )
        given = {
            "amount": amount,
            "currency": record.currency,
            "kind": bought.quote.item.kind,
            "coin": bought.quote.item.coin or None,
            "receipt": receipt,
        }
        tx.tell(event_of(payment_id, bought, "payment.fulfilled", given))
        return PaymentState.FULFILLED


async def give_up_delivery(
    store: Store,
    payment_id: PaymentId,
    intent: str | None,
    paid: tuple[int, str],
    reason: UnfulfillableReason,
    refund_id: RefundId,
    start: PlannedStart,
) -> PaymentState:
    """What was paid (amount and currency) cannot be delivered and is to be paid back.

    ``start`` is the refund's workflow. What cost nothing has failed: there is nothing to pay back.
    Returns the purchase's state.
    """
    amount, currency = paid
    root = payment_workflow_id(payment_id)
    async with store.transaction() as tx:
        record = await locked(tx, payment_id)
        if not await tx.first_time(f"{root}/delivery"):
            return record.state
        state = PaymentState.UNFULFILLED if amount else PaymentState.FAILED
        await advance(
            tx,
            payment_id,
            state=state,
            reason=reason,
            intent=intent,
            amount=amount,
            currency=currency,
        )
        await release(tx, record.bought, coupon=True)
        postings = receipt_undelivered(amount, currency)
        await book(tx, f"{root}/receipt", payment_id, "undelivered", postings)
        if amount:
            await _plan_refund(tx, payment_id, refund_id, amount, reason, start)
        data = {"reason": reason, "amount": amount, "currency": currency}
        told = "payment.unfulfilled" if amount else ENDS[state]
        tx.tell(event_of(payment_id, record.bought, told, data))
        return state


async def ask_refund(
    tx: Transaction,
    payment_id: PaymentId,
    refund_id: RefundId,
    asked: int | None,
    reason: str | None,
    start: PlannedStart,
) -> int:
    """Keep a refund with the intent to start its workflow; the amount. Raises ``Refusal``."""
    record = await locked(tx, payment_id)
    left = record.amount - record.refund_asked - (await disputed(tx, payment_id)).lost
    amount = refund_amount(record.state, max(left, 0), asked)
    await _plan_refund(tx, payment_id, refund_id, amount, reason, start)
    data = {"refund_id": refund_id, "amount": amount, "currency": record.currency}
    told = event_of(payment_id, record.bought, "payment.refund_requested", data, f"/{refund_id}")
    tx.tell(told)
    return amount


async def book_refund(store: Store, refund_id: RefundId) -> None:
    """The provider has paid back: book it, and after a full refund take what was given, once."""
    async with store.transaction() as tx:
        record, amount = await _of_refund(tx, refund_id)
        if not await tx.first_time(_booking_of(refund_id)):
            return
        await _book_back(tx, record, refund_id, amount)
        await _end_refund(tx, refund_id, RefundState.DONE)


async def take_over_refund(store: Store, payment_id: PaymentId, total: int) -> None:
    """``total`` was paid back in the provider's own pages: book what we have not, once."""
    refund_id = RefundId(f"refund_seen_{payment_id}_{total}")
    async with store.transaction() as tx:
        record = await locked(tx, payment_id)
        amount = total - record.refunded
        ours = record.refund_asked > record.refunded or record.state not in REFUNDABLE
        if ours or amount <= 0 or not await tx.first_time(_booking_of(refund_id)):
            return
        await tx.run(
            insert(Refund).values(
                refund_id=refund_id,
                payment_id=payment_id,
                amount=amount,
                state=RefundState.DONE,
                reason=AT_PROVIDER,
            )
        )
        await advance(tx, payment_id, refund_asked=total)
        await _book_back(tx, record, refund_id, amount)


async def fail_refund(store: Store, refund_id: RefundId, failure: str) -> None:
    """The provider refuses to pay back: the amount may be asked for again."""
    async with store.transaction() as tx:
        record, amount = await _of_refund(tx, refund_id)
        if not await tx.first_time(_booking_of(refund_id)):
            return
        await advance(tx, record.payment_id, refund_asked=record.refund_asked - amount)
        await _fail(tx, record, refund_id, amount, failure)


async def return_refund(store: Store, refund_id: RefundId, failure: str) -> None:
    """A refund that is booked has failed at the provider, which has the money again: once.

    What was taken with it stays taken, so that what is paid for and not had is owed.
    """
    async with store.transaction() as tx:
        record, amount = await _of_refund(tx, refund_id)
        key = f"{refund_workflow_id(refund_id)}/return"
        if not await tx.first_time(key):
            return
        bought, payment_id = record.bought, record.payment_id
        disputes = await disputed(tx, payment_id)
        refunded = record.refunded - amount
        back = Reversal(
            before=refunded,
            lost=disputes.lost,
            amount=amount,
            coin_left=0,
            delivered=record.delivered,
            given=False,
        )
        await book(tx, key, payment_id, "refund_failed", returned(bought, back))
        await advance(
            tx,
            payment_id,
            state=standing_of(record.amount, refunded, disputes, given=record.given),
            refunded=refunded,
            refund_asked=record.refund_asked - amount,
        )
        await _fail(tx, record, refund_id, amount, failure)


async def take_back(tx: Transaction, record: PaymentRecord, coin_left: int) -> None:
    """What was given is taken, of coin as much as is left, and the item is for sale again.

    ``coin_left`` is what ``coin_of`` and a dispute's hold have of it. It is done once for a
    purchase: whoever calls has seen that it is ``given``.
    """
    bought = record.bought
    taken = await tx.run(
        update(Entitlement)
        .where(Entitlement.payment_id == record.payment_id, Entitlement.taken_at.is_(None))
        .values(taken_at=func.now())
        .returning(Entitlement.since, Entitlement.until)
    )
    pass_taken = taken.first()
    if pass_taken is not None and bought.quote.item.days is not None:
        await _move_up(tx, bought, pass_taken.since, pass_taken.until)
    # What of the held coin is more than was taken goes back; what is less comes from the player.
    await add_coin(tx, bought, record.coin_held - coin_taken(bought, coin_left))
    if bought.quote.item.sets_fact is not None:
        fact, source = bought.quote.item.sets_fact, payment_workflow_id(record.payment_id)
        await forget(tx, bought.world_id, bought.player_id, fact, source)
    await release(tx, bought, coupon=False)
    await advance(tx, record.payment_id, taken_back=True, coin_held=0)


async def coin_of(tx: Transaction, bought: Bought) -> int:
    """The player's coin; the player's row is held until the transaction ends."""
    query = select(Player.coin).where(
        Player.world_id == bought.world_id, Player.player_id == bought.player_id
    )
    coin: int = (await tx.run(query.with_for_update(key_share=True))).scalar_one()
    return coin


async def disputed(tx: Transaction, payment_id: PaymentId) -> Disputed:
    """The disputes about a purchase, as far as they are decided."""
    lost = func.sum(Dispute.amount).filter(Dispute.state == DisputeStanding.LOST)
    query = select(
        func.count().filter(Dispute.state == DisputeStanding.OPEN).label("open"),
        func.coalesce(lost, 0).label("lost"),
    ).where(Dispute.payment_id == payment_id)
    row = (await tx.run(query)).one()
    return Disputed(open=row.open, lost=int(row.lost))


async def add_coin(tx: Transaction, bought: Bought, amount: int) -> None:
    """The buyer has so much more coin, or less."""
    added = await tx.run(
        update(Player)
        .where(Player.world_id == bought.world_id, Player.player_id == bought.player_id)
        .values(coin=Player.coin + amount)
        .returning(Player.player_id)
    )
    added.one()


async def _entitle(tx: Transaction, payment_id: PaymentId, bought: Bought) -> None:
    item = bought.quote.item
    begins: ColumnElement[datetime] = func.now()
    until: ColumnElement[datetime] | None = None
    if item.days is not None:
        # Of two passes at once, the second must see where the first one ends.
        await coin_of(tx, bought)
        ends = select(func.max(Entitlement.until)).where(_passes_of(bought))
        # A pass that is bought while one runs goes on where that one ends.
        begins = func.greatest(func.now(), func.coalesce(ends.scalar_subquery(), func.now()))
        until = begins + timedelta(days=item.days)
    given = await tx.run(
        pg_insert(Entitlement)
        .values(
            payment_id=payment_id,
            world_id=bought.world_id,
            player_id=bought.player_id,
            entitlement=item.item,
            since=begins,
            until=until,
        )
        .on_conflict_do_nothing()
        .returning(Entitlement.payment_id)
    )
    if given.first() is None:
        raise Unfulfillable(UnfulfillableReason.ALREADY_OWNED)


async def _move_up(tx: Transaction, bought: Bought, since: datetime, until: datetime) -> None:
    """The passes after one that was taken begin earlier by what was left of it."""
    left = until - func.greatest(since, func.least(until, func.now()))
    await tx.run(
        update(Entitlement)
        .where(_passes_of(bought), Entitlement.since >= until)
        .values(since=Entitlement.since - left, until=Entitlement.until - left)
    )


def _passes_of(bought: Bought) -> ColumnElement[bool]:
    """The player's passes by the item that was bought, but for those that were taken."""
    return and_(
        Entitlement.world_id == bought.world_id,
        Entitlement.player_id == bought.player_id,
        Entitlement.entitlement == bought.quote.item.item,
        Entitlement.taken_at.is_(None),
    )


async def _open_arc(tx: Transaction, record: PaymentRecord, start: PlannedStart) -> None:
    try:
        definition = ArcDefinition.model_validate(start.input["definition"])
    except ValidationError as error:
        raise Unfulfillable(UnfulfillableReason.UNSOUND_ARC) from error
    arc_id = arc_of_payment(record.payment_id)
    await create_arc(tx, arc_id, record.world_id, record.player_id, definition, start)


async def _book_back(
    tx: Transaction, record: PaymentRecord, refund_id: RefundId, amount: int
) -> None:
    bought, payment_id = record.bought, record.payment_id
    disputes = await disputed(tx, payment_id)
    back = Reversal(
        before=record.refunded,
        lost=disputes.lost,
        amount=amount,
        coin_left=await coin_of(tx, bought) + record.coin_held,
        delivered=record.delivered,
        given=record.given,
    )
    await book(tx, refund_workflow_id(refund_id), payment_id, "refund", reversal(bought, back))
    if back.takes(bought.quote):
        await take_back(tx, record, back.coin_left)
    refunded = record.refunded + amount
    state = standing_of(record.amount, refunded, disputes, given=record.given)
    await advance(tx, payment_id, state=state, refunded=refunded)
    data = {"refund_id": refund_id, "amount": amount, "currency": record.currency}
    told = {**data, "full": back.is_full(bought.quote)}
    tx.tell(event_of(payment_id, bought, "payment.refunded", told, f"/{refund_id}"))


async def _plan_refund(
    tx: Transaction,
    payment_id: PaymentId,
    refund_id: RefundId,
    amount: int,
    reason: str | None,
    start: PlannedStart,
) -> None:
    record = await locked(tx, payment_id)
    await tx.run(
        insert(Refund).values(
            refund_id=refund_id,
            payment_id=payment_id,
            amount=amount,
            state=RefundState.PENDING,
            reason=reason,
        )
    )
    await advance(tx, payment_id, refund_asked=record.refund_asked + amount)
    await plan_start(tx, start)


async def _of_refund(tx: Transaction, refund_id: RefundId) -> tuple[PaymentRecord, int]:
    """The payment of a refund, held until the transaction ends, and what is to be paid back."""
    query = select(Refund.payment_id, Refund.amount).where(Refund.refund_id == refund_id)
    refund = (await tx.run(query)).one()
    return await locked(tx, PaymentId(refund.payment_id)), refund.amount


async def _fail(
    tx: Transaction, record: PaymentRecord, refund_id: RefundId, amount: int, failure: str
) -> None:
    await _end_refund(tx, refund_id, RefundState.FAILED, failure)
    data = {"refund_id": refund_id, "amount": amount, "reason": failure}
    step = f"/{refund_id}"
    tx.tell(event_of(record.payment_id, record.bought, "payment.refund_failed", data, step))


def _booking_of(refund_id: RefundId) -> str:
    """The key under which a refund is settled once, well or badly."""
    return f"{refund_workflow_id(refund_id)}/booking"


async def _end_refund(
    tx: Transaction, refund_id: RefundId, state: RefundState, failure: str | None = None
) -> None:
    await tx.run(
        update(Refund)
        .where(Refund.refund_id == refund_id)
        .values(state=state, failure=failure, updated_at=func.now())
    )
