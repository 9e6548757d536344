"""A quest that ops end: with an outcome that is said, and what the player is given for it."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.arc import QuestEnded
    from loreloom.activities.signatures.settlement import (
        NotSettled,
        Settle,
        Settled,
        SettlementSteps,
    )
    from loreloom.domain.quest import QuestState
    from loreloom.workflows.signatures import SETTLEMENT

TIME = timedelta(seconds=30)
RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
)


@workflow.defn(name=SETTLEMENT)
class SettlementWorkflow:
    """Ends one quest. The process goes first, so that nothing is played on meanwhile."""

    @workflow.run
    async def run(self, settle: Settle) -> Settled | NotSettled:
        """How the quest ended, or why ops could not end it."""
        await workflow.execute_activity_method(
            SettlementSteps.stop,
            settle,
            start_to_close_timeout=TIME,
            retry_policy=RETRY,
            summary="End the quest's own process",
        )
        settled = await workflow.execute_activity_method(
            SettlementSteps.settle,
            settle,
            start_to_close_timeout=TIME,
            retry_policy=RETRY,
            summary="End the quest and give the compensation",
        )
        if isinstance(settled, Settled):
            await self._tell_the_arc(settle, settled)
        return settled

    async def _tell_the_arc(self, settle: Settle, settled: Settled) -> None:
        if settled.told is None:
            return
        end = QuestEnded(
            quest_id=settle.quest.quest_id,
            state=QuestState(settled.outcome),
            chosen=settled.chosen,
        )
        try:
            await workflow.get_external_workflow_handle(settled.told).signal("quest_ended", end)
        except FailureError as error:
            # The arc is over by now; nothing hangs on it.
            workflow.logger.info("%s heard nothing of the end: %s", settled.told, error)
