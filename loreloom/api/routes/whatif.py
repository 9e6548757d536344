"""Asking for texts again with something otherwise, where no player sees it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from loreloom.api import whatifs
from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import DesignerCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import the_world
from loreloom.api.schemas.fields import GenerationIdPath, WhatIfIdPath, WorldIdPath
from loreloom.api.schemas.whatif import (
    AskWhatIf,
    AskWhatIfSet,
    WhatIfCreated,
    WhatIfSetView,
    WhatIfView,
)
from loreloom.domain.ids import WhatIfId, whatif_workflow_id
from loreloom.domain.variation import Variation

router = APIRouter(tags=["what if"])


@router.post(
    "/v1/generations/{generation_id}/whatif",
    operation_id="ask_what_if",
    status_code=202,
    response_model=WhatIfCreated,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(AskWhatIf),
)
async def ask_what_if(
    request: Request,
    caller: DesignerCaller,
    generation_id: GenerationIdPath,
    body: Annotated[AskWhatIf, Depends(JsonBody(AskWhatIf))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask for a text again: same schema, same rules, and no player, budget or chronicle."""
    parts = context_of(request).parts

    async def create(attempt: Attempt) -> Answer:
        made = await whatifs.the_generation(parts, generation_id)
        whatif_id = WhatIfId(attempt.new_id("whatif"))
        await whatifs.begin(parts, whatif_id, made, Variation(**body.model_dump()))
        return Answer(202, _created(whatif_id))

    return await once(parts.store, caller, idempotency_key, request, said_by(body), create)


@router.get(
    "/v1/whatifs/{whatif_id}",
    operation_id="get_what_if",
    response_model=WhatIfView,
    responses=problems(404),
)
async def get_what_if(
    request: Request, caller: DesignerCaller, whatif_id: WhatIfIdPath
) -> Response:
    """A text then and now, side by side."""
    return answer(await whatifs.look(context_of(request).parts, whatif_id))


@router.post(
    "/v1/worlds/{world_id}/whatifs",
    operation_id="ask_what_if_set",
    status_code=202,
    response_model=WhatIfCreated,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(AskWhatIfSet),
)
async def ask_what_if_set(
    request: Request,
    caller: DesignerCaller,
    world_id: WorldIdPath,
    body: Annotated[AskWhatIfSet, Depends(JsonBody(AskWhatIfSet))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask for a world's newest texts of a purpose again, and count what changes."""
    parts = context_of(request).parts

    async def create(attempt: Attempt) -> Answer:
        await the_world(request, world_id)
        whatif_id = WhatIfId(attempt.new_id("whatif_set"))
        await whatifs.begin_set(parts, whatif_id, whatifs.set_of(world_id, body))
        return Answer(202, _created(whatif_id))

    return await once(parts.store, caller, idempotency_key, request, said_by(body), create)


@router.get(
    "/v1/whatif-sets/{whatif_id}",
    operation_id="get_what_if_set",
    response_model=WhatIfSetView,
    responses=problems(404),
)
async def get_what_if_set(
    request: Request, caller: DesignerCaller, whatif_id: WhatIfIdPath
) -> Response:
    """How far a set is, and what was counted, then and now."""
    return answer(await whatifs.look_at_set(context_of(request).parts, whatif_id))


def _created(whatif_id: WhatIfId) -> WhatIfCreated:
    return WhatIfCreated(whatif_id=whatif_id, workflow_id=whatif_workflow_id(whatif_id))
