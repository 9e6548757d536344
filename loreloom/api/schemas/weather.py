"""The weather of a world's regions, as callers send and get it."""

from datetime import datetime

from pydantic import Field

from loreloom.api.schemas.fields import Body, GameTimeView, View
from loreloom.domain.ids import WorldId
from loreloom.domain.weather import Weather

MAX_FORECAST_HOURS = 1000


class MakeWeather(Body):
    """A weather to make now; ``hours`` of game time, or until another is made."""

    state: Weather
    hours: float | None = Field(default=None, gt=0, le=100_000, allow_inf_nan=False)


class HourView(View):
    """A state and its values: °C, km/h, percent; ``intensity`` is 0 to 1."""

    state: Weather
    temperature: float
    wind: float
    humidity: float
    intensity: float


class WeatherNow(HourView):
    """The weather of a region now.

    ``until`` is the game second at which it ends: a weather that was made by its order, the sky's
    own by the forecast; null if the order gave none, or the sky's next 1000 hours bring none.
    ``imposed`` says that somebody made it.
    """

    until: int | None
    imposed: bool


class RegionWeather(WeatherNow):
    """A region's weather at ``game_time``. ``by`` is who made it, if somebody did."""

    world_id: WorldId
    region: str
    climate: str
    by: str | None
    game_time: GameTimeView


class ForecastHour(HourView):
    """The weather of one moment to come.

    ``at`` is null while the world's clock is paused, and past the year 9999.
    """

    at: datetime | None
    game_time: GameTimeView


class Forecast(View):
    """What comes, one moment an hour of game time. Exact unless somebody intervenes."""

    world_id: WorldId
    region: str
    hours: tuple[ForecastHour, ...]
