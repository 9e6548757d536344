"""A player's data as ops take it out, and its erasure."""

from datetime import datetime
from typing import Literal

from loreloom.api.schemas.fields import Body, Data, Text, View
from loreloom.api.schemas.ops_export import WorkflowExport
from loreloom.domain.ids import PlayerId, WorldId

FORMAT: Literal["loreloom.player/1"] = "loreloom.player/1"


class PlayerExport(View):
    """All that is kept of a player. ``rows`` are the tables' own, by table.

    ``workflows`` are a hundred of the player's stories with their histories, newest first: those
    after ``workflows_after`` in the question. ``next`` is where the others begin.
    """

    format: Literal["loreloom.player/1"] = FORMAT
    exported_at: datetime
    world_id: WorldId
    player_id: PlayerId
    rows: dict[str, tuple[Data, ...]]
    workflows: tuple[WorkflowExport, ...]
    next: str | None


class EraseBody(Body):
    """Why a player is erased. With ``dry_run`` it is only said what would be."""

    reason: Text
    dry_run: bool = False


class ErasureView(View):
    """An erasure. ``rows`` counts by table what holds something of the player now.

    ``workflow_id`` is the workflow that erases, null for a dry run.
    """

    world_id: WorldId
    player_id: PlayerId
    dry_run: bool
    rows: dict[str, int]
    workflows: int
    workflow_id: str | None


class KeptErasureView(View):
    """Who erased a player when and why. Of the player there is only the pseudonym."""

    pseudonym: PlayerId
    world_id: WorldId
    reason: str
    by: str
    at: datetime


class ErasureList(View):
    """A page of erasures, newest first."""

    items: tuple[KeptErasureView, ...]
    next: str | None
