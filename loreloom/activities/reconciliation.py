"""Reconciling our books with the provider's list."""

import logging
from datetime import UTC, datetime

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode

from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.signatures.payment import PROVIDER_SAID, ReconciliationSteps
from loreloom.domain.ids import PaymentId, payment_workflow_id, refund_workflow_id
from loreloom.domain.payment import ENDED_UNPAID, UNPAID, RefundState
from loreloom.domain.reconciliation import (
    Difference,
    DifferenceKind,
    Report,
    differences,
    refunds_elsewhere,
    refunds_missing,
)
from loreloom.payments.gateway import Gateway
from loreloom.state import fulfilments
from loreloom.state.listings import Listing, listing
from loreloom.state.payments import find_payment, refunds_of
from loreloom.state.store import Store

log = logging.getLogger(__name__)

MOST = 200
"""Differences that a report names: it must fit into a history."""
STUCK_ATTEMPTS = 3
"""After so many tries of a step a purchase is not on its way, but stuck."""


class ReconciliationActivities(ReconciliationSteps):
    """The one step of a reconciliation."""

    def __init__(self, store: Store, gateway: Gateway, client: Client) -> None:
        self._store = store
        self._gateway = gateway
        self._client = client

    @activity.defn(name="payments_reconcile")
    async def reconcile(self) -> Report:
        async with heartbeating(), listing(self._store) as theirs:
            # The provider's list comes first: what is paid while our books are read is in both.
            at = datetime.now(UTC)
            await fill(theirs, self._gateway)
            return await self._compared(theirs, at)

    async def _compared(self, theirs: Listing, at: datetime) -> Report:
        ours = found = 0
        named: list[Difference] = []
        async for books, listed in theirs.sides(at):
            ours += len(books.payments)
            for difference in differences(books, listed):
                if await self._is_on_its_way(difference):
                    continue
                found += 1
                named += [difference][: MOST - len(named)]
                log.warning(
                    "%s: %s: ours: %s; theirs: %s",
                    difference.payment_id, difference.kind, difference.ours, difference.theirs,
                )  # fmt: skip
            for payment_id, total in refunds_elsewhere(books.payments, listed.payments):
                await fulfilments.take_over_refund(self._store, payment_id, total)
            for payment_id, intent in refunds_missing(books.payments, listed):
                await self._return_failed_refunds(payment_id, intent)
        return Report(ours=ours, theirs=await theirs.count(), found=found, differences=tuple(named))

    async def _return_failed_refunds(self, payment_id: PaymentId, intent: str) -> None:
        for refund in await refunds_of(self._store, payment_id):
            if refund.state is RefundState.DONE:
                key = refund_workflow_id(refund.refund_id)
                failure = await self._gateway.failed_refund(intent, key)
                if failure is not None:
                    await fulfilments.return_refund(self._store, refund.refund_id, failure)

    async def _is_on_its_way(self, found: Difference) -> bool:
        """Whether money that is there is about to be delivered, or was since the books were read.

        The provider does not list when it came: a debit may have been begun days before.
        """
        if found.kind is not DifferenceKind.PAID_NOT_DELIVERED or found.payment_id is None:
            return False
        return await self._looks_again(found.payment_id) or await self._was_delivered(
            found.payment_id
        )

    async def _looks_again(self, payment_id: PaymentId) -> bool:
        """Whether the purchase's workflow still waits for the money; it is told to look.

        One that is stuck takes a word too, and would hear it only once it gets on.
        """
        handle = self._client.get_workflow_handle(payment_workflow_id(payment_id))
        try:
            await handle.signal(PROVIDER_SAID)
            return not _is_stuck(await handle.describe())
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False

    async def _was_delivered(self, payment_id: PaymentId) -> bool:
        record = await find_payment(self._store, payment_id)
        return record is not None and record.state not in UNPAID | ENDED_UNPAID


def _is_stuck(found: WorkflowExecutionDescription) -> bool:
    """Whether a step of a workflow, or its own task, fails again and again."""
    described = found.raw_description
    tries = [pending.attempt for pending in described.pending_activities]
    return max([*tries, described.pending_workflow_task.attempt]) >= STUCK_ATTEMPTS


async def fill(theirs: Listing, gateway: Gateway) -> None:
    """Add all that the provider lists."""
    async for charges in gateway.recurring.payments():
        await theirs.add_charges(charges)
    async for payments in gateway.payments():
        await theirs.add_payments(payments)
    async for disputes in gateway.disputes():
        await theirs.add_disputes(disputes)
