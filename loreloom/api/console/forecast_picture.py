"""A region's forecast as a picture, computed here and drawn by a template as SVG.

The picture says nothing that its sentence does not: readers that see no pictures get the latter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from loreloom.api.schemas.weather import Forecast, ForecastHour
from loreloom.domain.weather import Weather

HOUR_WIDTH = 12
CURVE_TOP, CURVE_BOTTOM = 14, 40
LEAST_SPAN = 6.0
"""Degrees that the curve's height stands for at least, so that a calm day looks calm."""
LETTER_WIDTH = 6.2
NIGHT = "night"


@dataclass(frozen=True, slots=True)
class Run:
    """Hours in a row of one weather: where they lie in the picture, and its name if it fits."""

    x: int
    width: int
    state: Weather
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Where a day begins."""

    x: int
    label: str


@dataclass(frozen=True, slots=True)
class ForecastPicture:
    """What is drawn. ``curve`` is the temperature as an SVG polyline's points."""

    width: int
    runs: tuple[Run, ...]
    nights: tuple[tuple[int, int], ...]
    ticks: tuple[Tick, ...]
    curve: str
    low: float
    high: float
    sentence: str


def picture_of(forecast: Forecast) -> ForecastPicture:
    """The picture of a forecast of at least one hour."""
    hours = forecast.hours
    temperatures = [hour.temperature for hour in hours]
    return ForecastPicture(
        width=len(hours) * HOUR_WIDTH,
        runs=tuple(_runs(hours)),
        nights=tuple(_nights(hours)),
        ticks=tuple(_ticks(hours)),
        curve=_curve(temperatures),
        low=min(temperatures),
        high=max(temperatures),
        sentence=_sentence(hours),
    )


def _runs(hours: Sequence[ForecastHour]) -> list[Run]:
    found, x = [], 0
    for state, same in groupby(hours, key=lambda hour: hour.state):
        width = len(list(same)) * HOUR_WIDTH
        name = state.replace("_", " ")
        found.append(Run(x, width, state, name if len(name) * LETTER_WIDTH < width else ""))
        x += width
    return found


def _nights(hours: Sequence[ForecastHour]) -> list[tuple[int, int]]:
    found, x = [], 0
    for is_night, same in groupby(hours, key=lambda hour: hour.game_time.part == NIGHT):
        width = len(list(same)) * HOUR_WIDTH
        if is_night:
            found.append((x, width))
        x += width
    return found


def _ticks(hours: Sequence[ForecastHour]) -> list[Tick]:
    return [
        Tick(n * HOUR_WIDTH, _day(later))
        for n, (earlier, later) in enumerate(pairwise(hours), start=1)
        if _day(earlier) != _day(later)
    ]


def _day(hour: ForecastHour) -> str:
    time = hour.game_time
    if time.month is not None:
        return f"{time.day_of_month} {time.month}"
    return f"day {time.day}"


def _curve(temperatures: Sequence[float]) -> str:
    low, high = min(temperatures), max(temperatures)
    middle, span = (low + high) / 2, max(LEAST_SPAN, high - low)
    height = CURVE_BOTTOM - CURVE_TOP
    return " ".join(
        f"{n * HOUR_WIDTH + HOUR_WIDTH // 2},"
        f"{CURVE_TOP + height * (0.5 - (value - middle) / span):.1f}"
        for n, value in enumerate(temperatures)
    )


def _sentence(hours: Sequence[ForecastHour]) -> str:
    parts = []
    for state, same in groupby(hours, key=lambda hour: hour.state):
        first, *_ = run = list(same)
        begins = f"{_day(first)} {first.game_time.hour:02}:{first.game_time.minute:02}"
        when = "now" if first is hours[0] else f"from {begins}"
        parts.append(f"{state.replace('_', ' ')} {when} for {len(run)} h")
    temperatures = [hour.temperature for hour in hours]
    span = f"between {round(min(temperatures))} and {round(max(temperatures))} °C"
    return f"{'; '.join(parts)}; {span}"
