"""The weather of a world's regions: now, to come, and made."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from loreloom.activities.signatures.weather import Imposed
from loreloom.api.context import context_of
from loreloom.api.forecasts import forecast_view, region_weather
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.lookups import the_region, the_world
from loreloom.api.schemas.fields import RegionPath, WorldIdPath
from loreloom.api.schemas.weather import MAX_FORECAST_HOURS, Forecast, MakeWeather, RegionWeather
from loreloom.domain.calendar import HOUR
from loreloom.domain.clock import MAX_GAME_SECONDS
from loreloom.domain.ids import WorldId
from loreloom.workflows.signatures import ClearWeather, ImposeWeather

ADDRESS = "/v1/worlds/{world_id}/regions/{region}"

Hours = Annotated[
    int, Query(ge=1, le=MAX_FORECAST_HOURS, description="How many hours of game time to tell of.")
]
FromHour = Annotated[
    int,
    Query(
        ge=0,
        le=MAX_GAME_SECONDS // HOUR,
        description="How many hours of game time after now the first of them is.",
    ),
]

router = APIRouter(tags=["weather"])


@router.get(
    f"{ADDRESS}/weather",
    operation_id="get_weather",
    response_model=RegionWeather,
    responses=problems(404, 422),
)
async def get_weather(
    request: Request, caller: AnyCaller, world_id: WorldIdPath, region: RegionPath
) -> Response:
    """A region's weather now, and until when."""
    world = await the_world(request, world_id)
    seconds = world.clock.game_seconds(datetime.now(UTC))
    return answer(region_weather(world, the_region(world, region), seconds))


@router.put(
    f"{ADDRESS}/weather",
    operation_id="make_weather",
    response_model=RegionWeather,
    responses=problems(404, 413, 415, 422, 429),
    openapi_extra=takes(MakeWeather),
)
async def make_weather(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    region: RegionPath,
    body: Annotated[MakeWeather, Depends(JsonBody(MakeWeather))],
) -> Response:
    """Make a region's weather now, for some hours of game time or until another is made."""
    the_region(await the_world(request, world_id), region)
    order = ImposeWeather(state=body.state, hours=body.hours, by=caller.name)
    made = await context_of(request).orders.impose(world_id, region, order)
    return await _as_made(request, world_id, region, made)


@router.delete(
    f"{ADDRESS}/weather",
    operation_id="clear_weather",
    response_model=RegionWeather,
    responses=problems(404, 422, 429),
)
async def clear_weather(
    request: Request, caller: AnyCaller, world_id: WorldIdPath, region: RegionPath
) -> Response:
    """End whatever weather was made; the sky's own counts again. The answer is that weather."""
    the_region(await the_world(request, world_id), region)
    order = ClearWeather(by=caller.name)
    cleared = await context_of(request).orders.clear(world_id, region, order)
    return await _as_made(request, world_id, region, cleared)


@router.get(
    f"{ADDRESS}/forecast",
    operation_id="get_forecast",
    response_model=Forecast,
    responses=problems(404, 422),
)
async def get_forecast(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    region: RegionPath,
    hours: Hours = 48,
    from_hour: FromHour = 0,
) -> Response:
    """What comes, one moment an hour of game time; exact unless somebody intervenes.

    It begins with now, or ``from_hour`` hours later: any hour can be reached, page by page.
    """
    world = await the_world(request, world_id)
    now = datetime.now(UTC)
    return answer(forecast_view(world, the_region(world, region), now, hours, from_hour))


async def _as_made(request: Request, world_id: WorldId, region: str, made: Imposed) -> Response:
    """The weather at the very moment from which an order counts."""
    world = await the_world(request, world_id)
    return answer(region_weather(world, the_region(world, region), made.from_seconds))
