"""Reconciling our books with the provider's list."""

import logging
from datetime import UTC, datetime

from temporalio import activity

from loreloom.activities.signatures.payment import ReconciliationSteps
from loreloom.domain.reconciliation import Report, differences, refunds_elsewhere
from loreloom.payments.gateway import Gateway
from loreloom.state import fulfilments
from loreloom.state.booked import booked_payments
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
        # The provider's list comes first: what is paid while our books are read is in both.
        theirs = [payment async for payment in self._gateway.payments()]
        ours = await booked_payments(self._store)
        found = list(differences(ours, theirs, datetime.now(UTC)))
        for difference in found:
            log.warning(
                "%s: %s: ours: %s; theirs: %s",
                difference.payment_id, difference.kind, difference.ours, difference.theirs,
            )  # fmt: skip
        for payment_id, total in refunds_elsewhere(ours, theirs):
            await fulfilments.take_over_refund(self._store, payment_id, total)
        return Report(
            ours=len(ours), theirs=len(theirs), found=len(found), differences=tuple(found[:MOST])
        )
