"""Records the histories that the replay tests replay: every way that a workflow can go.

Run ``python -m tests.histories.record`` once for each release, before it: the files then stand for
the stories that are running when the next release is deployed, and are never recorded anew. With
names of workflows it records these only, and with ``--into`` into another folder.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import Client, WorkflowHistory

import loreloom
from loreloom.state.store import Store
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.temporal_connection import connect
from tests.histories import (
    arcs,
    clocks,
    erasures,
    ingestions,
    payments,
    quests,
    settlements,
    weathers,
    whatifs,
)
from tests.histories.replaying import HISTORIES
from tests.support.servers import settings_for_tests

EARLY = "limit.historyCount.suggestContinueAsNew=80"
"""Above every way that is to end by itself, so that only those that go on for ever are cut."""

Walked = Callable[[Client, Store], AsyncIterator[tuple[str, WorkflowHistory]]]
WORKFLOWS: dict[str, Walked] = {
    "quest": quests.walked,
    "arc": arcs.walked,
    "ingestion": ingestions.walked,
    "weather": weathers.walked,
    "clock": clocks.walked,
    "settlement": settlements.walked,
    "erasure": erasures.walked,
    "whatif": whatifs.walked,
    **{workflow: payments.walked(workflow) for workflow in payments.WAYS},
}


@asynccontextmanager
async def parts() -> AsyncIterator[tuple[Client, Store]]:
    """A database and a Temporal server that suggests early to continue as new."""
    folder = Path(tempfile.mkdtemp(prefix="loreloom-histories-"))
    stack = Stack(
        settings_for_tests(folder),
        parts=[PartName.POSTGRES, PartName.TEMPORAL],
        temporal_dynamic=[EARLY],
    )
    with stack:
        store = Store(stack.settings.required_database_url())
        yield await connect(stack.settings), store
        await store.close()


async def record(release: str, workflows: Sequence[str], into: Path) -> None:
    """Write one history for each way of each workflow that has none of this release."""
    async with parts() as (client, store):
        for workflow in workflows:
            walked, folder = WORKFLOWS[workflow], into / workflow / release
            if folder.exists():
                continue
            folder.mkdir(parents=True)
            async for name, history in walked(client, store):
                # A server that skips time does not say in a history whose it is.
                started = history.events[0].workflow_execution_started_event_attributes
                started.workflow_id = history.workflow_id
                text = json.dumps(json.loads(history.to_json()), indent=1)
                (folder / f"{name}.json").write_text(text + "\n")
                print(f"{workflow}/{name}: {len(history.events)} events")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workflows", nargs="*", metavar="workflow", help=", ".join(WORKFLOWS))
    parser.add_argument("--into", type=Path, default=HISTORIES)
    asked = parser.parse_args()
    names = asked.workflows or list(WORKFLOWS)
    asyncio.run(record(loreloom.__version__, names, asked.into))
