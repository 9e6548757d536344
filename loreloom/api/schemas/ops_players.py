"""A player's data as ops take it out, and its erasure."""

from datetime import datetime
from typing import Literal

from loreloom.api.schemas.fields import Body, Data, Text, View
from loreloom.api.schemas.ops_export import WorkflowExport
from loreloom.domain.ids import PlayerId, WorldId

FORMAT: Literal["loreloom.player/1"] = "loreloom.player/1"


class PlayerExport(View):
    """All that is kept of a player. ``rows`` are the tables' own, by table.

    ``workflows`` are the newest of the player's stories with their histories; ``more_workflows``
    says that there are others.
    """

    format: Literal["loreloom.player/1"] = FORMAT
    exported_at: datetime
    world_id: WorldId
    player_id: PlayerId
    rows: dict[str, tuple[Data, ...]]
    workflows: tuple[WorkflowExport, ...]
    more_workflows: bool


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
