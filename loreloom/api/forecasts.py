"""From a region's sky, and what was made of it, to what callers read."""

from datetime import datetime

from loreloom.api.schemas.fields import GameTimeView
from loreloom.api.schemas.weather import Forecast, ForecastHour, RegionWeather, WeatherNow
from loreloom.domain.calendar import HOUR
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


def forecast_view(world: WorldRecord, region: RegionRecord, now: datetime, hours: int) -> Forecast:
    """The weather now and at each hour of game time from now on."""
    began = world.clock.game_seconds(now)
    coming = outlook(region.sky, region.imposed, began, hours)
    return Forecast(
        world_id=world.world_id,
        region=region.region,
        hours=tuple(
            ForecastHour(
                **hour.model_dump(exclude={"hour"}),
                at=None if world.clock.paused else now + world.clock.real_span(n * HOUR),
                game_time=GameTimeView.of(world.calendar.read(began + n * HOUR)),
            )
            for n, hour in enumerate(coming)
        ),
    )
