"""The canon: documents, passages, entities, and the search with its reasons."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response

from loreloom.api.console.finding import Empty, OfDocument, OfName, OfPlayer, OfWorld
from loreloom.api.console.pages import page
from loreloom.api.console.session import Reader
from loreloom.api.context import context_of
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.lookups import the_world
from loreloom.api.schemas.fields import (
    CANON,
    ID,
    MAX_BIGINT,
    After,
    DocumentIdPath,
    EntityIdPath,
)
from loreloom.api.viewpoints import viewpoint_of
from loreloom.domain.canon import EntityKind
from loreloom.domain.ids import CanonName, PassageId, PlayerId, WorldId
from loreloom.knowledge import documents, entities
from loreloom.knowledge.models import (
    MAX_QUERY_CHARACTERS,
    DocumentState,
    EntityQuery,
    Hit,
    SearchRequest,
)
from loreloom.knowledge.passages import (
    passages_by_id,
    passages_of_document,
    passages_of_entity,
)
from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.knowledge.search import search

PAGE = 100
HITS = 20
PASSAGES = 60
NAMED_IN = 30

router = APIRouter()

CanonPath = Annotated[CanonName, Path(pattern=CANON)]


@router.get("/canon/{canon}")
async def show_canon(
    request: Request,
    reader: Reader,
    canon: CanonPath,
    q: Annotated[str, Query(max_length=MAX_QUERY_CHARACTERS, pattern=r"^[^\x00]*$")] = "",
    world_id: OfWorld = None,
    player_id: OfPlayer = None,
    entity: OfName = None,
    document: OfDocument = None,
    state: DocumentState | Empty | None = None,
    after: After = None,
) -> Response:
    """The search of a canon, as a designer or as a player is answered, and its documents."""
    context = context_of(request)
    store = context.parts.store
    world = await the_world(request, WorldId(world_id)) if world_id else None
    hits: list[Hit] | None = None
    if q.strip():
        seen_from = await viewpoint_of(
            context,
            reader,
            canon,
            WorldId(world_id) if world_id else None,
            PlayerId(player_id) if player_id else None,
        )
        wanted = SearchRequest(
            canon=seen_from.canon,
            query=q,
            limit=HITS,
            document=document or None,
            entity=entity or None,
            viewpoint=seen_from.viewpoint,
        )
        hits = await search(store, context.parts.embedder, wanted)
    found = await documents.list_documents(
        store,
        canon,
        after=from_cursor("documents", after),
        limit=PAGE,
        state=DocumentState(state) if state else None,
    )
    return page(
        request,
        "canon.html",
        world=world,
        canon=canon,
        asked=dict(request.query_params),
        hits=hits,
        documents=found.items,
        next=to_cursor("documents", found.next),
    )


@router.get("/canon/{canon}/entities")
async def list_entities(
    request: Request,
    reader: Reader,
    canon: CanonPath,
    kind: EntityKind | Empty | None = None,
    name: OfName = None,
    after: After = None,
) -> Response:
    """A canon's entities by name, those that are hidden too."""
    found = await entities.list_entities(
        context_of(request).parts.store,
        EntityQuery(
            canon=canon,
            kind=EntityKind(kind) if kind else None,
            name=name or None,
            include_hidden=True,
            after=from_cursor("entities", after),
            limit=PAGE,
        ),
    )
    asked = {k: v for k, v in request.query_params.items() if v and k != "after"}
    return page(
        request,
        "entities.html",
        canon=canon,
        entities=found.items,
        next=to_cursor("entities", found.next),
        asked=asked,
        query=urlencode(asked),
        kinds=list(EntityKind),
    )


@router.get("/entities/{entity_id}")
async def show_entity(request: Request, reader: Reader, entity_id: EntityIdPath) -> Response:
    """One entity: its names, its ties, and the passages that speak of it."""
    store = context_of(request).parts.store
    entity = await entities.get_entity(store, entity_id)
    return page(
        request,
        "entity.html",
        canon=entity.canon,
        entity=entity,
        passages=await passages_of_entity(store, entity_id, limit=NAMED_IN),
    )


@router.get("/documents/{document_id}")
async def show_document(
    request: Request,
    reader: Reader,
    document_id: DocumentIdPath,
    after: Annotated[int, Query(ge=-1, le=MAX_BIGINT)] = -1,
) -> Response:
    """A document's passages as they stand in it."""
    store = context_of(request).parts.store
    document = await documents.get_document(store, document_id)
    found = await passages_of_document(store, document_id, after=after, limit=PASSAGES + 1)
    shown = found[:PASSAGES]
    return page(
        request,
        "document.html",
        canon=document.canon,
        document=document,
        passages=shown,
        next=str(shown[-1].position) if len(found) > PASSAGES else None,
    )


@router.get("/passages/{passage_id}")
async def show_passage(
    request: Request, reader: Reader, passage_id: Annotated[PassageId, Path(pattern=ID)]
) -> Response:
    """A passage where it stands: between the one before and the one after."""
    store = context_of(request).parts.store
    passage = (await passages_by_id(store, [passage_id])).get(passage_id)
    if passage is None:
        detail = f"the canon has no passage {passage_id} any more"
        raise LoreProblem(LoreCode.UNKNOWN_DOCUMENT, detail)
    around = await passages_of_document(
        store, passage.document_id, after=passage.position - 2, limit=3
    )
    return page(request, "passage.html", canon=passage.canon, passage=passage, around=around)
