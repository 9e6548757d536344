"""Worlds and their settings."""

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from loreloom.api.context import Context, context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller, DesignerCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import ApiError, ErrorCode, invalid
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import view_of
from loreloom.api.parts import ApiConfig
from loreloom.api.schemas.fields import After, Limit, WorldIdPath
from loreloom.api.schemas.worlds import (
    ChangeWorld,
    CreateWorld,
    WorldList,
    WorldView,
)
from loreloom.api.shaping import world_summary
from loreloom.api.starting import new_regions, world_starts
from loreloom.domain.calendar import Calendar
from loreloom.domain.clock import Clock
from loreloom.domain.ids import WorldId
from loreloom.knowledge.models import DEFAULT_CANON
from loreloom.state import worlds
from loreloom.state.worlds import WorldRecord

MAX_SEED = 2**53

router = APIRouter(tags=["worlds"])


@router.post(
    "/v1/worlds",
    operation_id="create_world",
    status_code=201,
    response_model=WorldView,
    responses=problems(409, 413, 415, 422),
    openapi_extra=takes(CreateWorld),
)
async def create_world(
    request: Request,
    caller: AnyCaller,
    body: Annotated[CreateWorld, Depends(JsonBody(CreateWorld))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Start a world: its clock and its weather run from now, and its chronicle begins."""
    context = context_of(request)
    store = context.parts.store

    async def create(attempt: Attempt) -> Answer:
        world_id = WorldId(attempt.new_id("world"))
        # Only a keyed request can find its world there: an earlier run of it made it.
        if attempt.seed is None or await worlds.find_world(store, world_id) is None:
            world = _new_world(context, world_id, body)
            starts = world_starts(world)
            await worlds.create_world(store, world, starts)
            await asyncio.gather(*(context.launcher.launch(start) for start in starts))
        return Answer(201, await view_of(request, world_id))

    return await once(store, caller, idempotency_key, request, said_by(body), create)


@router.get(
    "/v1/worlds",
    operation_id="list_worlds",
    response_model=WorldList,
    responses=problems(422),
)
async def list_worlds(
    request: Request, caller: AnyCaller, limit: Limit = 50, after: After = None
) -> Response:
    """All worlds, by their ids."""
    last = from_cursor("worlds", after)
    page = await worlds.list_worlds(context_of(request).parts.store, after=last, limit=limit)
    now = datetime.now(UTC)
    return answer(
        WorldList(
            items=tuple(world_summary(world, now) for world in page.items),
            next=to_cursor("worlds", page.next),
        )
    )


@router.get(
    "/v1/worlds/{world_id}",
    operation_id="get_world",
    response_model=WorldView,
    responses=problems(404),
)
async def get_world(request: Request, caller: AnyCaller, world_id: WorldIdPath) -> Response:
    """A world now: game time, season, weather by region, factions."""
    return answer(await view_of(request, world_id))


@router.patch(
    "/v1/worlds/{world_id}",
    operation_id="change_world",
    response_model=WorldView,
    responses=problems(404, 413, 415, 422),
    openapi_extra=takes(ChangeWorld),
)
async def change_world(
    request: Request,
    caller: DesignerCaller,
    world_id: WorldIdPath,
    body: Annotated[ChangeWorld, Depends(JsonBody(ChangeWorld))],
) -> Response:
    """Change a world's rating, budgets, or turn it to templates at once."""
    changes = body.model_dump(mode="json", exclude_none=True)
    if not changes:
        raise invalid("body", "name at least one thing to change")
    if not await worlds.change_world(context_of(request).parts.store, world_id, changes):
        raise ApiError(ErrorCode.UNKNOWN_WORLD, f"there is no world {world_id}")
    return answer(await view_of(request, world_id))


def _new_world(context: Context, world_id: WorldId, body: CreateWorld) -> WorldRecord:
    config = context.parts.config
    regions = body.regions
    if regions is None:
        regions = config.regions if body.canon == DEFAULT_CANON else ()
    by_world, by_player = body.world_daily_tokens, body.player_daily_tokens
    seed = body.seed if body.seed is not None else secrets.randbelow(MAX_SEED)
    calendar = _calendar(config, body)
    return WorldRecord(
        world_id=world_id,
        name=body.name,
        canon=body.canon,
        seed=seed,
        rating=body.rating or config.world_rating,
        templates_only=body.templates_only,
        world_daily_tokens=config.world_daily_tokens if by_world is None else by_world,
        player_daily_tokens=config.player_daily_tokens if by_player is None else by_player,
        calendar=calendar,
        clock=Clock(anchor=datetime.now(UTC)),
        regions=new_regions(config.climates, regions, seed, calendar),
    )


def _calendar(config: ApiConfig, body: CreateWorld) -> Calendar:
    if body.calendar is not None:
        return body.calendar.calendar()
    return config.calendar if body.canon == DEFAULT_CANON else Calendar()
