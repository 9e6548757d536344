"""From a region's sky, and what was made of it, to what callers read."""

from datetime import datetime

from loreloom.api.schemas.fields import GameTimeView
from loreloom.api.schemas.weather import Forecast, ForecastHour, RegionWeather, WeatherNow
from loreloom.domain.calendar import HOUR
from loreloom.domain.clock import Clock
from loreloom.domain.imposed import next_change, outlook, standing_at
from loreloom.domain.sky import hours_of
from loreloom.state.regions import RegionRecord
from loreloom.state.worlds import WorldRecord


def weather_now(region: RegionRecord, seconds: int) -> WeatherNow:
    """A region's weather at a moment of game time."""
    standing = standing_at(region.sky, region.imposed, seconds)
    made = standing.imposition
    if made is not None:
        until = made.until_seconds
    else:
        following = next_change(region.sky, region.imposed, seconds)
        until = following.seconds if following else None
    (hour,) = hours_of(region.sky, seconds // HOUR, [standing.state])
    return WeatherNow(**hour.model_dump(exclude={"hour"}), until=until, imposed=made is not None)


def region_weather(world: WorldRecord, region: RegionRecord, seconds: int) -> RegionWeather:
    """A region's weather at a moment of game time, with all that can be said of it."""
    made = standing_at(region.sky, region.imposed, seconds).imposition
    return RegionWeather(
        **dict(weather_now(region, seconds)),
        world_id=world.world_id,
        region=region.region,
        climate=region.sky.climate.name,
        by=made.by if made else None,
        game_time=GameTimeView.of(world.calendar.read(seconds)),
    )


def forecast_view(
    world: WorldRecord, region: RegionRecord, now: datetime, hours: int, from_hour: int = 0
) -> Forecast:
    """The weather at each hour of game time from some hours after now on."""
    began = world.clock.game_seconds(now)
    coming = outlook(region.sky, region.imposed, began + from_hour * HOUR, hours)
    return Forecast(
        world_id=world.world_id,
        region=region.region,
        hours=tuple(
            ForecastHour(
                **hour.model_dump(exclude={"hour"}),
                at=_in_hours(world.clock, now, n),
                game_time=GameTimeView.of(world.calendar.read(began + n * HOUR)),
            )
            for n, hour in enumerate(coming, start=from_hour)
        ),
    )


def _in_hours(clock: Clock, now: datetime, hours: int) -> datetime | None:
    """The real moment some hours of game time after another; ``None`` if no date is that late."""
    if clock.paused:
        return None
    try:
        return now + clock.real_span(hours * HOUR)
    except OverflowError:
        return None
