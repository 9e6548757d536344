"""The weather of any hour, computed: what the sky does by itself, and what was made of it.

In each game hour all weathers share two draws: whether the weather may turn, and to which candidate
of the season. It turns if the candidate may follow. So the weather of an hour is found by coupling
from the past (Propp and Wilson, 1996): go back as many hours as it takes until every weather that
might have been then leads to the same one now. Nothing is stored, any hour can be asked for, and
each weather takes exactly the share of hours that its climate says
(docs/decisions/0005-weather-by-coupling.md).
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from math import cos, pi

from pydantic import BaseModel, ConfigDict

from loreloom.domain.calendar import Calendar
from loreloom.domain.chance import chance
from loreloom.domain.climate import Climate, ClimateSeason
from loreloom.domain.weather import Weather

WARMEST_HOUR = 0.6
"""The warmest moment of a day, as a part of it."""

BLEND_DAYS = 10
"""Days in which the last season's temperature fades."""

KNOT_HOURS = 6
"""Hours between the points that the smooth noise goes through."""

UNREST = 2.5
"""How far the noise takes the temperature from its course, in °C."""


class Sky(BaseModel):
    """All that decides a sky's weather. Skies of one name and seed make the same draws."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    seed: int
    climate: Climate
    calendar: Calendar

    def __hash__(self) -> int:
        return hash((self.name, self.seed, self.climate))


class HourOfWeather(BaseModel):
    """An hour's weather: °C, km/h, percent, and from 0 to 1 how strongly the state shows.

    ``hour`` counts game hours since the world began.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hour: int
    state: Weather
    temperature: float
    wind: float
    humidity: float
    intensity: float


@lru_cache(maxsize=16_384)
def state_at(sky: Sky, hour: int) -> Weather:
    """The sky's own weather in an hour. Hours before the world began had weather too."""
    # For each weather that might have been before the hour ``past``: what it has led to by now.
    led_to = {state: state for state in sorted(sky.climate.weathers)}
    seasons, past = _Seasons(sky), hour
    while len(set(led_to.values())) > 1:
        candidate = _candidate(sky, seasons, past)
        if candidate is not None:
            follows = sky.climate.after(candidate)
            led_to |= {state: led_to[candidate] for state in led_to if state in follows}
        past -= 1
    return next(iter(led_to.values()))


def states_from(sky: Sky, hour: int) -> Iterator[Weather]:
    """The sky's own weather in an hour and in each hour after it, without an end."""
    state, seasons = state_at(sky, hour), _Seasons(sky)
    while True:
        yield state
        hour += 1
        candidate = _candidate(sky, seasons, hour)
        if candidate is not None and candidate in sky.climate.after(state):
            state = candidate


def forecast(sky: Sky, from_hour: int, hours: int) -> tuple[HourOfWeather, ...]:
    """What the sky does by itself in some hours from one on: exactly what will happen."""
    return hours_of(sky, from_hour, islice(states_from(sky, from_hour), hours))


def hours_of(sky: Sky, from_hour: int, states: Iterable[Weather]) -> tuple[HourOfWeather, ...]:
    """What hours are like that have these states, be they the sky's own or made ones."""
    seasons = _Seasons(sky)
    return tuple(_hour(sky, seasons, from_hour + n, state) for n, state in enumerate(states))


class _Seasons:
    """The seasons of a sky's days, each looked up once."""

    def __init__(self, sky: Sky) -> None:
        self._climate = sky.climate
        self._calendar = sky.calendar
        self._days: dict[int, str] = {}

    def at(self, hour: int) -> ClimateSeason:
        """The climate's season in an hour."""
        return self._season(self._name(hour // self._calendar.hours_per_day))

    def temperature(self, hour: int) -> float:
        """The mean temperature, moving from the last season's to this one's."""
        today = hour // self._calendar.hours_per_day
        name = self._name(today)
        mean = self._season(name).temperature
        for days in range(1, BLEND_DAYS + 1):
            before = self._name(today - days)
            if before != name:
                passed = (
                    days - 1 + hour % self._calendar.hours_per_day / self._calendar.hours_per_day
                )
                last = self._season(before).temperature
                return last + (mean - last) * min(1.0, passed / BLEND_DAYS)
        return mean

    def _season(self, name: str) -> ClimateSeason:
        names = self._calendar.seasons
        return self._climate.season(name, names.index(name), len(names))

    def _name(self, day: int) -> str:
        if day not in self._days:
            self._days[day] = self._calendar.read(day * self._calendar.seconds_per_day).season
        return self._days[day]


def _candidate(sky: Sky, seasons: _Seasons, hour: int) -> Weather | None:
    """The weather that the sky would turn to in an hour; the same whatever it was before."""
    if chance(sky.seed, "sky", sky.name, hour, "restless") * sky.climate.hours_between >= 1:
        return None
    return seasons.at(hour).candidate(chance(sky.seed, "sky", sky.name, hour, "candidate"))


def _hour(sky: Sky, seasons: _Seasons, hour: int, state: Weather) -> HourOfWeather:
    values, day = sky.climate.values(state), sky.calendar.hours_per_day
    course = cos(2 * pi * (hour % day / day - WARMEST_HOUR)) * seasons.at(hour).swing
    unrest = UNREST * (2 * _noise(sky, "temperature", hour) - 1)
    temperature = seasons.temperature(hour) + course + values.warmth + unrest
    return HourOfWeather(
        hour=hour,
        state=state,
        temperature=round(min(values.warmest, max(values.coldest, temperature)), 1),
        wind=round(_between(values.wind, _noise(sky, "wind", hour)), 1),
        humidity=round(_between(values.humidity, _noise(sky, "humidity", hour)), 1),
        intensity=round(_between(values.intensity, _noise(sky, "intensity", hour)), 2),
    )


def _between(bounds: tuple[float, float], part: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * part


def _noise(sky: Sky, what: str, hour: int) -> float:
    """A number in [0, 1) that moves smoothly from hour to hour."""
    knot, rest = divmod(hour, KNOT_HOURS)
    before, after = (chance(sky.seed, "sky", sky.name, what, k) for k in (knot, knot + 1))
    return before + (after - before) * (1 - cos(pi * rest / KNOT_HOURS)) / 2
