"""The activity by which a world lives its days, as the clock's workflow calls it."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field
from temporalio import activity

from loreloom.domain.ids import WorldId


class LiveDays(BaseModel):
    """Up to which day a world is to live.

    ``through_day`` is the number of the newest day that has begun, counted from 0 for the world's
    first: its game seconds divided by the seconds of a day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    world_id: WorldId
    through_day: int = Field(ge=0)


class LifeSteps(Protocol):
    """What a world does by itself. It may run twice, and goes on where it stopped."""

    @activity.defn(name="life_live")
    async def live(self, days: LiveDays) -> int:
        """Live every day after the last one lived, each in one transaction; answers how many."""
        raise NotImplementedError
