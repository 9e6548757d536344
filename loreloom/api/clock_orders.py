"""Orders to a world's clock: an Update of its workflow, which is started if it is not there.

Nothing of a clock lies in its workflow's memory, so one that was lost can begin anew.
"""

import asyncio
import logging

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError

from loreloom.api.errors import ApiError, ErrorCode, invalid
from loreloom.api.gate import Gate
from loreloom.api.parts import ApiConfig
from loreloom.api.starting import clock_start
from loreloom.api.temporal import outages
from loreloom.domain.clock import Clock, ClockChange
from loreloom.domain.ids import WorldId
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import REFUSED

log = logging.getLogger(__name__)


class ClockOrders:
    """Hands orders to the worlds' clocks, a few at once for each."""

    def __init__(self, client: Client, config: ApiConfig) -> None:
        self._client = client
        self._queue = queue_of(Role.STORY, config.queue_prefix)
        self._seconds = config.act_seconds
        self._gate = Gate(config.act_gate)

    async def change(self, world_id: WorldId, order_id: str, change: ClockChange) -> Clock:
        """Change a clock, once for each order id. Raises ``ApiError`` if nobody takes the order."""
        start = clock_start(world_id)
        with self._gate.hold(start.workflow_id), outages():
            async with asyncio.timeout(self._seconds):
                try:
                    clock: Clock = await self._client.execute_update_with_start_workflow(
                        "change",
                        change,
                        id=order_id,
                        start_workflow_operation=WithStartWorkflowOperation(
                            start.workflow,
                            start.input,
                            id=start.workflow_id,
                            task_queue=self._queue,
                            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                        ),
                        result_type=Clock,
                    )
                except WorkflowUpdateFailedError as error:
                    raise _refusal(error) from error
        return clock


def _refusal(error: WorkflowUpdateFailedError) -> ApiError:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == REFUSED:
        return invalid("advance_hours", cause.message)
    log.warning("an order ended without an answer: %s", cause)
    return ApiError(
        ErrorCode.ACT_UNANSWERED,
        "the world's clock has not answered; the change may still be made",
        retry_after=1,
    )
