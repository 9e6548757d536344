"""A purchase: opened at the provider, paid or not, delivered or paid back. And its aftermath."""

from collections.abc import Collection
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.payment import (
        BegunUnpaid,
        DisputeSeen,
        DisputeSteps,
        Ended,
        GivenUp,
        Paid,
        PaymentSteps,
        RefundFailed,
        RefundSteps,
    )
    from loreloom.domain.payment import PaymentState, RefundState
    from loreloom.domain.provider import (
        UNDECIDED,
        CheckoutStanding,
        DisputeStanding,
        Seen,
        SeenDispute,
    )
    from loreloom.workflows import attributes
    from loreloom.workflows.listening import Listening
    from loreloom.workflows.signatures import DisputeInput, PaymentInput, RefundInput

CALL_TIME = timedelta(seconds=30)
WRITE_TIME = timedelta(seconds=10)
FIRST_LOOK = timedelta(seconds=30)
LONGEST_LOOK = timedelta(minutes=15)
DISPUTE_LOOK = timedelta(hours=6)
SETTLED = frozenset({CheckoutStanding.PAID, CheckoutStanding.FAILED, CheckoutStanding.EXPIRED})

RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30)
)


@workflow.defn(name="Payment")
class PaymentWorkflow(Listening):
    """One purchase, until it is delivered, being paid back, or given up unpaid."""

    @workflow.init
    def __init__(self, start: PaymentInput) -> None:
        super().__init__()
        self._start = start
        self._payment = start.payment

    @workflow.run
    async def run(self, start: PaymentInput) -> PaymentState:
        """The purchase from its checkout on; returns the state that it ended in."""
        opened = await workflow.execute_activity_method(
            PaymentSteps.open,
            self._payment,
            start_to_close_timeout=CALL_TIME,
            retry_policy=RETRY,
            summary="Open the checkout",
        )
        if opened.refused is not None:
            return await self._end_unpaid(PaymentState.FAILED, opened.refused)
        if opened.free:
            return await self._deliver(None)
        self._show(PaymentState.AWAITING_PAYMENT)
        seen = await self._settled()
        if seen.standing is CheckoutStanding.FAILED and seen.subscription is not None:
            seen = await self._call_off(seen.subscription)
        if seen.standing is CheckoutStanding.PAID:
            return await self._deliver(seen)
        if seen.standing is CheckoutStanding.FAILED:
            return await self._end_unpaid(PaymentState.FAILED, "payment_failed")
        return await self._end_unpaid(PaymentState.EXPIRED, "time")

    async def _settled(self) -> Seen:
        """The checkout once it is paid, failed or closed.

        Looks at the provider whenever it says something, and by itself when it does not.
        """
        wait = timedelta(seconds=self._start.look_seconds)
        while True:
            left = self._start.expires_at - workflow.now()
            heard = await self.heard(min(wait, left) if left > timedelta(0) else wait)
            if not heard:
                wait = min(wait * 2, LONGEST_LOOK)
            seen = await self._look(over=workflow.now() >= self._start.expires_at)
            if seen.standing in SETTLED:
                return seen
            # Money may be on its way for weeks.
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._start)

    async def _look(self, *, over: bool) -> Seen:
        return await workflow.execute_activity_method(
            PaymentSteps.expire if over else PaymentSteps.look,
            self._payment,
            start_to_close_timeout=CALL_TIME,
            retry_policy=RETRY,
            summary="Close the checkout, if it is unpaid" if over else "Look at the checkout",
        )

    async def _call_off(self, subscription: str) -> Seen:
        return await workflow.execute_activity_method(
            PaymentSteps.call_off,
            BegunUnpaid(payment_id=self._payment.payment_id, subscription=subscription),
            start_to_close_timeout=CALL_TIME,
            retry_policy=RETRY,
            summary="End the subscription that was not paid",
        )

    async def _deliver(self, seen: Seen | None) -> PaymentState:
        paid = Paid(payment_id=self._payment.payment_id, seen=seen)
        delivery = await workflow.execute_activity_method(
            PaymentSteps.fulfil,
            paid,
            start_to_close_timeout=WRITE_TIME,
            retry_policy=RETRY,
            summary="Deliver what was bought",
        )
        state = delivery.state
        if delivery.unfulfillable is not None:
            state = await workflow.execute_activity_method(
                PaymentSteps.give_up,
                GivenUp(paid=paid, reason=delivery.unfulfillable),
                start_to_close_timeout=WRITE_TIME,
                retry_policy=RETRY,
                summary="Plan to pay back what cannot be delivered",
            )
        self._show(state)
        return state

    async def _end_unpaid(self, state: PaymentState, reason: str) -> PaymentState:
        ended = await workflow.execute_activity_method(
            PaymentSteps.end_unpaid,
            Ended(payment_id=self._payment.payment_id, state=state, reason=reason),
            start_to_close_timeout=WRITE_TIME,
            retry_policy=RETRY,
            summary="End the purchase unpaid",
        )
        self._show(ended)
        return ended

    def _show(self, state: PaymentState) -> None:
        workflow.upsert_search_attributes([attributes.STATE.value_set(state.value)])
        workflow.set_current_details(f"**{state}**")


