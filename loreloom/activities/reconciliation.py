"""Reconciling our books with the provider's list."""

import logging
from datetime import UTC, datetime

from temporalio import activity

from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.signatures.payment import ReconciliationSteps
from loreloom.domain.reconciliation import Difference, Report, differences, refunds_elsewhere
from loreloom.payments.gateway import Gateway
from loreloom.state import fulfilments
from loreloom.state.listings import Listing, listing
from loreloom.state.store import Store

log = logging.getLogger(__name__)

MOST = 200
"""Differences that a report names: it must fit into a history."""


class ReconciliationActivities(ReconciliationSteps):
    """The one step of a reconciliation."""

    def __init__(self, store: Store, gateway: Gateway) -> None:
        self._store = store
        self._gateway = gateway

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
                found += 1
                named += [difference][: MOST - len(named)]
                log.warning(
                    "%s: %s: ours: %s; theirs: %s",
                    difference.payment_id, difference.kind, difference.ours, difference.theirs,
                )  # fmt: skip
            for payment_id, total in refunds_elsewhere(books.payments, listed.payments):
                await fulfilments.take_over_refund(self._store, payment_id, total)
        return Report(ours=ours, theirs=await theirs.count(), found=found, differences=tuple(named))


async def fill(theirs: Listing, gateway: Gateway) -> None:
    """Add all that the provider lists."""
    async for charges in gateway.recurring.payments():
        await theirs.add_charges(charges)
    async for payments in gateway.payments():
        await theirs.add_payments(payments)
    async for disputes in gateway.disputes():
        await theirs.add_disputes(disputes)
