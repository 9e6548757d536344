"""Handling what the provider told: whoever waits for it is told to look."""

import logging
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loreloom.activities.signatures.payment import PROVIDER_SAID, DisputeRef, RefundRef
from loreloom.activities.signatures.subscription import SubscriptionRef
from loreloom.api.http.errors import ApiError
from loreloom.api.launch import Launcher
from loreloom.api.temporal import outages
from loreloom.domain.ids import (
    DisputeId,
    PaymentId,
    SubscriptionId,
    dispute_workflow_id,
    payment_workflow_id,
    refund_workflow_id,
    subscription_workflow_id,
)
from loreloom.domain.payment import RefundState
from loreloom.domain.provider import ToldEvent
from loreloom.state.disputes import plan_dispute
from loreloom.state.payments import find_payment, payment_of_intent, refunds_of
from loreloom.state.provider_events import UNKNOWN_PAYMENT, mark_handled, unhandled_events
from loreloom.state.starts import PlannedStart
from loreloom.state.store import Store
from loreloom.state.subscriptions import find_subscription
from loreloom.workflows.signatures import (
    DISPUTE,
    REFUND,
    SUBSCRIPTION,
    DisputeInput,
    RefundInput,
    SubscriptionInput,
)

log = logging.getLogger(__name__)

OVERDUE = timedelta(seconds=3)
SWEEP_LIMIT = 50
ABOUT_PAYMENTS = ("checkout.session.", "payment_intent.")
ABOUT_SUBSCRIPTIONS = ("invoice.", "customer.subscription.")
ABOUT_DISPUTES = "charge.dispute."
ABOUT_REFUNDS = ("refund.failed", "refund.updated", "charge.refund.updated")
PAID = "invoice.paid"
TOLD, NOBODY_WAITS = "told", "nobody_waits"


class Events:
    """Handles stored events, each as often as need be: handling one again is harmless."""

    def __init__(self, store: Store, client: Client, launcher: Launcher) -> None:
        self._store = store
        self._client = client
        self._launcher = launcher

    async def handle(self, told: ToldEvent) -> bool:
        """Handle an event and mark it. ``False`` if a part is away: the next sweep does it."""
        try:
            outcome = await self._outcome(told)
        except ApiError as error:
            log.warning("%s waits for a sweep: %s", told.event_id, error.detail)
            return False
        await mark_handled(self._store, told.event_id, outcome)
        return True

    async def sweep(self) -> int:
        """Handle what was stored and is still to be handled; returns how many."""
        handled = 0
        for told in await unhandled_events(self._store, OVERDUE, SWEEP_LIMIT):
            if not await self.handle(told):
                break
            handled += 1
        return handled

    async def _outcome(self, told: ToldEvent) -> str:
        if told.kind.startswith(ABOUT_DISPUTES) and told.dispute_id is not None:
            return await self._dispute(told, told.dispute_id)
        if told.kind in ABOUT_REFUNDS:
            return await self._refunds(told)
        if told.kind.startswith(ABOUT_PAYMENTS):
            return await self._payment(told)
        if told.kind.startswith(ABOUT_SUBSCRIPTIONS) and told.subscription_id is not None:
            return await self._subscription(told, told.subscription_id)
        return "unknown_kind"

    async def _payment(self, told: ToldEvent) -> str:
        payment_id = await self._payment_id(told)
        if payment_id is None:
            return UNKNOWN_PAYMENT
        return await self._tell(payment_workflow_id(payment_id))

    async def _subscription(self, told: ToldEvent, subscription_id: SubscriptionId) -> str:
        workflow_id = subscription_workflow_id(subscription_id)
        outcome = await self._tell(workflow_id)
        if outcome != NOBODY_WAITS or told.kind != PAID:
            return outcome
        found = await find_subscription(self._store, subscription_id)
        if found is None:
            return outcome
        # It has ended, and was paid all the same: what is booked nowhere is looked for once more.
        about = SubscriptionRef(subscription_id=subscription_id)
        given = SubscriptionInput(subscription=about, grace=found.quote.grace)
        start = PlannedStart(
            workflow_id=workflow_id,
            workflow=SUBSCRIPTION,
            input=given.model_dump(mode="json"),
        )
        await self._launcher.run_again(start)
        return TOLD

    async def _dispute(self, told: ToldEvent, dispute_id: DisputeId) -> str:
        payment_id = await self._payment_id(told)
        if payment_id is None:
            return UNKNOWN_PAYMENT
        workflow_id = dispute_workflow_id(dispute_id)
        ref = DisputeRef(dispute_id=dispute_id, payment_id=payment_id)
        start = PlannedStart(
            workflow_id=workflow_id,
            workflow=DISPUTE,
            input=DisputeInput(dispute=ref).model_dump(mode="json"),
        )
        await plan_dispute(self._store, dispute_id, payment_id, start)
        await self._launcher.launch(start)
        return await self._tell(workflow_id)

    async def _refunds(self, told: ToldEvent) -> str:
        """Those of ours that are booked are looked at again: one may have failed since."""
        payment_id = await self._payment_id(told)
        if payment_id is None:
            return UNKNOWN_PAYMENT
        refunds = await refunds_of(self._store, payment_id)
        booked = [
            each.refund_id for each in refunds if each.is_ours and each.state is RefundState.DONE
        ]
        for refund_id in booked:
            start = PlannedStart(
                workflow_id=refund_workflow_id(refund_id),
                workflow=REFUND,
                input=RefundInput(refund=RefundRef(refund_id=refund_id)).model_dump(mode="json"),
            )
            await self._launcher.run_again(start)
        return TOLD if booked else NOBODY_WAITS

    async def _payment_id(self, told: ToldEvent) -> PaymentId | None:
        if told.payment_id is not None:
            found = await find_payment(self._store, told.payment_id)
        elif told.intent is not None:
            found = await payment_of_intent(self._store, told.intent)
        else:
            found = None
        return found.payment_id if found else None

    async def _tell(self, workflow_id: str) -> str:
        try:
            with outages():
                await self._client.get_workflow_handle(workflow_id).signal(PROVIDER_SAID)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return NOBODY_WAITS
        return TOLD
