"""Pause, resume, scale and advance in any order: time goes on where it stood, and never back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loreloom.domain.boundaries import boundaries, next_boundary
from loreloom.domain.calendar import HOUR, Calendar
from loreloom.domain.clock import Clock, ClockChange, changed
from loreloom.domain.refusals import Refusal
from tests.clock.calendars import calendars

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICRO = timedelta(microseconds=1)

changes = st.one_of(
    st.builds(ClockChange, paused=st.booleans()),
    st.builds(ClockChange, scale=st.floats(0.001, 100_000)),
    st.builds(ClockChange, advance_hours=st.floats(0.01, 2_000)),
    st.builds(
        ClockChange,
        paused=st.booleans(),
        scale=st.floats(0.5, 1000),
        advance_hours=st.none() | st.floats(0.01, 50),
    ),
)
waits = st.timedeltas(timedelta(0), timedelta(hours=3))
interleavings = st.lists(st.tuples(waits, changes), max_size=12)


def skipped(change: ClockChange) -> int:
    return round((change.advance_hours or 0) * HOUR)


@given(interleavings)
def test_game_time_goes_on_from_where_it_stood_but_for_what_is_advanced(
    steps: list[tuple[timedelta, ClockChange]],
) -> None:
    clock, now = Clock(anchor=BEGAN), BEGAN
    for wait, change in steps:
        now += wait
        before = clock.game_seconds(now)
        clock = changed(clock, change, now)
        assert clock.game_seconds(now) == before + skipped(change)
        assert clock.game_seconds(now - timedelta(hours=1)) >= before


@given(interleavings, st.integers(1, 10**7))
def test_the_moment_of_a_second_is_the_first_at_which_the_clock_shows_it(
    steps: list[tuple[timedelta, ClockChange]], ahead: int
) -> None:
    clock, now = Clock(anchor=BEGAN), BEGAN
    for wait, change in steps:
        now += wait
        clock = changed(clock, change, now)
    wanted = clock.game_seconds(now) + ahead
    if clock.scale < 0.01:
        return
    moment = clock.real_moment(wanted)
    if clock.paused:
        assert moment is None
        return
    assert moment is not None
    assert clock.game_seconds(moment) >= wanted
    assert clock.game_seconds(moment - MICRO) < wanted


def test_a_thousand_changes_do_not_drift() -> None:
    clock, now = Clock(anchor=BEGAN), BEGAN
    for step in range(1000):
        now += timedelta(microseconds=333_337)
        clock = changed(clock, ClockChange(scale=60 if step % 2 else 60.0), now)
    exact = 8 * HOUR + int(1000 * 0.333337 * 60)
    assert abs(clock.game_seconds(now) - exact) <= 1
    for _ in range(1000):
        now += timedelta(microseconds=333_337)
        clock = changed(clock, ClockChange(paused=True), now)
        now += timedelta(seconds=5)
        clock = changed(clock, ClockChange(paused=False), now)
    assert abs(clock.game_seconds(now) - exact * 2 + 8 * HOUR) <= 2


@given(calendars(), interleavings)
def test_no_interleaving_loses_or_doubles_a_boundary(
    calendar: Calendar, steps: list[tuple[timedelta, ClockChange]]
) -> None:
    """A watcher who is told of what came since it last looked, before and after each change."""
    clock, now, told = Clock(anchor=BEGAN), BEGAN, 8 * HOUR
    heard = []
    for wait, change in steps:
        change = change.model_copy(update={"scale": min(change.scale or 60.0, 600.0)})
        for moment in (now + wait / 2, now + wait):
            through = clock.game_seconds(moment)
            assert through >= told
            heard += list(boundaries(calendar, told, through))
            told = through
        now += wait
        clock = changed(clock, change, now)
    heard += list(boundaries(calendar, told, clock.game_seconds(now)))
    assert heard == list(boundaries(calendar, 8 * HOUR, clock.game_seconds(now)))


@given(calendars(), st.floats(0.01, 100_000), st.integers(0, 10**8))
def test_a_boundary_is_there_at_its_real_moment_and_not_before(
    calendar: Calendar, scale: float, game_anchor: int
) -> None:
    clock = Clock(anchor=BEGAN, game_anchor=game_anchor, scale=scale)
    following = next_boundary(calendar, game_anchor)
    moment = clock.real_moment(following.at)
    assert moment is not None
    assert clock.game_seconds(moment - MICRO) < following.at <= clock.game_seconds(moment)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"scale": 0},
        {"scale": 100_001},
        {"scale": float("nan")},
        {"scale": float("inf")},
        {"advance_hours": 0},
        {"advance_hours": -1},
        {"advance_hours": 1_000_001},
    ],
)
def test_a_change_of_nothing_or_beyond_the_limits_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        ClockChange.model_validate(wrong)


def test_time_has_an_end() -> None:
    old = Clock(anchor=BEGAN, game_anchor=10**13 - 10)
    assert changed(old, ClockChange(paused=True), BEGAN).paused
    with pytest.raises(Refusal):
        changed(old, ClockChange(advance_hours=1), BEGAN)
