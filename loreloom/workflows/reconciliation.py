"""A reconciliation: nightly by a schedule, or when ops ask for one."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.payment import ReconciliationSteps
    from loreloom.domain.reconciliation import Report

TIME = timedelta(hours=2)
"""For one attempt; a worker that dies meanwhile is noticed by its heartbeats."""
IN_ALL = timedelta(hours=8)
"""After so long it has failed, and ops are shown that; the next night finds it out of the way."""
SILENCE = timedelta(seconds=30)
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))


@workflow.defn(name="Reconciliation")
class ReconciliationWorkflow:
    """Compares ledger, entitlements and the provider's own list."""

    @workflow.run
    async def run(self) -> Report:
        """Each difference, with what either side says."""
        return await workflow.execute_activity_method(
            ReconciliationSteps.reconcile,
            start_to_close_timeout=TIME,
            schedule_to_close_timeout=IN_ALL,
            heartbeat_timeout=SILENCE,
            retry_policy=RETRY,
            summary="Compare the books with the provider's list",
        )
