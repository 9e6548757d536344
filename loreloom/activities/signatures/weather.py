"""The activities of a region's weather, as its workflow calls them."""

from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict
from temporalio import activity

from loreloom.domain.ids import WorldId
from loreloom.domain.weather import Weather

LOOK_AGAIN = "look_again"
"""The signal, without a payload, that tells a weather that it, or its clock, was changed."""


class WeatherModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RegionRef(WeatherModel):
    """Which region, of which world."""

    world_id: WorldId
    region: str


class Look(WeatherModel):
    """Where and when to look; ``at`` is by the workflow's clock."""

    region: RegionRef
    at: AwareDatetime


class Imposing(WeatherModel):
    """A weather that somebody makes from a moment on, or clears if ``state`` is ``None``.

    ``hours`` of game time, until another is made if ``None``. ``key`` is the order's own: the same
    key makes one weather. ``by`` says who.
    """

    region: RegionRef
    at: AwareDatetime
    key: str
    state: Weather | None
    hours: float | None = None
    by: str


class Told(WeatherModel):
    """How a region's weather stands, after all that was to be told is told.

    ``next_at`` is the real moment of the next change, or an earlier one at which to look for it;
    ``None`` while the clock is paused, and while a weather stands that has no end.
    ``jitter_seconds`` bounds how much later than that is still in time.
    """

    state: Weather
    next_at: AwareDatetime | None
    jitter_seconds: float


class Imposed(WeatherModel):
    """What was made of an order: from when and until when it counts, in game seconds."""

    state: Weather
    from_seconds: int
    until_seconds: int | None


class WeatherSteps(Protocol):
    """What a region's weather writes down. Each may run twice and tells a change once."""

    @activity.defn(name="weather_tell")
    async def tell(self, look: Look) -> Told:
        """Tell what has changed since it was last told, and say when to look again."""
        raise NotImplementedError

    @activity.defn(name="weather_impose")
    async def impose(self, order: Imposing) -> Imposed:
        """Make or clear a weather and tell of it in one transaction, once."""
        raise NotImplementedError
