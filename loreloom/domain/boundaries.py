"""The boundaries of a world's time: the moments at which its calendar turns a page."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator
from heapq import merge
from operator import attrgetter
from typing import NamedTuple

from loreloom.domain.calendar import HOUR, Calendar

NEW_DAY, NEW_MONTH = "clock.new_day", "clock.new_month"
NEW_SEASON, NEW_YEAR = "clock.new_season", "clock.new_year"
HOLIDAY, MOON = "clock.holiday", "clock.moon"


class Boundary(NamedTuple):
    """A moment, in game seconds, at which something begins; ``name`` says what it is called."""

    at: int
    kind: str
    name: str | None = None


def part_kind(part: str) -> str:
    """The kind of the boundary at which a part of the day begins."""
    return f"clock.{part}"


def boundaries(calendar: Calendar, after: int, through: int) -> Iterator[Boundary]:
    """Every boundary after one game second and up to another, in order.

    What begins in one second comes from the longest to the shortest: a year, a season, a month, a
    day, its holiday, a part of the day, a phase of the moon.
    """
    return merge(
        _of_days(calendar, after, through), _phases(calendar, after, through), key=attrgetter("at")
    )


def next_boundary(calendar: Calendar, after: int) -> Boundary:
    """The first boundary after a game second; there is one within a day."""
    return next(boundaries(calendar, after, after + calendar.seconds_per_day))


def tally(calendar: Calendar, after: int, through: int) -> Counter[str]:
    """How many boundaries of each kind lie after one game second and up to another.

    It is computed, not counted, so that a century costs no more than a day.
    """
    found = _tally_through(calendar, through)
    found.subtract(_tally_through(calendar, after))
    return +found


def _of_days(calendar: Calendar, after: int, through: int) -> Iterator[Boundary]:
    length = calendar.seconds_per_day
    for day in range(max(0, after) // length, through // length + 1):
        for boundary in _of_day(calendar, day):
            if after < boundary.at <= through:
                yield boundary


def _of_day(calendar: Calendar, day: int) -> Iterator[Boundary]:
    """The boundaries in a day of the world, counted from 0; a world's first second is none."""
    start = day * calendar.seconds_per_day
    of_year = (day + calendar.first_day) % calendar.days_per_year
    if day > 0:
        if of_year == 0:
            yield Boundary(start, NEW_YEAR)
        if of_year in calendar.season_starts:
            yield Boundary(start, NEW_SEASON, calendar.season_starts[of_year])
        if of_year in calendar.month_starts:
            yield Boundary(start, NEW_MONTH, calendar.month_starts[of_year])
        yield Boundary(start, NEW_DAY)
        if of_year in calendar.holiday_of_day:
            yield Boundary(start, HOLIDAY, calendar.holiday_of_day[of_year])
    for part, hour in calendar.part_starts:
        at = start + hour * HOUR
        if at > 0:
            yield Boundary(at, part_kind(part), part)


def _phases(calendar: Calendar, after: int, through: int) -> Iterator[Boundary]:
    if calendar.moon is None:
        return
    number = calendar.phase_number(max(0, after)) + 1
    while (at := calendar.phase_start(number)) <= through:
        yield Boundary(at, MOON, calendar.moon_at(at))
        number += 1


def _tally_through(calendar: Calendar, through: int) -> Counter[str]:
    days, rest = divmod(max(0, through), calendar.seconds_per_day)
    found: Counter[str] = Counter()
    found[NEW_DAY] = days
    found[NEW_YEAR] = _turns(calendar, {0}, days)
    found[NEW_SEASON] = _turns(calendar, calendar.season_starts.keys(), days)
    found[NEW_MONTH] = _turns(calendar, calendar.month_starts.keys(), days)
    found[HOLIDAY] = _turns(calendar, calendar.holiday_of_day.keys(), days)
    for part, hour in calendar.part_starts:
        found[part_kind(part)] += days + (1 if 0 < hour * HOUR <= rest else 0)
    found[MOON] = calendar.phase_number(max(0, through))
    return found


def _turns(calendar: Calendar, days_of_year: Collection[int], days: int) -> int:
    """How often one of the days of the year comes in a world's first days after its first."""
    wanted = sorted(days_of_year)

    def through(day: int) -> int:
        years, of_year = divmod(day, calendar.days_per_year)
        return years * len(wanted) + bisect_right(wanted, of_year)

    return through(calendar.first_day + days) - through(calendar.first_day)
