"""Orders to the weather: an Update of the region's workflow, which is started if it is not there.

Nothing of a region's weather lies in its workflow's memory, so one that was lost can begin anew.
"""

import asyncio
import logging
import secrets

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy

from loreloom.activities.signatures.weather import Imposed
from loreloom.api.errors import ApiError, ErrorCode
from loreloom.api.gate import Gate
from loreloom.api.parts import ApiConfig
from loreloom.api.starting import weather_start
from loreloom.api.temporal import outages
from loreloom.domain.ids import WorldId
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import ClearWeather, ImposeWeather

log = logging.getLogger(__name__)


class WeatherOrders:
    """Hands orders to the regions' workflows, a few at once for each."""

    def __init__(self, client: Client, config: ApiConfig) -> None:
        self._client = client
        self._queue = queue_of(Role.STORY, config.queue_prefix)
        self._seconds = config.act_seconds
        self._gate = Gate(config.act_gate)

    async def impose(self, world_id: WorldId, region: str, order: ImposeWeather) -> Imposed:
        """Make a weather. Raises ``ApiError`` if nobody takes the order."""
        return await self._order(world_id, region, "impose", order)

    async def clear(self, world_id: WorldId, region: str, order: ClearWeather) -> Imposed:
        """End what was made. Raises ``ApiError`` if nobody takes the order."""
        return await self._order(world_id, region, "clear", order)

    async def _order(
        self, world_id: WorldId, region: str, update: str, order: ImposeWeather | ClearWeather
    ) -> Imposed:
        start = weather_start(world_id, region)
        with self._gate.hold(start.workflow_id), outages():
            async with asyncio.timeout(self._seconds):
                try:
                    made: Imposed = await self._client.execute_update_with_start_workflow(
                        update,
                        order,
                        id=f"order-{secrets.token_hex(8)}",
                        start_workflow_operation=WithStartWorkflowOperation(
                            start.workflow,
                            start.input,
                            id=start.workflow_id,
                            task_queue=self._queue,
                            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                        ),
                        result_type=Imposed,
                    )
                except WorkflowUpdateFailedError as error:
                    log.warning("an order ended without an answer: %s", error.cause)
                    raise ApiError(
                        ErrorCode.ACT_UNANSWERED,
                        "the region's weather has not answered; it may still be made",
                        retry_after=1,
                    ) from error
        return made
