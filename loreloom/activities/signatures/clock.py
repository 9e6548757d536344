"""The activities of a world's clock, as its workflow calls them."""

from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict
from temporalio import activity

from loreloom.domain.clock import Clock, ClockChange
from loreloom.domain.ids import WorldId


class ClockModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LookAtClock(ClockModel):
    """Whose clock to look at, and when; ``at`` is by the workflow's clock."""

    world_id: WorldId
    at: AwareDatetime


class ToldTime(ClockModel):
    """How a world's clock stands, after all that was to be told is told.

    ``next_at`` is the real moment of the next boundary, ``None`` while the clock is paused.
    ``jitter_seconds`` bounds how much later than that is still in time. ``day`` is the number of
    the newest day that has begun, from 0 for the world's first.
    """

    clock: Clock
    next_at: AwareDatetime | None
    jitter_seconds: float
    day: int


class ChangingClock(ClockModel):
    """A change of a clock from a moment on. ``key`` is the order's own: it counts once."""

    world_id: WorldId
    at: AwareDatetime
    key: str
    change: ClockChange


class ChangedClock(ClockModel):
    """The clock that counts now, and the regions whose weather must know of it."""

    clock: Clock
    regions: tuple[str, ...]


class OfWorld(ClockModel):
    """Whose clock was changed."""

    world_id: WorldId


class ClockSteps(Protocol):
    """What a clock writes down and says. Each may run twice, and tells and changes once."""

    @activity.defn(name="clock_tell")
    async def tell(self, look: LookAtClock) -> ToldTime:
        """Tell every boundary since the last one told, and say when to look again."""
        raise NotImplementedError

    @activity.defn(name="clock_change")
    async def change(self, changing: ChangingClock) -> ChangedClock:
        """Change the clock and tell of it in one transaction, once."""
        raise NotImplementedError

    @activity.defn(name="clock_stir_quests")
    async def stir_quests(self, of: OfWorld) -> None:
        """Let every quest that has until some moment of game time look at the clock again."""
        raise NotImplementedError
