"""The floor of the worlds: a workflow that only sleeps until given moments, and writes nothing."""

import asyncio
import sys
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

with workflow.unsafe.imports_passed_through():
    from loreloom.workers.settings import Settings
    from loreloom.workers.temporal_connection import connect

QUEUE = "bare-timers"


@activity.defn
async def now() -> float:
    """The moment, in seconds since 1970: all that a bare wake does."""
    return time.time()


@workflow.defn(name="BareTimer")
class BareTimer:
    """Sleeps until each moment, in seconds since 1970; answers how late it woke, in seconds."""

    @workflow.run
    async def run(self, moments: list[float]) -> list[float]:
        late: list[float] = []
        for moment in moments:
            await workflow.sleep(max(0.001, moment - workflow.time()))
            woke = await workflow.execute_local_activity(
                now, start_to_close_timeout=timedelta(seconds=10)
            )
            late.append(woke - moment)
        return late


async def serve() -> None:
    """Serve the bare timers; the settings come from the environment."""
    worker = Worker(
        await connect(Settings()),
        task_queue=QUEUE,
        workflows=[BareTimer],
        activities=[now],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=10_000,
    )
    print("serving", flush=True)
    await worker.run()


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
