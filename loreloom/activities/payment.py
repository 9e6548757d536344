"""What purchases, refunds and disputes do: at the provider, and in the books."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError, NoResultFound
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from loreloom.activities.errors import broken
from loreloom.activities.reconciliation import ReconciliationActivities
from loreloom.activities.signatures.payment import (
    BegunUnpaid,
    Delivery,
    DisputeRef,
    DisputeSeen,
    DisputeSteps,
    Ended,
    GivenUp,
    Opened,
    Paid,
    PaymentRef,
    PaymentSteps,
    RefundFailed,
    RefundRef,
    RefundSteps,
    Sent,
)
from loreloom.activities.subscription import SubscriptionActivities
from loreloom.domain.ids import (
    PaymentId,
    RefundId,
    dispute_workflow_id,
    payment_workflow_id,
    refund_workflow_id,
    subscription_of,
    subscription_workflow_id,
)
from loreloom.domain.payment import (
    PaymentState,
    RefundState,
    Unfulfillable,
    UnfulfillableReason,
)
from loreloom.domain.provider import CheckoutStanding, Seen, SeenDispute
from loreloom.payments.gateway import Gateway
from loreloom.payments.refusing import ProviderRefused
from loreloom.state import disputes, fulfilments, payments
from loreloom.state.payments import PaymentRecord
from loreloom.state.starts import PlannedStart
from loreloom.state.store import Store
from loreloom.state.subscription_rows import Begun

REFUND_WORKFLOW = "Refund"
SUBSCRIPTION_WORKFLOW = "Subscription"


class PaymentActivities(PaymentSteps):
    """The steps of a purchase."""

    def __init__(self, store: Store, gateway: Gateway, return_url: str) -> None:
        self._store = store
        self._gateway = gateway
        self._return_url = return_url

    @activity.defn(name="payment_open")
    async def open(self, payment: PaymentRef) -> Opened:
        record = await _the_payment(self._store, payment.payment_id)
        if record.amount == 0 and record.quote.item.every is None:
            return Opened(free=True)
        if record.checkout is not None:
            return Opened()
        key = f"{payment_workflow_id(payment.payment_id)}/checkout"
        try:
            opened = await self._gateway.open_checkout(
                payment.payment_id, record.quote, self._return_url, key
            )
        except ProviderRefused as error:
            return Opened(refused=error.code)
        await payments.open_checkout(self._store, payment.payment_id, opened.checkout, opened.url)
        return Opened()

    @activity.defn(name="payment_look")
    async def look(self, payment: PaymentRef) -> Seen:
        return await self._gateway.look(await self._checkout(payment.payment_id))

    @activity.defn(name="payment_expire")
    async def expire(self, payment: PaymentRef) -> Seen:
        checkout = await self._checkout(payment.payment_id)
        await self._gateway.expire(checkout)
        return await self._gateway.look(checkout)

    @activity.defn(name="payment_call_off")
    async def call_off(self, begun: BegunUnpaid) -> Seen:
        checkout = await self._checkout(begun.payment_id)
        # The debit may be tried again, and come, until nobody asks for it any more.
        await self._gateway.recurring.give_up_all(begun.subscription)
        seen = await self._gateway.look(checkout)
        if seen.standing is CheckoutStanding.PROCESSING:
            # It was tried once more before it was given up: what comes of it is waited for.
            raise ApplicationError("the debit is under way again", type="DebitUnderWay")
        if seen.standing is not CheckoutStanding.PAID:
            await self._gateway.recurring.cancel(begun.subscription)
        return seen

    @activity.defn(name="payment_end_unpaid")
    async def end_unpaid(self, ended: Ended) -> PaymentState:
        return await payments.end_unpaid(self._store, ended.payment_id, ended.state, ended.reason)

    @activity.defn(name="payment_fulfil")
    async def fulfil(self, paid: Paid) -> Delivery:
        record = await _the_payment(self._store, paid.payment_id)
        intent = paid.seen.intent if paid.seen else None
        try:
            _require_agreed(record, paid.seen)
            begun = _begun(record, paid.seen)
            state = await fulfilments.fulfil(self._store, paid.payment_id, intent, begun)
        except Unfulfillable as error:
            return Delivery(state=record.state, unfulfillable=error.reason)
        except (IntegrityError, DataError, NoResultFound):
            reason = UnfulfillableReason.REFUSED_BY_DATABASE
            return Delivery(state=record.state, unfulfillable=reason)
        return Delivery(state=state)

    @activity.defn(name="payment_give_up")
    async def give_up(self, given_up: GivenUp) -> PaymentState:
        paid = given_up.paid
        record = await _the_payment(self._store, paid.payment_id)
        amount, currency, intent = record.amount, record.currency, None
        if paid.seen is not None:
            amount, currency, intent = paid.seen.amount, paid.seen.currency, paid.seen.intent
            if paid.seen.subscription is not None:
                await self._gateway.recurring.cancel(paid.seen.subscription)
        refund_id = RefundId(f"refund_of_{paid.payment_id}")
        return await fulfilments.give_up_delivery(
            self._store,
            paid.payment_id,
            intent,
            (amount, currency),
            given_up.reason,
            refund_id,
            _refund_start(refund_id),
        )

    async def _checkout(self, payment_id: PaymentId) -> str:
        record = await _the_payment(self._store, payment_id)
        if record.checkout is None:
            raise broken(f"the payment {payment_id} has no checkout")
        return record.checkout


class RefundActivities(RefundSteps):
    """The steps of a refund."""

    def __init__(self, store: Store, gateway: Gateway) -> None:
        self._store = store
        self._gateway = gateway

    @activity.defn(name="refund_send")
    async def send(self, refund: RefundRef) -> Sent:
        found = await payments.find_refund(self._store, refund.refund_id)
        if found is None:
            raise broken(f"there is no refund {refund.refund_id}")
        if found.state is RefundState.FAILED:
            return Sent(refused=found.failure)
        payment = await _the_payment(self._store, found.payment_id)
        if payment.intent is None:
            return Sent(refused="nothing_was_paid")
        key = refund_workflow_id(refund.refund_id)
        if found.state is RefundState.DONE:
            # The provider has told of it again: it may have failed since it was booked.
            return Sent(refused=await self._gateway.failed_refund(payment.intent, key))
        try:
            await self._gateway.refund(payment.intent, found.amount, key)
        except ProviderRefused as error:
            return Sent(refused=error.code)
        return Sent()

    @activity.defn(name="refund_book")
    async def book(self, refund: RefundRef) -> None:
        await fulfilments.book_refund(self._store, refund.refund_id)

    @activity.defn(name="refund_fail")
    async def fail(self, failed: RefundFailed) -> None:
        found = await payments.find_refund(self._store, failed.refund_id)
        if found is not None and found.state is RefundState.DONE:
            await fulfilments.return_refund(self._store, failed.refund_id, failed.failure)
        else:
            await fulfilments.fail_refund(self._store, failed.refund_id, failed.failure)


class DisputeActivities(DisputeSteps):
    """The steps of a dispute."""

    def __init__(self, store: Store, gateway: Gateway) -> None:
        self._store = store
        self._gateway = gateway

    @activity.defn(name="dispute_look")
    async def look(self, dispute: DisputeRef) -> SeenDispute:
        return await self._gateway.dispute(dispute.dispute_id)

    @activity.defn(name="dispute_note")
    async def note(self, dispute: DisputeSeen) -> None:
        key = f"{dispute_workflow_id(dispute.seen.dispute_id)}/{dispute.seen.standing}"
        await disputes.note(self._store, dispute.payment_id, dispute.seen, key)

    @activity.defn(name="dispute_hold")
    async def hold(self, dispute: DisputeSeen) -> None:
        key = dispute_workflow_id(dispute.seen.dispute_id)
        await disputes.hold(self._store, dispute.payment_id, dispute.seen, f"{key}/hold")

    @activity.defn(name="dispute_close")
    async def close(self, dispute: DisputeSeen) -> None:
        key = dispute_workflow_id(dispute.seen.dispute_id)
        await disputes.close(self._store, dispute.payment_id, dispute.seen, f"{key}/close")


def payment_activities(
    store: Store, gateway: Gateway, client: Client, return_url: str
) -> Sequence[Callable[..., Any]]:
    """Every activity of this room, for the story role."""
    payment = PaymentActivities(store, gateway, return_url)
    refund, dispute = RefundActivities(store, gateway), DisputeActivities(store, gateway)
    return (
        payment.open,
        payment.look,
        payment.expire,
        payment.call_off,
        payment.end_unpaid,
        payment.fulfil,
        payment.give_up,
        refund.send,
        refund.book,
        refund.fail,
        dispute.look,
        dispute.note,
        dispute.hold,
        dispute.close,
        ReconciliationActivities(store, gateway, client).reconcile,
        *SubscriptionActivities(store, gateway).all(),
    )


def _require_agreed(record: PaymentRecord, seen: Seen | None) -> None:
    agreed = record.quote
    paid = (0, agreed.currency) if seen is None else (seen.amount, seen.currency)
    # What a percentage takes off a subscription, the provider rounds in its own way.
    slack = 1 if agreed.discount is not None and agreed.discount.percent is not None else 0
    if paid[1] != agreed.currency or abs(paid[0] - agreed.amount) > slack:
        raise Unfulfillable(UnfulfillableReason.WRONG_AMOUNT)


def _begun(record: PaymentRecord, seen: Seen | None) -> Begun | None:
    """The subscription that a checkout began; ``None`` if nothing of the kind was sold."""
    if record.quote.item.every is None:
        return None
    if seen is None or seen.subscription is None or seen.paid_until is None:
        raise broken(f"the checkout of {record.payment_id} began no subscription")
    subscription_id = subscription_of(record.payment_id)
    return Begun(
        provider_id=seen.subscription,
        amount=seen.amount,
        paid_until=seen.paid_until,
        start=PlannedStart(
            workflow_id=subscription_workflow_id(subscription_id),
            workflow=SUBSCRIPTION_WORKFLOW,
            input={
                "subscription": {"subscription_id": subscription_id},
                "grace": record.quote.grace.model_dump(mode="json"),
            },
        ),
    )


async def _the_payment(store: Store, payment_id: PaymentId) -> PaymentRecord:
    record = await payments.find_payment(store, payment_id)
    if record is None:
        raise broken(f"there is no payment {payment_id}")
    return record


def _refund_start(refund_id: RefundId) -> PlannedStart:
    return PlannedStart(
        workflow_id=refund_workflow_id(refund_id),
        workflow=REFUND_WORKFLOW,
        input={"refund": {"refund_id": refund_id}},
    )
