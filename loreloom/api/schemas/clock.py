"""Calendars and clocks, as callers send and get them."""

from typing import Self

from pydantic import Field, ValidationError, model_validator

from loreloom.api.schemas.fields import Body, Name
from loreloom.domain.calendar import Calendar, FirstDay, Holiday, Month, Moon, PartName
from loreloom.domain.clock import MAX_ADVANCE_HOURS, MAX_SCALE, MIN_SCALE, ClockChange


class DayPartStart(Body):
    """The hour at which a part of the day begins."""

    part: PartName = Field(examples=["dawn"])
    hour: int = Field(ge=0, le=239)


class MonthBody(Body):
    """A month and the season that it belongs to."""

    name: Name
    days: int = Field(ge=1, le=1000)
    season: Name


class DateBody(Body):
    """A day of every year, from 1, of a month or of a season."""

    day: int = Field(ge=1, le=60_000)
    month: Name | None = None
    season: Name | None = None


class HolidayBody(DateBody):
    """A day of every year that has a name."""

    name: Name


class FirstDayBody(DateBody):
    """The date at which the world begins."""

    year: int = Field(default=1, ge=1, le=1_000_000)


class MoonBody(Body):
    """A moon, with phases of equal length, an hour at least; the first begins with the world."""

    cycle_days: float = Field(gt=0, le=10_000, allow_inf_nan=False)
    phases: tuple[Name, ...] = Field(min_length=1, max_length=32)


class CalendarBody(Body):
    """How the world counts its time. Parts of the day are in the order of their hours.

    A year is either ``seasons`` of ``days_per_season`` each, or ``months``, whose seasons count.
    """

    hours_per_day: int = Field(default=24, ge=1, le=240)
    days_per_season: int = Field(default=30, ge=1, le=1000)
    seasons: tuple[Name, ...] = Field(
        default=("spring", "summer", "autumn", "winter"), min_length=1, max_length=24
    )
    part_starts: tuple[DayPartStart, ...] = Field(
        default=tuple(DayPartStart(part=p, hour=h) for p, h in Calendar().part_starts),
        min_length=1,
        max_length=24,
    )
    months: tuple[MonthBody, ...] = Field(default=(), max_length=60)
    holidays: tuple[HolidayBody, ...] = Field(default=(), max_length=400)
    moon: MoonBody | None = None
    begins: FirstDayBody | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        try:
            self.calendar()
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return self

    def calendar(self) -> Calendar:
        """The calendar as the rules know it."""
        return Calendar(
            hours_per_day=self.hours_per_day,
            days_per_season=self.days_per_season,
            seasons=self.seasons,
            part_starts=tuple((start.part, start.hour) for start in self.part_starts),
            months=tuple(Month(**dict(month)) for month in self.months),
            holidays=tuple(Holiday(**dict(holiday)) for holiday in self.holidays),
            moon=None if self.moon is None else Moon(**dict(self.moon)),
            begins=None if self.begins is None else FirstDay(**dict(self.begins)),
        )

    @classmethod
    def of(cls, calendar: Calendar) -> Self:
        """The view of a calendar."""
        return cls(
            **calendar.model_dump(exclude={"part_starts"}),
            part_starts=tuple(DayPartStart(part=p, hour=h) for p, h in calendar.part_starts),
        )


class ChangeClock(Body):
    """What to change; what is left out stays.

    ``scale`` is game seconds a real second; ``advance_hours`` is game time to skip.
    """

    scale: float | None = Field(default=None, ge=MIN_SCALE, le=MAX_SCALE, allow_inf_nan=False)
    paused: bool | None = None
    advance_hours: float | None = Field(
        default=None, gt=0, le=MAX_ADVANCE_HOURS, allow_inf_nan=False
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.scale is None and self.paused is None and self.advance_hours is None:
            raise ValueError("name at least one thing to change")
        return self

    def change(self) -> ClockChange:
        """The change as the rules know it."""
        return ClockChange(**dict(self))
