"""Boundaries come in order and without gaps, and their number is what the calendar says."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from loreloom.domain.boundaries import boundaries, next_boundary, tally
from loreloom.domain.calendar import Calendar
from tests.clock.calendars import MONTHS, calendars

HOUR = 3600
moments = st.integers(0, 60 * 24 * HOUR)


def test_a_day_of_the_default_calendar() -> None:
    found = [(b.at // HOUR, b.kind) for b in boundaries(Calendar(), 8 * HOUR, 32 * HOUR)]
    assert found == [
        (18, "clock.dusk"),
        (20, "clock.night"),
        (24, "clock.new_day"),
        (29, "clock.dawn"),
        (31, "clock.day"),
    ]


def test_what_begins_in_one_second_comes_from_the_longest_to_the_shortest() -> None:
    new_year = 12 * MONTHS.seconds_per_day
    found = [(b.kind, b.name) for b in boundaries(MONTHS, new_year - 1, new_year)]
    assert found == [
        ("clock.new_year", None),
        ("clock.new_month", "Rime"),
        ("clock.new_day", None),
        ("clock.holiday", "Deep Night"),
        ("clock.light", "light"),
    ]


def test_a_year_has_as_many_as_the_calendar_says() -> None:
    year = 120 * 24 * HOUR
    counted = Counter(b.kind for b in boundaries(Calendar(), year - 1, 2 * year - 1))
    assert counted == {
        **dict.fromkeys(("clock.dawn", "clock.day", "clock.dusk", "clock.night"), 120),
        "clock.new_day": 120,
        "clock.new_season": 4,
        "clock.new_year": 1,
    }
    months = 16 * MONTHS.seconds_per_day
    counted = Counter(b.kind for b in boundaries(MONTHS, 5 * months, 10 * months))
    assert counted["clock.new_year"] == 5
    assert counted["clock.new_month"] == 25
    assert counted["clock.new_season"] == 15
    assert counted["clock.holiday"] == 10
    assert counted["clock.moon"] == 96


@given(calendars(), moments, moments)
def test_they_are_in_order_and_within_the_interval(calendar: Calendar, a: int, b: int) -> None:
    after, through = sorted((a, b))
    found = list(boundaries(calendar, after, through))
    assert found == sorted(found, key=lambda boundary: boundary.at)
    assert all(after < boundary.at <= through for boundary in found)
    assert len(set(found)) == len(found)


@given(calendars(), moments, st.lists(moments, max_size=6))
def test_splitting_an_interval_loses_and_doubles_nothing(
    calendar: Calendar, start: int, cuts: list[int]
) -> None:
    edges = sorted([start, *cuts])
    pieces = [
        boundary
        for after, through in itertools.pairwise(edges)
        for boundary in boundaries(calendar, after, through)
    ]
    assert pieces == list(boundaries(calendar, edges[0], edges[-1]))


@given(calendars(), moments)
def test_the_next_one_is_the_first_and_leaves_no_gap(calendar: Calendar, after: int) -> None:
    following = next_boundary(calendar, after)
    assert after < following.at <= after + calendar.seconds_per_day
    assert not list(boundaries(calendar, after, following.at - 1))


@given(calendars(), moments)
def test_the_date_changes_at_boundaries_only(calendar: Calendar, after: int) -> None:
    before, then = calendar.read(after), calendar.read(after + 1)
    kinds = {boundary.kind for boundary in boundaries(calendar, after, after + 1)}
    assert (before.year != then.year) == ("clock.new_year" in kinds)
    turned = before.season != then.season or then.day < before.day
    assert turned == ("clock.new_season" in kinds) or len(calendar.seasons) == 1
    assert before.month == then.month or "clock.new_month" in kinds
    assert before.moon == then.moon or "clock.moon" in kinds
    assert before.part == then.part or f"clock.{then.part}" in kinds
    if then.holiday is not None and before.holiday != then.holiday:
        assert "clock.holiday" in kinds


@given(calendars(), moments, moments)
def test_the_tally_is_what_counting_finds(calendar: Calendar, a: int, b: int) -> None:
    after, through = sorted((a, b))
    counted = Counter(boundary.kind for boundary in boundaries(calendar, after, through))
    assert tally(calendar, after, through) == counted


def test_the_tally_of_a_million_years_takes_no_time() -> None:
    year = 120 * 24 * HOUR
    assert tally(Calendar(), 0, 10**6 * year)["clock.dawn"] == 120 * 10**6
