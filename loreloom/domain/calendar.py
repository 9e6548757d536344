"""How a world counts its time: hours, parts of the day, months or seasons, holidays, the moon."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

HOUR = 3600


class DayPart(StrEnum):
    """The parts of a day that a calendar has by default; it may name others."""

    DAWN = "dawn"
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


RESERVED = frozenset(
    {"new_day", "new_month", "new_season", "new_year", "holiday", "moon", "changed", "caught_up"}
)
"""What the chronicle tells of a clock besides the parts of its day."""

PartName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Days = Annotated[int, Field(ge=1, le=1000)]


class CalendarModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Month(CalendarModel):
    """A month, its length in days, and the season that it belongs to."""

    name: Word
    days: Days
    season: Word


class DateOfYear(CalendarModel):
    """A day of every year: the so-manieth, from 1, of a month or of a season."""

    day: int = Field(ge=1)
    month: Word | None = None
    season: Word | None = None

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.month is None) == (self.season is None):
            raise ValueError("a date names a month or a season")
        return self


class Holiday(DateOfYear):
    """A day of every year that has a name."""

    name: Word


class FirstDay(DateOfYear):
    """The date at which worlds begin."""

    year: int = Field(default=1, ge=1, le=1_000_000)


class Moon(CalendarModel):
    """A moon: its phases are equally long, an hour at least; the first begins with the world."""

    cycle_days: float = Field(gt=0, le=10_000, allow_inf_nan=False)
    phases: tuple[Word, ...] = Field(min_length=1, max_length=32)


class Span(NamedTuple):
    """A stretch of the year, a month or else a season. Days count from 0."""

    first: int
    days: int
    season: str
    day_of_season: int
    month: str | None


class Calendar(CalendarModel):
    """How a world counts its time.

    A year is either ``seasons`` of ``days_per_season`` each, or ``months``, whose seasons then
    count; a season may run past the end of the year. ``part_starts`` gives the hour at which each
    part of the day begins; the last part runs past midnight until the first begins. ``begins`` is
    the date of a world's first day; without it, the first day of the year 1.
    """

    hours_per_day: int = Field(default=24, ge=1, le=240)
    days_per_season: Days = 30
    seasons: tuple[Word, ...] = Field(
        default=("spring", "summer", "autumn", "winter"), min_length=1, max_length=24
    )
    part_starts: tuple[tuple[PartName, int], ...] = Field(
        default=(
            (DayPart.DAWN, 5),
            (DayPart.DAY, 7),
            (DayPart.DUSK, 18),
            (DayPart.NIGHT, 20),
        ),
        min_length=1,
        max_length=24,
    )
    months: tuple[Month, ...] = Field(default=(), max_length=60)
    holidays: tuple[Holiday, ...] = Field(default=(), max_length=400)
    moon: Moon | None = None
    begins: FirstDay | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        hours = [start for _, start in self.part_starts]
        if hours != sorted(set(hours)) or hours[0] < 0 or hours[-1] >= self.hours_per_day:
            raise ValueError("part_starts must be in the order of their hours, within the day")
        named = RESERVED.intersection(part for part, _ in self.part_starts)
        if named:
            raise ValueError(f"a part of the day cannot be called {min(named)}")
        if len(set(self.seasons)) != len(self.seasons):
            raise ValueError("seasons must not repeat a name")
        self._require_whole_seasons()
        if len(self.holiday_of_day) != len(self.holidays):
            raise ValueError("no two holidays may fall on one day")
        if self.begins is not None:
            self.day_of_year(self.begins)
        if self.moon is not None and self._moon_seconds < len(self.moon.phases) * HOUR:
            raise ValueError("a phase of the moon must last an hour at least")
        return self

    def _require_whole_seasons(self) -> None:
        if not self.months:
            return
        if len({month.name for month in self.months}) != len(self.months):
            raise ValueError("months must not repeat a name")
        if {month.season for month in self.months} != set(self.seasons):
            raise ValueError("every season must have months, and every month one of the seasons")
        turned = (self.months[-1], *self.months[:-1])
        begun = sum(
            now.season != before.season for now, before in zip(self.months, turned, strict=True)
        )
        if begun > len(self.seasons):
            raise ValueError("the months of a season must follow each other")

    @property
    def seconds_per_day(self) -> int:
        """Game seconds in a day."""
        return self.hours_per_day * HOUR

    @cached_property
    def days_per_year(self) -> int:
        """Days in a year."""
        last = self._spans[-1]
        return last.first + last.days

    @cached_property
    def first_day(self) -> int:
        """The day of the year, from 0, at which a world begins."""
        return 0 if self.begins is None else self.day_of_year(self.begins)

    @cached_property
    def holiday_of_day(self) -> Mapping[int, str]:
        """The holidays, by their day of the year from 0."""
        return {self.day_of_year(holiday): holiday.name for holiday in self.holidays}

    @cached_property
    def season_starts(self) -> Mapping[int, str]:
        """The seasons, by the day of the year from 0 at which each begins."""
        return {span.first: span.season for span in self._spans if span.day_of_season == 0}

    @cached_property
    def month_starts(self) -> Mapping[int, str]:
        """The months, by the day of the year from 0 at which each begins; none without months."""
        return {span.first: span.month for span in self._spans if span.month is not None}

    def day_of_year(self, date: DateOfYear) -> int:
        """The day of the year, from 0, of a date. Raises ``ValueError`` if there is no such."""
        for span in self._spans:
            if date.month is not None:
                if span.month == date.month and date.day <= span.days:
                    return span.first + date.day - 1
            elif span.season == date.season:
                day = date.day - 1 - span.day_of_season
                if 0 <= day < span.days:
                    return span.first + day
        raise ValueError(f"the year has no day {date.day} of {date.month or date.season}")

    def part_at(self, hour: int) -> str:
        """The part of the day that holds an hour."""
        current = self.part_starts[-1][0]
        for part, start in self.part_starts:
            if hour >= start:
                current = part
        return current

    def phase_start(self, number: int) -> int:
        """The game second at which a phase of the moon begins; phases count from 0."""
        phases = len(self.moon.phases) if self.moon else 1
        return -(-number * self._moon_seconds // phases)

    def phase_number(self, game_seconds: int) -> int:
        """The phase of the moon at a moment, counted from the world's first; 0 without a moon."""
        if self.moon is None:
            return 0
        return game_seconds * len(self.moon.phases) // self._moon_seconds

    def moon_at(self, game_seconds: int) -> str | None:
        """The name of the moon's phase at a moment, if there is a moon."""
        if self.moon is None:
            return None
        return self.moon.phases[self.phase_number(game_seconds) % len(self.moon.phases)]

    def read(self, game_seconds: int) -> "GameTime":
        """The date and hour at a count of game seconds since the world began."""
        days, rest = divmod(game_seconds, self.seconds_per_day)
        years, of_year = divmod(days + self.first_day, self.days_per_year)
        span = self._spans[bisect_right(self._firsts, of_year) - 1]
        of_span = of_year - span.first
        hour, seconds = divmod(rest, HOUR)
        return GameTime(
            seconds=game_seconds,
            year=years + (self.begins.year if self.begins else 1),
            season=span.season,
            day=span.day_of_season + of_span + 1,
            month=span.month,
            day_of_month=None if span.month is None else of_span + 1,
            hour=hour,
            minute=seconds // 60,
            part=self.part_at(hour),
            holiday=self.holiday_of_day.get(of_year),
            moon=self.moon_at(game_seconds),
        )

    @cached_property
    def _moon_seconds(self) -> int:
        return round(self.moon.cycle_days * self.seconds_per_day) if self.moon else 0

    @cached_property
    def _firsts(self) -> Sequence[int]:
        return [span.first for span in self._spans]

    @cached_property
    def _spans(self) -> Sequence[Span]:
        if not self.months:
            length = self.days_per_season
            return [Span(i * length, length, name, 0, None) for i, name in enumerate(self.seasons)]
        # A season that runs past the end of the year has begun before its first month here.
        gone = {self.months[0].season: self._days_before_the_year()}
        spans: list[Span] = []
        first = 0
        for month in self.months:
            of_season = gone.get(month.season, 0)
            if spans and spans[-1].season != month.season:
                of_season = 0
            spans.append(Span(first, month.days, month.season, of_season, month.name))
            gone[month.season] = of_season + month.days
            first += month.days
        return spans

    def _days_before_the_year(self) -> int:
        """Days of the year's last months that belong to the season which the year begins in."""
        season, days = self.months[0].season, 0
        for month in reversed(self.months):
            if month.season != season:
                return days
            days += month.days
        return 0


class GameTime(CalendarModel):
    """A moment of a world. ``seconds`` counts game seconds since the world began.

    ``day`` is the day of the season and ``day_of_month`` that of the month, both from 1. A world
    whose calendar has no months, or no moon, has none; ``holiday`` is what the day is called.
    """

    seconds: int
    year: int
    season: str
    day: int
    hour: int
    minute: int
    part: str
    month: str | None = None
    day_of_month: int | None = None
    holiday: str | None = None
    moon: str | None = None
