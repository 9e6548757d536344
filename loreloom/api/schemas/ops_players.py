"""A player's data as ops take it out, put it right and erase it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from loreloom.api.schemas.fields import Body, Data, Name, Text, View
from loreloom.api.schemas.ops_export import WorkflowExport
from loreloom.domain.ids import PlayerId, WorldId

MOST_EXPERIENCE = 1_000_000_000
MOST_COIN = 1_000_000_000_000
MOST_OF_A_THING = 1_000_000
MOST_STANDING = 1_000_000
MOST_NAMED = 20

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


class RepairBody(Body):
    """What is so of a player afterwards, and why; what is not named stays as it is."""

    reason: Text
    name: Name | None = None
    experience: Annotated[int, Field(ge=0, le=MOST_EXPERIENCE)] | None = None
    coin: Annotated[int, Field(ge=0, le=MOST_COIN)] | None = None
    items: dict[Name, Annotated[int, Field(ge=0, le=MOST_OF_A_THING)]] = Field(
        default_factory=dict, max_length=MOST_NAMED
    )
    standing: dict[Name, Annotated[int, Field(ge=-MOST_STANDING, le=MOST_STANDING)]] = Field(
        default_factory=dict, max_length=MOST_NAMED
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_dump(exclude={"reason"}, exclude_defaults=True):
            raise ValueError("name at least one of name, experience, coin, items and standing")
        return self


class RepairView(View):
    """A repair: what was named in it, as it stood before and stands since."""

    repair_id: str
    before: Data
    after: Data
    reason: str
    by: str
    at: datetime


class RepairList(View):
    """A player's repairs, the newest first."""

    items: tuple[RepairView, ...]


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
