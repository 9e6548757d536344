"""Every way that erasing a player can go, for its history."""

from collections.abc import AsyncIterator
from contextlib import suppress

from temporalio.client import (
    Client,
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowHistory,
)
from temporalio.worker import Worker

from loreloom.activities.erasure import ErasureActivities
from loreloom.activities.signatures.erasure import Erase
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.players import create_player
from loreloom.state.store import Store
from loreloom.state.worlds import create_world
from loreloom.workflows.erasure import ErasureWorkflow
from loreloom.workflows.signatures import ERASURE
from tests.builders import a_world_record
from tests.sandbox import SANDBOX

QUEUE = "record-erasure"
WORLD = WorldId("erasing")
WAYS = {"erased", "forgotten", "refused"}


async def walked(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """The history of each way, under its name."""
    await create_world(store, a_world_record(WORLD))
    assert await create_player(store, WORLD, PlayerId("mara"), "Mara", 1)
    steps = ErasureActivities(store, client)
    wish = Erase(world_id=WORLD, player_id=PlayerId("mara"), reason="asked for it", by="ops")
    # Its last step deletes the first run, whose history is kept before anybody serves that step.
    async with _worker(client, [steps.rows, steps.histories]):
        handle = await client.start_workflow(ERASURE, wish, id="erase/mara", task_queue=QUEUE)
        first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
        with suppress(WorkflowContinuedAsNewError):
            await first.result(follow_runs=False)
        yield "erased", await first.fetch_history()
    async with _worker(client, [steps.rows, steps.histories, steps.forget]):
        last = client.get_workflow_handle(handle.id)
        await last.result()
        yield "forgotten", await last.fetch_history()
        refused = await client.start_workflow(ERASURE, wish, id="erase/nobody", task_queue=QUEUE)
        with suppress(WorkflowFailureError):
            await refused.result()
        yield "refused", await refused.fetch_history()


def _worker(client: Client, activities: list[object]) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[ErasureWorkflow],
        activities=activities,  # type: ignore[arg-type]
        workflow_runner=SANDBOX,
    )
