"""Documents of a canon, and the search over them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller, DesignerCaller
from loreloom.api.http.bodies import parse, read_bytes, require_type
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import ApiError, ErrorCode, invalid
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once
from loreloom.api.lookups import the_canon, the_document
from loreloom.api.schemas.fields import ID, NAME, After, CanonQuery, DocumentIdPath, Limit, OfCanon
from loreloom.api.schemas.lore import (
    DOCUMENT_NAME,
    DocumentList,
    DocumentReceived,
    PostDocument,
    SearchAnswer,
)
from loreloom.api.viewpoints import viewpoint_of
from loreloom.domain.ids import CanonName, PlayerId, WorldId
from loreloom.knowledge import documents
from loreloom.knowledge.decoding import codec_of
from loreloom.knowledge.models import (
    DEFAULT_CANON,
    MAX_DOCUMENT_BYTES,
    MAX_QUERY_CHARACTERS,
    DocumentState,
    DocumentUpload,
    DocumentView,
    SearchRequest,
)
from loreloom.knowledge.search import search
from loreloom.state.starts import PlannedStart

MAX_HITS = 100
MAX_JSON_BYTES = 2 * MAX_DOCUMENT_BYTES + 64 * 1024
"""A document of full size as JSON: escapes can double it."""

JSON, MARKDOWN = "application/json", "text/markdown"

router = APIRouter(tags=["canon"])

DOCUMENT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"$ref": f"#/components/schemas/{PostDocument.__name__}"}},
            MARKDOWN: {"schema": {"type": "string"}},
        },
    }
}


@router.post(
    "/v1/lore/documents",
    operation_id="post_document",
    status_code=202,
    response_model=DocumentReceived,
    responses=problems(409, 413, 415, 422),
    openapi_extra=DOCUMENT_BODY,
)
async def post_document(
    request: Request,
    caller: DesignerCaller,
    name: Annotated[
        str | None,
        Query(max_length=300, pattern=DOCUMENT_NAME, description="With `text/markdown`."),
    ] = None,
    canon: OfCanon = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ingest a document. Until it is ready, what was there of that name stays readable."""
    context = context_of(request)
    upload = await _upload(request, name, canon)

    async def create(attempt: Attempt) -> Answer:
        receipt = await documents.receive(
            context.parts.store, upload, model=context.parts.embedder.model
        )
        if receipt.workflow_id is not None:
            await context.launcher.launch(_planned(receipt.document, receipt.workflow_id))
        return Answer(
            202,
            DocumentReceived(
                document_id=receipt.document.document_id,
                state=receipt.document.state,
                started=receipt.started,
                document=receipt.document,
            ),
        )

    return await once(context.parts.store, caller, idempotency_key, request, _said(upload), create)


@router.get(
    "/v1/lore/documents",
    operation_id="list_documents",
    response_model=DocumentList,
    responses=problems(422),
)
async def list_documents(
    request: Request,
    caller: DesignerCaller,
    canon: CanonQuery = DEFAULT_CANON,
    state: DocumentState | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """A canon's documents, by their names, each with its state."""
    page = await documents.list_documents(
        context_of(request).parts.store,
        canon,
        after=from_cursor("documents", after),
        limit=limit,
        state=state,
    )
    return answer(DocumentList(items=page.items, next=to_cursor("documents", page.next)))


@router.get(
    "/v1/lore/documents/{document_id}",
    operation_id="get_document",
    response_model=DocumentView,
    responses=problems(404, 422),
)
async def get_document(
    request: Request,
    caller: DesignerCaller,
    document_id: DocumentIdPath,
    canon: OfCanon = None,
) -> Response:
    """A document: ingesting and how far, ready, or failed and why."""
    return answer(await the_document(request, document_id, canon))


@router.delete(
    "/v1/lore/documents/{document_id}",
    operation_id="delete_document",
    status_code=204,
    responses=problems(404, 422),
)
async def delete_document(
    request: Request,
    caller: DesignerCaller,
    document_id: DocumentIdPath,
    canon: OfCanon = None,
) -> Response:
    """Take a document and its passages out of the canon."""
    found = await the_document(request, document_id, canon)
    await documents.delete_document(context_of(request).parts.store, found.document_id)
    return Response(status_code=204)


@router.get(
    "/v1/lore/search",
    operation_id="search_lore",
    response_model=SearchAnswer,
    responses=problems(404, 422),
)
async def search_lore(
    request: Request,
    caller: AnyCaller,
    q: Annotated[
        str,
        Query(
            min_length=1, max_length=MAX_QUERY_CHARACTERS, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$"
        ),
    ],
    limit: Annotated[int, Query(ge=1, le=MAX_HITS)] = 10,
    document: Annotated[str | None, Query(max_length=300, pattern=DOCUMENT_NAME)] = None,
    entity: Annotated[str | None, Query(max_length=200, pattern=NAME)] = None,
    player_id: Annotated[
        PlayerId | None, Query(pattern=ID, description="See as this player does.")
    ] = None,
    world_id: Annotated[
        WorldId | None, Query(pattern=ID, description="The player's world; its canon is searched.")
    ] = None,
    canon: OfCanon = None,
) -> Response:
    """Search a canon by name and by meaning; each hit says why it is there.

    A game key sees what may be told to all, and what the player that it names knows. A designer's
    key sees everything, or what the player that it names sees.
    """
    context = context_of(request)
    seen_from = await viewpoint_of(context, caller, canon, world_id, player_id)
    hits = await search(
        context.parts.store,
        context.parts.embedder,
        SearchRequest(
            canon=seen_from.canon,
            query=q,
            limit=limit,
            document=document,
            entity=entity,
            viewpoint=seen_from.viewpoint,
        ),
    )
    return answer(SearchAnswer(hits=tuple(hits)))


def _planned(document: DocumentView, workflow_id: str) -> PlannedStart:
    return PlannedStart(
        workflow_id=workflow_id,
        workflow=documents.INGESTION_WORKFLOW,
        input={"document_id": document.document_id, "revision": document.revision},
    )


def _said(upload: DocumentUpload) -> bytes:
    content = upload.content
    raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
    return f"{upload.canon}\n{upload.name}\n".encode() + raw


async def _upload(request: Request, name: str | None, canon: CanonName | None) -> DocumentUpload:
    if require_type(request, JSON, MARKDOWN) == JSON:
        body = parse(PostDocument, await read_bytes(request, MAX_JSON_BYTES))
        chosen = the_canon(body.canon, canon)
        return DocumentUpload(canon=chosen, name=body.name, content=body.markdown)
    if name is None:
        raise invalid("name", "a document that is sent as text/markdown is named by ?name=")
    content = await read_bytes(request, MAX_DOCUMENT_BYTES)
    return DocumentUpload(canon=the_canon(canon), name=name, content=_decoded(request, content))


def _decoded(request: Request, content: bytes) -> bytes | str:
    """The text by the charset that the caller names; bytes if none, for the room to find out."""
    _, _, parameters = request.headers.get("content-type", "").partition(";")
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        charset = value.strip().strip('"')
        if key.strip().lower() != "charset" or charset.lower() in ("utf-8", "utf8", ""):
            continue
        codec = codec_of(charset)
        if codec is None:
            raise ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "the charset is not known")
        return content.decode(codec, "replace")
    return content
