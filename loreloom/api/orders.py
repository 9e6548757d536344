"""Orders to a world's clock and weathers: Updates of workflows that are started if they are lost.

Nothing of a clock or a weather lies in its workflow's memory, so one that was lost can begin anew.
"""

import asyncio
import secrets
from typing import TypeVar

from pydantic import BaseModel
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy

from loreloom.activities.signatures.weather import Imposed
from loreloom.api.gate import Gate
from loreloom.api.http.errors import ApiError, ErrorCode, invalid
from loreloom.api.parts import ApiConfig
from loreloom.api.starting import clock_start, weather_start
from loreloom.api.temporal import outages, refusal_in
from loreloom.domain.clock import Clock, ClockChange
from loreloom.domain.ids import WorldId
from loreloom.state.starts import PlannedStart
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import ClearWeather, ImposeWeather

A = TypeVar("A", bound=BaseModel)


class Orders:
    """Hands orders to workflows, a few at once for each. Raises ``ApiError`` if none takes it."""

    def __init__(self, client: Client, config: ApiConfig) -> None:
        self._client = client
        self._queue = queue_of(Role.STORY, config.queue_prefix)
        self._seconds = config.act_seconds
        self._clocks = Gate(config.act_gate, "clock")
        self._skies = Gate(config.act_gate, "weather")

    async def change_clock(self, world_id: WorldId, order_id: str, change: ClockChange) -> Clock:
        """Change a clock, once for each order id; returns it as it goes on."""
        start = clock_start(world_id)
        return await self._give(self._clocks, start, "change", change, order_id, Clock)

    async def impose(self, world_id: WorldId, region: str, order: ImposeWeather) -> Imposed:
        """Make a weather."""
        start = weather_start(world_id, region)
        return await self._give(self._skies, start, "impose", order, _fresh_id(), Imposed)

    async def clear(self, world_id: WorldId, region: str, order: ClearWeather) -> Imposed:
        """End what was made."""
        start = weather_start(world_id, region)
        return await self._give(self._skies, start, "clear", order, _fresh_id(), Imposed)

    async def _give(
        self,
        gate: Gate,
        start: PlannedStart,
        update: str,
        order: BaseModel,
        order_id: str,
        answer: type[A],
    ) -> A:
        with gate.hold(start.workflow_id), outages():
            async with asyncio.timeout(self._seconds):
                try:
                    made: A = await self._client.execute_update_with_start_workflow(
                        update,
                        order,
                        id=order_id,
                        start_workflow_operation=WithStartWorkflowOperation(
                            start.workflow,
                            start.input,
                            id=start.workflow_id,
                            task_queue=self._queue,
                            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                        ),
                        result_type=answer,
                    )
                except WorkflowUpdateFailedError as error:
                    raise _not_taken(error) from error
        return made


def _not_taken(error: WorkflowUpdateFailedError) -> ApiError:
    refused = refusal_in(error)
    if refused is not None:
        # The one thing that the rules refuse: a world that is advanced past the end of its time.
        return invalid("advance_hours", refused.detail)
    return ApiError(
        ErrorCode.ACT_UNANSWERED,
        "the world has not answered; the order may still be carried out",
        retry_after=1,
    )


def _fresh_id() -> str:
    return f"order-{secrets.token_hex(8)}"
