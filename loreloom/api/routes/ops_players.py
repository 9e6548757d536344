"""What ops do for one player: put their rows right, take out what is kept of them, erase it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import OpsCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import the_player, the_world
from loreloom.api.ops.players import CURSOR, erase_player, export_player
from loreloom.api.ops.repairing import repair_player, repairs_view
from loreloom.api.schemas.fields import After, Limit, PlayerIdPath, WorldIdPath
from loreloom.api.schemas.ops_players import (
    EraseBody,
    ErasureList,
    ErasureView,
    KeptErasureView,
    PlayerExport,
    RepairBody,
    RepairList,
)
from loreloom.api.schemas.players import PlayerView
from loreloom.state import erasures
from loreloom.state.personal import Whose

router = APIRouter(tags=["ops"])


@router.patch(
    "/v1/ops/worlds/{world_id}/players/{player_id}",
    operation_id="repair_player",
    response_model=PlayerView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(RepairBody),
)
async def repair_player_rows(
    request: Request,
    caller: OpsCaller,
    world_id: WorldIdPath,
    player_id: PlayerIdPath,
    body: Annotated[RepairBody, Depends(JsonBody(RepairBody))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Put a player's rows right: what is named is so afterwards, whatever it was before.

    Who did it, when, why and what stood there is kept for ops; the chronicle tells what changed.
    """
    store = context_of(request).parts.store

    async def repair(attempt: Attempt) -> Answer:
        whose, repair_id = Whose(world_id, player_id), attempt.new_id("repair")
        await repair_player(store, whose, body, caller.name, repair_id)
        player = await the_player(request, world_id, player_id)
        return Answer(200, PlayerView(**player.model_dump()))

    return await once(store, caller, idempotency_key, request, said_by(body), repair)


@router.get(
    "/v1/ops/worlds/{world_id}/players/{player_id}/repairs",
    operation_id="list_player_repairs",
    response_model=RepairList,
    responses=problems(404),
)
async def list_player_repairs(
    request: Request, caller: OpsCaller, world_id: WorldIdPath, player_id: PlayerIdPath
) -> Response:
    """What ops put right in a player's rows, who, when and why, the newest first."""
    await the_player(request, world_id, player_id)
    return answer(await repairs_view(context_of(request).parts.store, Whose(world_id, player_id)))


@router.get(
    "/v1/ops/worlds/{world_id}/players/{player_id}/export",
    operation_id="export_player",
    response_model=PlayerExport,
    responses=problems(404, 422),
)
async def export_player_data(
    request: Request,
    caller: OpsCaller,
    world_id: WorldIdPath,
    player_id: PlayerIdPath,
    workflows_after: After = None,
) -> Response:
    """All that is kept of a player as one file: rows, stories, histories.

    It holds a hundred of the stories; `next` as `workflows_after` gives the next hundred.
    """
    await the_world(request, world_id)
    await the_player(request, world_id, player_id)
    context = context_of(request)
    parts, whose = context.parts, Whose(world_id, player_id)
    after = from_cursor(CURSOR, workflows_after)
    return answer(await export_player(parts.store, parts.temporal, context.stories, whose, after))


@router.post(
    "/v1/ops/worlds/{world_id}/players/{player_id}/erase",
    operation_id="erase_player",
    status_code=202,
    response_model=ErasureView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(EraseBody),
)
async def erase_player_data(
    request: Request,
    caller: OpsCaller,
    world_id: WorldIdPath,
    player_id: PlayerIdPath,
    body: Annotated[EraseBody, Depends(JsonBody(EraseBody))],
) -> Response:
    """Erase a player: rows and histories. What the books need stays under a pseudonym.

    It goes on if a process dies meanwhile, and cannot be undone. With `dry_run` the answer says
    what would be erased, and nothing happens.
    """
    await the_world(request, world_id)
    await the_player(request, world_id, player_id)
    whose = Whose(world_id, player_id)
    return answer(await erase_player(context_of(request).parts, whose, body, caller.name), 202)


@router.get(
    "/v1/ops/erasures",
    operation_id="list_erasures",
    response_model=ErasureList,
    responses=problems(422),
)
async def list_erasures(
    request: Request, caller: OpsCaller, limit: Limit = 50, after: After = None
) -> Response:
    """Who erased players when and why, newest first."""
    store = context_of(request).parts.store
    page = await erasures.listed(store, after=from_cursor("erasures", after), limit=limit)
    return answer(
        ErasureList(
            items=tuple(KeptErasureView(**kept.model_dump()) for kept in page.items),
            next=to_cursor("erasures", page.next),
        )
    )
