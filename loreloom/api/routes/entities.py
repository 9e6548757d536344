"""Entities of a canon, and what a designer corrects in them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller, DesignerCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import invalid
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import the_canon
from loreloom.api.schemas.fields import ID, NAME, After, EntityIdPath, Limit, OfCanon
from loreloom.api.schemas.lore import AddEntity, CorrectEntity, EntityList, MergeEntity
from loreloom.api.viewpoints import viewpoint_of
from loreloom.domain.canon import EntityKind
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.knowledge import entities
from loreloom.knowledge.models import EntityCorrection, EntityQuery, EntityView, NewEntity
from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.knowledge.resolving import entity_id_of

router = APIRouter(tags=["canon"])


@router.get(
    "/v1/lore/entities",
    operation_id="list_entities",
    response_model=EntityList,
    responses=problems(404, 422),
)
async def list_entities(
    request: Request,
    caller: AnyCaller,
    canon: OfCanon = None,
    kind: EntityKind | None = None,
    name: Annotated[str | None, Query(max_length=200, pattern=NAME)] = None,
    hidden: Annotated[bool, Query(description="Hidden ones too; for designers.")] = False,
    player_id: Annotated[PlayerId | None, Query(pattern=ID)] = None,
    world_id: Annotated[WorldId | None, Query(pattern=ID)] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """A canon's entities by name, with aliases and ties, as the caller or its player knows them."""
    context = context_of(request)
    seen_from = await viewpoint_of(context, caller, canon, world_id, player_id)
    page = await entities.list_entities(
        context.parts.store,
        EntityQuery(
            canon=seen_from.canon,
            kind=kind,
            name=name,
            viewpoint=seen_from.viewpoint,
            include_hidden=hidden and seen_from.viewpoint.sees_all,
            after=from_cursor("entities", after),
            limit=limit,
        ),
    )
    return answer(EntityList(items=page.items, next=to_cursor("entities", page.next)))


@router.post(
    "/v1/lore/entities",
    operation_id="add_entity",
    status_code=201,
    response_model=EntityView,
    responses=problems(409, 413, 415, 422),
    openapi_extra=takes(AddEntity),
)
async def add_entity(
    request: Request,
    caller: DesignerCaller,
    body: Annotated[AddEntity, Depends(JsonBody(AddEntity))],
    canon: OfCanon = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add an entity that no document names."""
    store = context_of(request).parts.store
    wanted = NewEntity(**{**body.model_dump(), "canon": the_canon(body.canon, canon)})

    async def create(attempt: Attempt) -> Answer:
        try:
            added = await entities.add_entity(store, wanted)
        except LoreProblem as problem:
            # A run that was cut off may have added it; then it is this request's own.
            if problem.code is not LoreCode.NAME_TAKEN or not attempt.resumed:
                raise
            added = await entities.get_entity(store, entity_id_of(wanted.canon, wanted.name))
        return Answer(201, added)

    return await once(store, caller, idempotency_key, request, said_by(body), create)


@router.patch(
    "/v1/lore/entities/{entity_id}",
    operation_id="correct_entity",
    response_model=EntityView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(CorrectEntity),
)
async def correct_entity(
    request: Request,
    caller: DesignerCaller,
    entity_id: EntityIdPath,
    body: Annotated[CorrectEntity, Depends(JsonBody(CorrectEntity))],
) -> Response:
    """Correct an entity's name, kind or aliases, or hide it. Survives a new ingestion."""
    given = body.model_dump(exclude_unset=True)
    if not given:
        raise invalid("body", "name at least one thing to correct")
    corrected = await entities.correct_entity(
        context_of(request).parts.store, entity_id, EntityCorrection(**given)
    )
    return answer(corrected)


@router.delete(
    "/v1/lore/entities/{entity_id}",
    operation_id="hide_entity",
    status_code=204,
    responses=problems(404),
)
async def hide_entity(
    request: Request, caller: DesignerCaller, entity_id: EntityIdPath
) -> Response:
    """Hide an entity: nobody but designers sees it, and no quest names it. A PATCH brings it back.

    The documents still name it, so it cannot be gone for good.
    """
    await entities.correct_entity(
        context_of(request).parts.store, entity_id, EntityCorrection(hidden=True)
    )
    return Response(status_code=204)


@router.post(
    "/v1/lore/entities/{entity_id}/merge",
    operation_id="merge_entity",
    response_model=EntityView,
    responses=problems(404, 413, 415, 422),
    openapi_extra=takes(MergeEntity),
)
async def merge_entity(
    request: Request,
    caller: DesignerCaller,
    entity_id: EntityIdPath,
    body: Annotated[MergeEntity, Depends(JsonBody(MergeEntity))],
) -> Response:
    """Say that this entity is another name of that one."""
    merged = await entities.merge_entities(
        context_of(request).parts.store, entity_id, into=body.into
    )
    return answer(merged)