@workflow.defn(name="Refund")
class RefundWorkflow:
    """One refund: paid back by the provider, then booked.

    It runs again whenever the provider tells of the refund, which may fail after it was booked.
    """

    @workflow.run
    async def run(self, start: RefundInput) -> RefundState:
        """The refund from beginning to end; returns the state that it ended in."""
        sent = await workflow.execute_activity_method(
            RefundSteps.send,
            start.refund,
            start_to_close_timeout=CALL_TIME,
            retry_policy=RETRY,
            summary="Have the provider pay back",
        )
        if sent.refused is not None:
            await workflow.execute_activity_method(
                RefundSteps.fail,
                RefundFailed(refund_id=start.refund.refund_id, failure=sent.refused),
                start_to_close_timeout=WRITE_TIME,
                retry_policy=RETRY,
                summary="Say that the provider refuses",
            )
            return RefundState.FAILED
        await workflow.execute_activity_method(
            RefundSteps.book,
            start.refund,
            start_to_close_timeout=WRITE_TIME,
            retry_policy=RETRY,
            summary="Book the refund",
        )
        return RefundState.DONE


@workflow.defn(name="Dispute")
class DisputeWorkflow(Listening):
    """One dispute: what was bought is held, then returned or taken. An inquiry may come before."""

    @workflow.init
    def __init__(self, start: DisputeInput) -> None:
        super().__init__()
        self._dispute = start.dispute

    @workflow.run
    async def run(self, start: DisputeInput) -> DisputeStanding:
        """The dispute from beginning to end; returns how it was decided."""
        seen = await self._look()
        if seen.standing is DisputeStanding.INQUIRY:
            await self._note(seen, "Say that the bank asks")
            seen = await self._no_more(seen, {DisputeStanding.INQUIRY})
        if seen.standing is DisputeStanding.DROPPED:
            await self._note(seen, "Say that it was dropped")
            return seen.standing
        await workflow.execute_activity_method(
            DisputeSteps.hold,
            self._about(seen),
            start_to_close_timeout=WRITE_TIME,
            retry_policy=RETRY,
            summary="Hold what was bought",
        )
        seen = await self._no_more(seen, UNDECIDED)
        await workflow.execute_activity_method(
            DisputeSteps.close,
            self._about(seen),
            start_to_close_timeout=WRITE_TIME,
            retry_policy=RETRY,
            summary="Return it or take it",
        )
        return seen.standing

    async def _no_more(
        self, seen: SeenDispute, standings: Collection[DisputeStanding]
    ) -> SeenDispute:
        """The dispute once it stands in none of these ways any more."""
        while seen.standing in standings:
            await self.heard(DISPUTE_LOOK)
            seen = await self._look()
        return seen

    async def _note(self, seen: SeenDispute, summary: str) -> None:
        await workflow.execute_activity_method(
            DisputeSteps.note,
            self._about(seen),
            start_to_close_timeout=WRITE_TIME,
            retry_policy=RETRY,
            summary=summary,
        )

    async def _look(self) -> SeenDispute:
        return await workflow.execute_activity_method(
            DisputeSteps.look,
            self._dispute,
            start_to_close_timeout=CALL_TIME,
            retry_policy=RETRY,
            summary="Look at the dispute",
        )

    def _about(self, seen: SeenDispute) -> DisputeSeen:
        return DisputeSeen(payment_id=self._dispute.payment_id, seen=seen)
