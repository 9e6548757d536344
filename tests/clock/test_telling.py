"""Changes and tellings as Postgres takes them, in any order, at once, late and again."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loreloom.domain.calendar import Calendar
from loreloom.domain.clock import Clock, ClockChange
from loreloom.domain.ids import WorldId
from loreloom.state import chronicle
from loreloom.state.clocks import ClockOrder, TimeTold, change_clock, tell_time
from loreloom.state.store import Store
from loreloom.state.worlds import create_world
from tests.builders import a_world_record
from tests.clock.boundaries import assert_every_boundary_once
from tests.clock.calendars import calendars

AHEAD = timedelta(days=1)
"""The test's time lies so far ahead of the database's, which moves a change to its own present."""


class Step(StrEnum):
    """What the clock's workflow has done, or has done once more."""

    TELL = "tell"
    CHANGE = "change"
    AT_ONCE = "a change while two tell"
    LATE = "a telling of an earlier moment"
    AGAIN = "the last change once more"


changes = st.one_of(
    st.builds(ClockChange, paused=st.booleans()),
    st.builds(ClockChange, scale=st.floats(0.5, 600)),
    st.builds(ClockChange, advance_hours=st.floats(0.01, 100)),
    st.builds(
        ClockChange,
        paused=st.booleans(),
        scale=st.floats(0.5, 600),
        advance_hours=st.none() | st.floats(0.01, 50),
    ),
)
waits = st.timedeltas(timedelta(0), timedelta(minutes=20))
steps = st.lists(st.tuples(waits, st.sampled_from(Step), changes), min_size=1, max_size=8)
numbers = itertools.count()


@dataclass
class Written:
    """A world whose clock is told and changed by nobody but the test."""

    store: Store
    world_id: WorldId
    now: datetime
    orders: list[ClockOrder] = field(default_factory=list)

    async def tell(self, at: datetime) -> TimeTold:
        told = await tell_time(self.store, self.world_id, at)
        assert told is not None
        assert told.told < told.next_seconds
        return told

    async def change(self, change: ClockChange) -> None:
        key = f"change/{len(self.orders)}"
        self.orders.append(ClockOrder(world_id=self.world_id, at=self.now, key=key, change=change))
        assert await change_clock(self.store, self.orders[-1])

    async def take(self, step: Step, change: ClockChange) -> None:
        if step is Step.TELL:
            await self.tell(self.now)
        elif step is Step.LATE:
            await self.tell(self.now - timedelta(minutes=10))
        elif step is Step.CHANGE:
            await self.change(change)
        elif step is Step.AT_ONCE:
            await asyncio.gather(self.tell(self.now), self.change(change), self.tell(self.now))
        elif self.orders:
            assert await change_clock(self.store, self.orders[-1])


async def assert_told_as_it_passed(
    store: Store, calendar: Calendar, taken: list[tuple[timedelta, Step, ClockChange]]
) -> None:
    """Take the steps in a new world; each boundary and each change is told once, and in order."""
    world_id = WorldId(f"world-{next(numbers)}")
    began = datetime.now(UTC) + AHEAD
    await create_world(
        store, a_world_record(world_id, calendar=calendar, clock=Clock(anchor=began))
    )
    world = Written(store, world_id, began)
    for wait, step, change in taken:
        world.now += wait
        await world.take(step, change)
    last = await world.tell(world.now)
    assert last.told == last.clock.game_seconds(world.now)
    entries = await chronicle.read(store, world_id, kind="clock.", limit=100_000)
    told = [entry for entry in entries if entry.kind != "clock.changed"]
    assert_every_boundary_once(calendar, told, last.told)
    assert len(entries) - len(told) == len(world.orders)


@contextmanager
def a_loop() -> Iterator[asyncio.Runner]:
    """A loop of the test's own, which leaves the session's where it is."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner


def test_no_interleaving_of_what_is_written_loses_or_doubles_a_boundary(
    database_url: str,
) -> None:
    with a_loop() as loop:
        store = Store(database_url)

        @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.just(Calendar()) | calendars(), steps)
        def interleaved(
            calendar: Calendar, taken: list[tuple[timedelta, Step, ClockChange]]
        ) -> None:
            loop.run(assert_told_as_it_passed(store, calendar, taken))

        interleaved()
        loop.run(store.close())
