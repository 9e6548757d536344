"""Documents: received, listed, deleted. What is in them is made readable by the ingestion."""

import asyncio
import hashlib
import secrets

from pydantic import BaseModel
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import CanonName, DocumentId, ingestion_workflow_id
from loreloom.knowledge.decoding import read_text
from loreloom.knowledge.front_matter import FrontMatter
from loreloom.knowledge.index import forget_passages, lock_canon
from loreloom.knowledge.linking import rebuild_entities
from loreloom.knowledge.models import (
    DocumentPage,
    DocumentState,
    DocumentUpload,
    DocumentView,
    Receipt,
)
from loreloom.knowledge.parsing import check_document
from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.state.starts import PlannedStart, plan_start
from loreloom.state.store import Store, Transaction
from loreloom.state.tables.knowledge import Document, DocumentRevision

INGESTION_WORKFLOW = "Ingestion"


class _Content(BaseModel):
    """An upload, read and found fit to be ingested."""

    text: str
    sha256: bytes
    title: str
    front: FrontMatter


async def receive(store: Store, upload: DocumentUpload, *, model: str) -> Receipt:
    """Take a document in, and plan its ingestion in the same transaction.

    The same text under the same name and embedding model needs nothing more and starts nothing.
    Raises ``LoreProblem`` if it is too large, no Markdown text, or its front matter is wrong.
    """
    content = await asyncio.to_thread(_read, upload)
    async with store.transaction() as tx:
        row, new = await _claim(tx, upload, content, model)
        same = row.sha256 == content.sha256 and row.model == model
        if same and not new and row.state != DocumentState.FAILED:
            return Receipt(document=_view(row), started=False, workflow_id=None)
        revision = row.revision + 1
        changed = {
            "revision": revision,
            "sha256": content.sha256,
            "model": model,
            "state": DocumentState.INGESTING,
            "reason": None,
            "passages": None,
            "passages_done": 0,
            "updated_at": func.clock_timestamp(),
        }
        statement = (
            update(Document)
            .where(Document.document_id == row.document_id)
            .values(changed)
            .returning(*Document.__table__.columns)
        )
        row = (await tx.run(statement)).one()
        await _keep_revision(tx, row, content)
        workflow_id = ingestion_workflow_id(row.document_id, revision)
        workflow_input = {"document_id": row.document_id, "revision": revision}
        await plan_start(
            tx,
            PlannedStart(
                workflow_id=workflow_id, workflow=INGESTION_WORKFLOW, input=workflow_input
            ),
        )
    return Receipt(document=_view(row), started=True, workflow_id=workflow_id)


def _read(upload: DocumentUpload) -> _Content:
    text = read_text(upload.content)
    front, title = check_document(text, upload.name)
    digest = hashlib.sha256(text.encode()).digest()
    return _Content(text=text, sha256=digest, title=title, front=front)


async def _claim(
    tx: Transaction, upload: DocumentUpload, content: _Content, model: str
) -> tuple[Row[tuple[object, ...]], bool]:
    """The document's row, locked: concurrent uploads of one name come one after the other."""
    made = (
        pg_insert(Document)
        .values(
            document_id=f"doc_{secrets.token_hex(12)}",
            canon=upload.canon,
            name=upload.name,
            title=content.title,
            about=content.front.about,
            state=DocumentState.INGESTING,
            revision=0,
            sha256=content.sha256,
            model=model,
        )
        .on_conflict_do_nothing()
        .returning(*Document.__table__.columns)
    )
    row = (await tx.run(made)).first()
    if row is not None:
        return row, True
    known = (
        select(*Document.__table__.columns)
        .where(Document.canon == upload.canon, Document.name == upload.name)
        .with_for_update()
    )
    found = (await tx.run(known)).first()
    if found is None:
        # Deleted between the two statements: the name is free again.
        return await _claim(tx, upload, content, model)
    return found, False


async def _keep_revision(tx: Transaction, row: Row[tuple[object, ...]], content: _Content) -> None:
    # A revision that was never published is of no use to anyone once a newer one is here.
    superseded = delete(DocumentRevision).where(
        DocumentRevision.document_id == row.document_id,
        DocumentRevision.revision.is_distinct_from(row.published_revision),
    )
    await tx.run(superseded)
    await tx.run(
        pg_insert(DocumentRevision).values(
            document_id=row.document_id,
            revision=row.revision,
            markdown=content.text,
            title=content.title,
            about=content.front.about,
            model=row.model,
        )
    )


async def get_document(store: Store, document_id: DocumentId) -> DocumentView:
    """The document of that id. Raises ``LoreProblem`` if there is none."""
    query = select(*Document.__table__.columns).where(Document.document_id == document_id)
    async with store.reading() as connection:
        row = (await connection.execute(query)).first()
    if row is None:
        raise _unknown(document_id)
    return _view(row)


async def list_documents(
    store: Store,
    canon: CanonName,
    *,
    after: str | None = None,
    limit: int = 50,
    state: DocumentState | None = None,
) -> DocumentPage:
    """A canon's documents in the order of their names; ``after`` is the last name seen."""
    query = select(*Document.__table__.columns).where(Document.canon == canon)
    if after is not None:
        query = query.where(Document.name > after)
    if state is not None:
        query = query.where(Document.state == state)
    query = query.order_by(Document.name).limit(limit + 1)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    items = tuple(_view(row) for row in rows[:limit])
    return DocumentPage(items=items, next=items[-1].name if len(rows) > limit else None)


async def delete_document(store: Store, document_id: DocumentId) -> None:
    """Delete a document with its passages. Raises ``LoreProblem`` if there is none.

    An ingestion that is still under way finds it gone and ends.
    """
    async with store.transaction() as tx:
        canon_query = select(Document.canon).where(Document.document_id == document_id)
        canon = (await tx.run(canon_query)).scalar_one_or_none()
        if canon is None:
            raise _unknown(document_id)
        await lock_canon(tx, CanonName(canon))
        await forget_passages(tx, CanonName(canon), document_id)
        await tx.run(delete(Document).where(Document.document_id == document_id))
        await rebuild_entities(tx, CanonName(canon), passages=())


def _unknown(document_id: DocumentId) -> LoreProblem:
    return LoreProblem(LoreCode.UNKNOWN_DOCUMENT, f"there is no document {document_id!r}")


def _view(row: Row[tuple[object, ...]]) -> DocumentView:
    return DocumentView(
        document_id=DocumentId(row.document_id),
        canon=CanonName(row.canon),
        name=row.name,
        title=row.title,
        about=row.about,
        state=DocumentState(row.state),
        reason=row.reason,
        revision=row.revision,
        readable=row.published_revision is not None,
        passages=row.passages,
        passages_done=row.passages_done,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
