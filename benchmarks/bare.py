"""The floor of the acts: a workflow that only takes Updates, and writes nothing down."""

import asyncio
import sys

from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

with workflow.unsafe.imports_passed_through():
    from loreloom.workers.settings import Settings
    from loreloom.workers.temporal_connection import connect

QUEUE = "bare"


@workflow.defn(name="Bare")
class Bare:
    """Counts Updates until it is terminated."""

    def __init__(self) -> None:
        self._count = 0

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def push(self) -> int:
        self._count += 1
        return self._count


async def serve() -> None:
    """Serve the bare workflow; the settings come from the environment."""
    client = await connect(Settings())
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Bare],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=1000,
    )
    print("serving", flush=True)
    await worker.run()


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
