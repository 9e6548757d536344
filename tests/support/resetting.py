"""A workflow that goes on anew from a task of its past, as ops may ask for."""

import uuid
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle


async def completed_tasks(handle: WorkflowHandle[Any, Any]) -> list[int]:
    """The events of a workflow's history that it can be reset to, in order."""
    return [
        event.event_id
        async for event in handle.fetch_history_events()
        if event.HasField("workflow_task_completed_event_attributes")
    ]


async def reset(client: Client, handle: WorkflowHandle[Any, Any], event_id: int) -> None:
    """Reset a workflow to an event; what it was told since is applied again."""
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(
                workflow_id=handle.id, run_id=(await handle.describe()).run_id
            ),
            reason="a test",
            workflow_task_finish_event_id=event_id,
            request_id=str(uuid.uuid4()),
        )
    )
