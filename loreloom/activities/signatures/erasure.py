"""The activities by which a player is erased, as their workflow calls them."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from loreloom.domain.ids import PlayerId, WorldId


class ErasureModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Erase(ErasureModel):
    """Whom to erase, why, and who asked for it."""

    world_id: WorldId
    player_id: PlayerId
    reason: str
    by: str


class Renamed(ErasureModel):
    """Whom to erase, and the name under which what has to stay is kept."""

    erase: Erase
    pseudonym: PlayerId


class Left(ErasureModel):
    """Workflows whose histories are to be deleted, beside all that Temporal lists."""

    erase: Erase
    workflow_ids: tuple[str, ...]


class Run(ErasureModel):
    """One run of a workflow."""

    workflow_id: str
    run_id: str


class ErasureSteps(Protocol):
    """Erasing a player. Each step may run twice and changes the world once."""

    @activity.defn(name="erasure_rows")
    async def rows(self, renamed: Renamed) -> tuple[str, ...]:
        """Erase the rows in one transaction; the workflows that told of the player.

        Fails for good if something is owed or there is no such player.
        """
        raise NotImplementedError

    @activity.defn(name="erasure_histories")
    async def histories(self, left: Left) -> int:
        """Delete the histories of the player's workflows; how many runs there were."""
        raise NotImplementedError

    @activity.defn(name="erasure_forget")
    async def forget(self, run: Run) -> None:
        """Delete the history of one run, if it is still there."""
        raise NotImplementedError
