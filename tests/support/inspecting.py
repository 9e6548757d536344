"""What an inspector reads of a workflow in Temporal's own UI, which asks the server the same."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client


@dataclass(frozen=True)
class Inspected:
    """A workflow as it is shown: its summary, what it is found by, and where it says it stands."""

    summary: str | None
    found_by: Mapping[str, object]
    details: str


async def inspected(client: Client, workflow_id: str) -> Inspected:
    """A workflow as it is shown now; a worker must serve it."""
    handle = client.get_workflow_handle(workflow_id)
    described = await handle.describe()
    told = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    own = (pair for pair in described.typed_search_attributes if "Loreloom" in pair.key.name)
    return Inspected(
        summary=await described.static_summary(),
        found_by={pair.key.name.removeprefix("Loreloom"): pair.value for pair in own},
        details=told.current_details,
    )


async def shows(client: Client, workflow_id: str, expected: Inspected) -> None:
    """Wait until a workflow is shown so: what it writes down is there before its task ends."""
    deadline = time.monotonic() + 20
    while (seen := await inspected(client, workflow_id)) != expected:
        assert time.monotonic() < deadline, f"it shows {seen}"
        await asyncio.sleep(0.05)
