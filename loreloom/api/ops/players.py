"""A player's data, whole: taken out as a file, and erased."""

import hashlib
from datetime import UTC, datetime

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from loreloom.activities.signatures.erasure import Erase
from loreloom.api.errors import ApiError, ErrorCode
from loreloom.api.ops.exporting import export_of
from loreloom.api.ops.stories import Stories
from loreloom.api.parts import AppParts
from loreloom.api.schemas.ops_export import WorkflowExport
from loreloom.api.schemas.ops_players import EraseBody, ErasureView, PlayerExport
from loreloom.api.temporal import outages
from loreloom.domain.ids import erasure_workflow_id
from loreloom.state import personal
from loreloom.state.personal import StillOwes, Whose
from loreloom.state.store import Store
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import ERASURE

MOST_WORKFLOWS = 100


async def export_player(
    store: Store, client: Client, stories: Stories, whose: Whose
) -> PlayerExport:
    """All that is kept of the player now."""
    rows = await personal.rows_of(store, whose)
    workflow_ids = await personal.workflows_of(store, whose)
    newest = workflow_ids[-MOST_WORKFLOWS:]
    exported = [await _export(store, client, stories, each) for each in newest]
    return PlayerExport(
        exported_at=datetime.now(UTC),
        world_id=whose.world_id,
        player_id=whose.player_id,
        rows={name: tuple(found) for name, found in rows.items()},
        workflows=tuple(each for each in exported if each is not None),
        more_workflows=len(workflow_ids) > MOST_WORKFLOWS,
    )


async def erase_player(parts: AppParts, whose: Whose, body: EraseBody) -> ErasureView:
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
        workflow_id=None if body.dry_run else await _begin(parts, whose, body.reason),
    )


async def _begin(parts: AppParts, whose: Whose, reason: str) -> str:
    # Of the player's id only a hash: the erasure's own id stays where it is listed.
    named = hashlib.sha256(f"{whose.world_id}/{whose.player_id}".encode()).hexdigest()[:24]
    workflow_id = erasure_workflow_id(named)
    with outages():
        await parts.temporal.start_workflow(
            ERASURE,
            Erase(world_id=whose.world_id, player_id=whose.player_id, reason=reason),
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
