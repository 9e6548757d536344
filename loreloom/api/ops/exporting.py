"""Gathering one workflow into a file: its runs, its chronicle, its texts and its replays."""

from datetime import UTC, datetime

from temporalio.client import Client

from loreloom.api.history import entries_of
from loreloom.api.ops.replaying import replay_view
from loreloom.api.ops.steps import history_of
from loreloom.api.ops.stories import Stories
from loreloom.api.schemas.ops import StoryView
from loreloom.api.schemas.ops_export import ExportedRun, WorkflowExport
from loreloom.api.schemas.quests import GenerationView
from loreloom.state import replays
from loreloom.state.chronicle import Entry
from loreloom.state.generations import generations_of
from loreloom.state.store import Store

MOST_RUNS = 20
"""A clock's workflow goes on as a new run for as long as its world stands."""
MOST_REPLAYS = 1_000


async def export_of(
    store: Store, client: Client, stories: Stories, workflow_id: str
) -> WorkflowExport:
    """The workflow as it is now.

    Raises ``ApiError`` if there is no such workflow or Temporal is away.
    """
    story = await stories.find(workflow_id)
    runs, more = await stories.runs(story, MOST_RUNS)
    made = await generations_of(store, workflow_id)
    had = await replays.listed(store, workflow_id=workflow_id, after=None, limit=MOST_REPLAYS)
    return WorkflowExport(
        exported_at=datetime.now(UTC),
        workflow=story,
        runs=tuple([await _run(client, each) for each in runs]),
        earlier_runs=more,
        chronicle=await _chronicle(store, story),
        generations=tuple(
            GenerationView(
                generation_id=each.generation_id, purpose=each.purpose, record=each.record
            )
            for each in made
        ),
        replays=tuple(replay_view(kept) for kept in had.items),
    )


async def _run(client: Client, run: StoryView) -> ExportedRun:
    history = await history_of(client, run)
    return ExportedRun(
        run_id=run.run_id,
        started_at=run.started_at,
        closed_at=run.closed_at,
        history=history.to_json_dict(),
    )


async def _chronicle(store: Store, story: StoryView) -> tuple[Entry, ...]:
    if story.world_id is None:
        return ()
    return tuple(await entries_of(store, story.world_id, story.workflow_id))
