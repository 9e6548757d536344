"""Game time is computed from an anchor; the calendar reads it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from loreloom.domain.calendar import HOUR, Calendar, DayPart
from loreloom.domain.clock import Clock

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_real_minute_is_a_game_hour_by_default() -> None:
    clock = Clock(anchor=BEGAN, game_anchor=8 * HOUR)
    assert clock.game_seconds(BEGAN + timedelta(minutes=3)) == 11 * HOUR


def test_a_paused_clock_stands_and_time_before_the_anchor_does_not_run_back() -> None:
    paused = Clock(anchor=BEGAN, game_anchor=5, paused=True)
    assert paused.game_seconds(BEGAN + timedelta(days=9)) == 5
    running = Clock(anchor=BEGAN, game_anchor=5)
    assert running.game_seconds(BEGAN - timedelta(days=9)) == 5


def test_the_parts_of_the_default_day() -> None:
    calendar = Calendar()
    parts = {hour: calendar.part_at(hour) for hour in range(24)}
    assert [hour for hour, part in parts.items() if part is DayPart.DAWN] == [5, 6]
    assert [hour for hour, part in parts.items() if part is DayPart.DUSK] == [18, 19]
    assert parts[4] is parts[20] is parts[0] is DayPart.NIGHT
    assert parts[7] is parts[17] is DayPart.DAY


def test_a_year_is_four_seasons_of_thirty_days() -> None:
    calendar = Calendar()
    day = 24 * HOUR
    first = calendar.read(0)
    assert (first.year, first.season, first.day) == (1, "spring", 1)
    assert (first.month, first.holiday, first.moon) == (None, None, None)
    late = calendar.read(119 * day + 23 * HOUR + 59 * 60)
    assert (late.year, late.season, late.day, late.hour, late.minute) == (1, "winter", 30, 23, 59)
    assert calendar.read(120 * day).year == 2


@given(
    st.integers(1, 240),
    st.integers(1, 400),
    st.integers(0, 10**12),
)
def test_reading_a_date_loses_nothing(hours: int, days: int, seconds: int) -> None:
    calendar = Calendar(hours_per_day=hours, days_per_season=days, part_starts=((DayPart.DAY, 0),))
    read = calendar.read(seconds)
    season = calendar.seasons.index(read.season)
    day = ((read.year - 1) * 4 + season) * days + read.day - 1
    assert (day * hours + read.hour) * HOUR + read.minute * 60 <= seconds
    assert seconds < (day * hours + read.hour) * HOUR + (read.minute + 1) * 60
