"""A calendar reads dates, whatever its world counts in, and refuses what makes no sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loreloom.domain.calendar import Calendar
from tests.clock.calendars import MONTHS, calendars

DAY = MONTHS.seconds_per_day


def date(day: int) -> tuple[object, ...]:
    time = MONTHS.read(day * DAY)
    return (time.year, time.month, time.day_of_month, time.season, time.day)


def test_months_seasons_and_years_are_read_from_the_day_that_the_world_begins() -> None:
    assert date(0) == (412, "Thaw", 2, "wet", 2)
    assert date(1) == (412, "Flood", 1, "wet", 3)
    assert date(5) == (412, "Hay", 1, "warm", 1)
    assert date(11) == (412, "Frost", 2, "cold", 2)


def test_a_season_goes_on_over_the_end_of_the_year() -> None:
    assert date(12) == (413, "Rime", 1, "cold", 3)
    assert date(14) == (413, "Rime", 3, "cold", 5)
    assert date(15) == (413, "Thaw", 1, "wet", 1)


def test_holidays_fall_on_their_day_of_a_month_or_of_a_season() -> None:
    named = {day: MONTHS.read(day * DAY).holiday for day in range(16)}
    assert {day: name for day, name in named.items() if name} == {4: "Ham Night", 12: "Deep Night"}


def test_the_moon_has_phases_of_equal_length() -> None:
    hours = [MONTHS.read(hour * 3600).moon for hour in range(25)]
    assert hours[:9] == ["new"] * 9
    assert hours[9:17] == ["half"] * 8
    assert hours[17:25] == ["full"] * 8
    assert MONTHS.read(25 * 3600).moon == "new"


@given(calendars(), st.integers(0, 10**9))
def test_the_next_second_is_the_same_day_or_the_next(calendar: Calendar, seconds: int) -> None:
    now, then = calendar.read(seconds), calendar.read(seconds + 1)
    if (seconds + 1) % calendar.seconds_per_day:
        assert (now.year, now.season, now.day, now.month) == (
            then.year,
            then.season,
            then.day,
            then.month,
        )
    else:
        assert then.day in (now.day + 1, 1)
        assert then.year in (now.year, now.year + 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"part_starts": (("day", 9), ("night", 5))},
        {"part_starts": (("day", 24),)},
        {"part_starts": (("new_day", 4),)},
        {"part_starts": (("Nachmittag!", 4),)},
        {"seasons": ("wet", "wet")},
        {"months": ({"name": "May", "days": 31, "season": "may time"},)},
        {
            "seasons": ("wet", "dry"),
            "months": tuple(
                {"name": f"m{n}", "days": 3, "season": season}
                for n, season in enumerate(("wet", "dry", "wet", "dry"))
            ),
        },
        {"holidays": ({"name": "Never", "season": "spring", "day": 31},)},
        {"holidays": ({"name": "Both", "season": "spring", "month": "May", "day": 3},)},
        {
            "holidays": tuple(
                {"name": name, "season": "spring", "day": 3} for name in ("one", "other")
            )
        },
        {"begins": {"season": "monsoon", "day": 1}},
        {"moon": {"cycle_days": 0.00001, "phases": ("new", "full")}},
        {"moon": {"cycle_days": 1, "phases": tuple(f"phase {n}" for n in range(25))}},
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Calendar.model_validate(wrong)
