"""A world's clock: paused, resumed, scaled and advanced."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import problems
from loreloom.api.http.auth import AnyCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import the_world, view_of
from loreloom.api.schemas.clock import ChangeClock
from loreloom.api.schemas.fields import WorldIdPath
from loreloom.api.schemas.worlds import WorldView

router = APIRouter(tags=["worlds"])


@router.patch(
    "/v1/worlds/{world_id}/clock",
    operation_id="change_clock",
    response_model=WorldView,
    responses=problems(404, 409, 413, 415, 422, 429, 503),
    openapi_extra=takes(ChangeClock),
)
async def change_clock(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    body: Annotated[ChangeClock, Depends(JsonBody(ChangeClock))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Pause, resume, scale or advance a world's time, from this moment on; ``clock.changed`` tells.

    Time goes on from where it stands, but for what is advanced. Advancing twice skips twice: send
    an ``Idempotency-Key`` to be able to repeat the request.
    """
    context = context_of(request)

    async def change(attempt: Attempt) -> Answer:
        await the_world(request, world_id)
        await context.orders.change_clock(world_id, attempt.new_id("order"), body.change())
        return Answer(200, await view_of(request, world_id))

    return await once(context.parts.store, caller, idempotency_key, request, said_by(body), change)
