"""What a world's clock writes down: its boundaries as they come, and its changes."""

from collections.abc import Callable

from temporalio import activity

from loreloom.activities.errors import broken, broken_if_refused
from loreloom.activities.signatures.clock import (
    ChangedClock,
    ChangingClock,
    ClockSteps,
    LookAtClock,
    ToldTime,
)
from loreloom.activities.signatures.errors import refused
from loreloom.domain.ids import WorldId
from loreloom.domain.refusals import Refusal
from loreloom.state.clocks import ClockOrder, change_clock, region_names, tell_time
from loreloom.state.store import Store


class ClockActivities(ClockSteps):
    """The writing steps of a clock. What was told stands in the world's row."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Callable[..., object]]:
        """The steps, as a worker serves them."""
        return [self.tell, self.change]

    @activity.defn(name="clock_tell")
    async def tell(self, look: LookAtClock) -> ToldTime:
        with broken_if_refused():
            told = await tell_time(self._store, look.world_id, look.at)
        if told is None:
            raise _gone(look.world_id)
        return ToldTime(
            clock=told.clock,
            next_at=told.clock.real_moment(told.next_seconds),
            jitter_seconds=told.clock.jitter.total_seconds(),
            day=told.told // told.calendar.seconds_per_day,
        )

    @activity.defn(name="clock_change")
    async def change(self, changing: ChangingClock) -> ChangedClock:
        with broken_if_refused():
            try:
                clock = await change_clock(self._store, ClockOrder(**dict(changing)))
            except Refusal as refusal:
                raise refused(refusal) from refusal
            regions = await region_names(self._store, changing.world_id)
        if clock is None:
            raise _gone(changing.world_id)
        return ChangedClock(clock=clock, regions=regions)


def _gone(world_id: WorldId) -> Exception:
    return broken(f"the world {world_id} is gone")
