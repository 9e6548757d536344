"""A player who is erased: the rows, then the histories, also if somebody dies in between."""

from datetime import timedelta
from typing import NoReturn

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.erasure import Erase, ErasureSteps, Left, Renamed, Run
    from loreloom.domain.ids import PlayerId
    from loreloom.workflows.signatures import ERASURE, Erased

ROWS_TIME = timedelta(minutes=1)
HISTORIES_TIME = timedelta(minutes=30)
HEARTBEAT = timedelta(seconds=30)
RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30)
)
PAUSE = timedelta(seconds=2)
"""Temporal lists a run, and forgets a deleted one, a moment after the fact."""
MOST_LOOKS = 150


@workflow.defn(name=ERASURE)
class ErasureWorkflow:
    """Erases one player. What is left of the erasure itself does not name the player either."""

    @workflow.run
    async def run(self, wish: Erase | Erased) -> Erased:
        """Under which pseudonym the rest is kept, and how many runs were deleted."""
        if isinstance(wish, Erase):
            await self._erase(wish)
        return await self._forget(wish)

    async def _erase(self, erase: Erase) -> NoReturn:
        # Of the run that was there first: a reset would draw another name for the same player.
        first = workflow.info().original_execution_run_id
        pseudonym = PlayerId(f"erased_{first.replace('-', '')}")
        workflow_ids = await workflow.execute_activity_method(
            ErasureSteps.rows,
            Renamed(erase=erase, pseudonym=pseudonym),
            start_to_close_timeout=ROWS_TIME,
            retry_policy=RETRY,
            summary="Erase the player's rows",
        )
        left = Left(erase=erase, workflow_ids=workflow_ids)
        runs = await self._delete_histories(left)
        workflow.continue_as_new(
            Erased(pseudonym=pseudonym, runs=runs, told_in=workflow.info().run_id)
        )

    async def _delete_histories(self, left: Left) -> int:
        """Until nothing is listed any more."""
        deleted = 0
        for _ in range(MOST_LOOKS):
            found = await workflow.execute_activity_method(
                ErasureSteps.histories,
                left,
                start_to_close_timeout=HISTORIES_TIME,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=RETRY,
                summary="Delete the histories",
            )
            if found == 0:
                return deleted
            deleted = max(deleted, found)
            await workflow.sleep(PAUSE)
        raise ApplicationError("Temporal still lists histories of the player", non_retryable=True)

    async def _forget(self, erased: Erased) -> Erased:
        """The run before this one named the player."""
        await workflow.execute_activity_method(
            ErasureSteps.forget,
            Run(workflow_id=workflow.info().workflow_id, run_id=erased.told_in),
            start_to_close_timeout=ROWS_TIME,
            retry_policy=RETRY,
            summary="Delete what told of the erasure",
        )
        return erased
