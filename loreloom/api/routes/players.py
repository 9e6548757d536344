"""Players of a world."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller, GameCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import the_player, the_world
from loreloom.api.schemas.fields import PlayerIdPath, WorldIdPath
from loreloom.api.schemas.players import CreatePlayer, PlayerView
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state import players

router = APIRouter(tags=["players"])


@router.post(
    "/v1/worlds/{world_id}/players",
    operation_id="create_player",
    status_code=201,
    response_model=PlayerView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(CreatePlayer),
)
async def create_player(
    request: Request,
    caller: GameCaller,
    world_id: WorldIdPath,
    body: Annotated[CreatePlayer, Depends(JsonBody(CreatePlayer))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add a player to a world, under the game's own id."""
    store = context_of(request).parts.store

    async def create(attempt: Attempt) -> Answer:
        await the_world(request, world_id)
        made = await players.create_player(store, world_id, body.player_id, body.name, body.level)
        # A run that was cut off may have made the player; then it is this request's own.
        if not made and not attempt.resumed:
            raise ApiError(
                ErrorCode.PLAYER_EXISTS, f"the world has a player {body.player_id} already"
            )
        return Answer(201, await _view(request, world_id, body.player_id))

    return await once(store, caller, idempotency_key, request, said_by(body), create)


@router.get(
    "/v1/worlds/{world_id}/players/{player_id}",
    operation_id="get_player",
    response_model=PlayerView,
    responses=problems(404),
)
async def get_player(
    request: Request, caller: AnyCaller, world_id: WorldIdPath, player_id: PlayerIdPath
) -> Response:
    """A player: level, experience, coin, inventory, standing by faction, entitlements."""
    return answer(await _view(request, world_id, player_id))


async def _view(request: Request, world_id: WorldId, player_id: PlayerId) -> PlayerView:
    player = await the_player(request, world_id, player_id)
    return PlayerView(**player.model_dump())
