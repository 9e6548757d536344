"""A player's data, whole: taken out as a file, and erased."""

import hashlib
from datetime import UTC, datetime

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from loreloom.activities.signatures.erasure import Erase
from loreloom.api.http.cursors import to_cursor
from loreloom.api.http.errors import ApiError, ErrorCode, invalid
from loreloom.api.ops.exporting import export_of
from loreloom.api.ops.stories import Stories
from loreloom.api.parts import AppParts
from loreloom.api.schemas.ops_export import WorkflowExport
from loreloom.api.schemas.ops_players import EraseBody, ErasureView, PlayerExport
from loreloom.api.temporal import outages
from loreloom.domain.ids import erasure_workflow_id
from loreloom.state import personal
from loreloom.state.paging import Page, page_of
from loreloom.state.personal import StillOwes, Whose
from loreloom.state.store import Store
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import ERASURE

CURSOR = "player-workflows"
MOST_WORKFLOWS = 100


async def export_player(
    store: Store, client: Client, stories: Stories, whose: Whose, after: str | None
) -> PlayerExport:
    """All that is kept of the player now, of the workflows those after one.

    Raises ``ApiError`` if the player has no workflow ``after``, or if Temporal is away.
    """
    rows = await personal.rows_of(store, whose)
    known = await personal.workflows_of(store, whose)
    # What ops did for the player is in no table of the player's, and found by its attributes.
    listed = await stories.of_player(whose.world_id, whose.player_id)
    page = _after(list(dict.fromkeys((*known, *listed))), after)
    exported = [await _export(store, client, stories, each) for each in page.items]
    return PlayerExport(
        exported_at=datetime.now(UTC),
        world_id=whose.world_id,
        player_id=whose.player_id,
        rows={name: tuple(found) for name, found in rows.items()},
        workflows=tuple(each for each in exported if each is not None),
        next=to_cursor(CURSOR, page.next),
    )


def _after(workflow_ids: list[str], after: str | None) -> Page[str]:
    if after is not None and after not in workflow_ids:
        raise invalid("workflows_after", "the player has no such workflow")
    first = 0 if after is None else workflow_ids.index(after) + 1
    found = workflow_ids[first : first + MOST_WORKFLOWS + 1]
    return page_of(found, MOST_WORKFLOWS, lambda workflow_id: workflow_id)


async def erase_player(parts: AppParts, whose: Whose, body: EraseBody, by: str) -> ErasureView:
    """Begin to erase the player, or say what would be erased.

    Raises ``ApiError`` while money or goods are on their way, or if Temporal is away.
    """
    try:
        await personal.require_nothing_owed(parts.store, whose)
    except StillOwes as owes:
        raise ApiError(ErrorCode.PLAYER_OWES, str(owes)) from owes
    rows = await personal.counts_of(parts.store, whose)
    workflows = await personal.workflows_of(parts.store, whose)
    return ErasureView(
        world_id=whose.world_id,
        player_id=whose.player_id,
        dry_run=body.dry_run,
        rows=rows,
        workflows=len(workflows),
        workflow_id=None if body.dry_run else await _begin(parts, whose, body.reason, by),
    )


async def _begin(parts: AppParts, whose: Whose, reason: str, by: str) -> str:
    # Of the player's id only a hash: the erasure's own id stays where it is listed.
    named = hashlib.sha256(f"{whose.world_id}/{whose.player_id}".encode()).hexdigest()[:24]
    workflow_id = erasure_workflow_id(named)
    with outages():
        await parts.temporal.start_workflow(
            ERASURE,
            Erase(world_id=whose.world_id, player_id=whose.player_id, reason=reason, by=by),
            id=workflow_id,
            task_queue=queue_of(Role.STORY, parts.config.queue_prefix),
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="A player is erased",
        )
    return workflow_id


async def _export(
    store: Store, client: Client, stories: Stories, workflow_id: str
) -> WorkflowExport | None:
    """The workflow, unless it has not begun or Temporal keeps it no more."""
    try:
        return await export_of(store, client, stories, workflow_id)
    except ApiError as error:
        if error.code is not ErrorCode.UNKNOWN_WORKFLOW:
            raise
        return None
