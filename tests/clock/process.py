"""A worker of clocks in a process of its own, so that a test can kill it.

``python -m tests.clock.process ADDRESS NAMESPACE DATABASE PREFIX``. It says ``ready`` once it has
loaded everything, and serves when it is given a line.
"""

import asyncio
import sys
from datetime import timedelta

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from loreloom.activities.clock import ClockActivities
from loreloom.state.store import Store
from loreloom.workflows.clock import WorldClockWorkflow
from loreloom.workflows.roles import Role, queue_of
from tests.clock.stage import CountingLife


async def serve(address: str, namespace: str, database: str, prefix: str) -> None:
    """Serve until the process is killed."""
    client = await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter
    )
    worker = Worker(
        client,
        task_queue=queue_of(Role.STORY, prefix),
        workflows=[WorldClockWorkflow],
        activities=[*ClockActivities(Store(database)).all(), CountingLife().live],
        workflow_runner=UnsandboxedWorkflowRunner(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
    )
    await worker.run()


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(serve(*sys.argv[1:]))
