"""The activities by which ops end a quest, as their workflow calls them."""

from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from loreloom.activities.signatures.quest import QuestRef
from loreloom.domain.rewards import Reward


class SettlementModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Settle(SettlementModel):
    """How a quest is to end, what the player is given for it, by whom and why."""

    quest: QuestRef
    outcome: Literal["completed", "failed"]
    compensation: Reward
    by: str
    reason: str


class Settled(SettlementModel):
    """How it ended. ``told`` is the workflow of the arc that waited for the quest, if one did."""

    outcome: Literal["completed", "failed"]
    compensation: Reward
    chosen: str | None
    told: str | None


class NotSettled(SettlementModel):
    """Nothing was to be ended, and ``why``: an answer, since nothing is wrong with it."""

    why: str


class SettlementSteps(Protocol):
    """Ending a quest from outside. Each may run twice and changes the world once."""

    @activity.defn(name="quest_stop")
    async def stop(self, settle: Settle) -> None:
        """End the quest's own process, if it still runs."""
        raise NotImplementedError

    @activity.defn(name="quest_settle")
    async def settle(self, settle: Settle) -> Settled | NotSettled:
        """End the quest, give the compensation and tell of both in one transaction, once.

        A quest that has ended by itself stays as it is, and so does one that ops ended before: the
        answer is how they did then.
        """
        raise NotImplementedError
