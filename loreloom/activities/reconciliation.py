"""Reconciling our books with the provider's list."""

import logging
from datetime import UTC, datetime

from temporalio import activity

from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.signatures.payment import ReconciliationSteps
from loreloom.domain.reconciliation import Books, Listed, Report, differences, refunds_elsewhere
from loreloom.payments.gateway import Gateway
from loreloom.state import fulfilments
from loreloom.state.booked import books
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
        async with heartbeating():
            # The provider's list comes first: what is paid while our books are read is in both.
            theirs = await self._listed()
            ours = await books(self._store)
            return await self._compared(ours, theirs)

    async def _listed(self) -> Listed:
        return Listed(
            at=datetime.now(UTC),
            payments=tuple([payment async for payment in self._gateway.payments()]),
            disputes=tuple([dispute async for dispute in self._gateway.disputes()]),
        )

    async def _compared(self, ours: Books, theirs: Listed) -> Report:
        found = list(differences(ours, theirs))
        for difference in found:
            log.warning(
                "%s: %s: ours: %s; theirs: %s",
                difference.payment_id, difference.kind, difference.ours, difference.theirs,
            )  # fmt: skip
        for payment_id, total in refunds_elsewhere(ours.payments, theirs.payments):
            await fulfilments.take_over_refund(self._store, payment_id, total)
        return Report(
            ours=len(ours.payments),
            theirs=len(theirs.payments),
            found=len(found),
            differences=tuple(found[:MOST]),
        )
