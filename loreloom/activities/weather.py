"""What a region's weather writes down: each change as it comes, and what somebody made."""

from collections.abc import Callable

from temporalio import activity

from loreloom.activities.errors import broken, broken_if_refused
from loreloom.activities.signatures.weather import (
    Imposed,
    Imposing,
    Look,
    RegionRef,
    Told,
    WeatherSteps,
)
from loreloom.state.store import Store
from loreloom.state.weather import WeatherOrder, impose_weather, tell_weather


class WeatherActivities(WeatherSteps):
    """The writing steps of the weather. What was told stands in the region's row."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Callable[..., object]]:
        """Every activity, as a worker serves them."""
        return [self.tell, self.impose]

    @activity.defn(name="weather_tell")
    async def tell(self, look: Look) -> Told:
        where = look.region
        with broken_if_refused():
            told = await tell_weather(self._store, where.world_id, where.region, look.at)
        if told is None:
            raise _gone(where)
        coming = told.next_look
        return Told(
            state=told.state,
            next_at=None if coming is None else told.clock.real_moment(coming),
            jitter_seconds=told.clock.jitter.total_seconds(),
        )

    @activity.defn(name="weather_impose")
    async def impose(self, order: Imposing) -> Imposed:
        where = order.region
        said = order.model_dump(include={"at", "key", "state", "hours", "by"})
        with broken_if_refused():
            made = await impose_weather(self._store, WeatherOrder(**where.model_dump(), **said))
        if made is None:
            raise _gone(where)
        return Imposed(**made.model_dump(include={"state", "from_seconds", "until_seconds"}))


def _gone(where: RegionRef) -> Exception:
    return broken(f"the world {where.world_id} has no region {where.region!r}")
