"""The steps of an ingestion. Each can be run again at any point and goes on where it stopped.

Until the last step nobody reads what is made here; the last makes all of it readable at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import delete, func, select, text, update
from sqlalchemy import insert as sql_insert

from loreloom.domain.ids import CanonName, DocumentId
from loreloom.knowledge.declaring import Declared, declared_in
from loreloom.knowledge.embedding import Embedder, Vector
from loreloom.knowledge.index import forget_passages, lock_canon, take_over_staged
from loreloom.knowledge.linking import rebuild_entities
from loreloom.knowledge.models import DocumentState
from loreloom.knowledge.parsing import ParsedDocument, parse_document
from loreloom.knowledge.resolving import Declaration
from loreloom.state.store import Store, Transaction
from loreloom.state.tables.knowledge import (
    Document,
    DocumentRevision,
    EntityDeclaration,
    StagedPassage,
)

EMBED_BATCH = 16
_STAGE_BATCH = 500

_REUSE = text(
    """
    UPDATE staged_passages AS staged SET vectors = known.vectors
    FROM (
        SELECT v.passage_id, array_agg(v.embedding ORDER BY v."window") AS vectors
        FROM passage_vectors v
        JOIN documents d USING (document_id)
        JOIN document_revisions r
          ON r.document_id = d.document_id AND r.revision = d.published_revision
        WHERE d.document_id = :document AND v.canon = d.canon AND r.model = :model
        GROUP BY v.passage_id
    ) AS known
    WHERE staged.document_id = :document AND staged.revision = :revision
      AND staged.passage_id = known.passage_id
      AND cardinality(staged.windows) = cardinality(known.vectors)
    """
)
_KEEP_VECTORS = text(
    """
    UPDATE staged_passages SET vectors = CAST(CAST(:vectors AS text[]) AS halfvec[])
    WHERE document_id = :document AND revision = :revision AND position = :position
    """
)
_COUNT_DONE = text(
    """
    UPDATE documents SET updated_at = now(), passages_done = (
        SELECT count(vectors) FROM staged_passages
        WHERE document_id = :document AND revision = :revision
    )
    WHERE document_id = :document AND revision = :revision
    """
)


class Superseded(Exception):
    """The revision is no longer the newest of its document, or the document is gone."""


async def split_document(
    store: Store, embedder: Embedder, document_id: DocumentId, revision: int
) -> int:
    """Cut a revision into staged passages and answer how many.

    A passage that is readable already, with the same headings and text, keeps its vectors. Raises
    ``Superseded``, or ``LoreProblem`` if the text cannot be read.
    """
    async with store.reading() as connection:
        query = (
            select(DocumentRevision.markdown, Document.name, Document.canon)
            .join(Document, Document.document_id == DocumentRevision.document_id)
            .where(
                DocumentRevision.document_id == document_id,
                DocumentRevision.revision == revision,
                Document.revision == revision,
            )
        )
        row = (await connection.execute(query)).first()
    if row is None:
        raise Superseded
    parsed = await asyncio.to_thread(
        parse_document, row.markdown, document_id=document_id, name=row.name, count=embedder.count
    )
    async with store.transaction() as tx:
        await _lock_newest(tx, document_id, revision)
        await _stage(tx, document_id, revision, parsed)
        await tx.run(
            _REUSE, {"document": document_id, "revision": revision, "model": embedder.model}
        )
        await tx.run(
            update(Document)
            .where(Document.document_id == document_id)
            .values(passages=len(parsed.passages), updated_at=func.now())
        )
        await tx.run(_COUNT_DONE, {"document": document_id, "revision": revision})
    return len(parsed.passages)


async def _stage(
    tx: Transaction, document_id: DocumentId, revision: int, parsed: ParsedDocument
) -> None:
    await tx.run(delete(StagedPassage).where(StagedPassage.document_id == document_id))
    rows = [
        {
            "document_id": document_id,
            "revision": revision,
            "position": passage.position,
            "passage_id": passage.passage_id,
            "heading_path": list(passage.heading_path),
            "text": passage.text,
            "windows": list(passage.windows),
            "tokens": passage.tokens,
            "telling": passage.visibility.telling,
            "fact": passage.visibility.fact,
            "rating_rank": passage.visibility.rating.rank,
        }
        for passage in parsed.passages
    ]
    for start in range(0, len(rows), _STAGE_BATCH):
        await tx.run(sql_insert(StagedPassage), rows[start : start + _STAGE_BATCH])


async def embed_staged(
    store: Store,
    embedder: Embedder,
    document_id: DocumentId,
    revision: int,
    on_batch: Callable[[int], Awaitable[None]],
) -> int:
    """Embed what is not embedded yet, batch by batch, and answer how many passages that were.

    ``on_batch`` hears the number after each batch is safely kept. Raises ``Superseded``.
    """
    embedded = 0
    while True:
        async with store.reading() as connection:
            query = (
                select(StagedPassage.position, StagedPassage.windows)
                .where(
                    StagedPassage.document_id == document_id,
                    StagedPassage.revision == revision,
                    StagedPassage.vectors.is_(None),
                )
                .order_by(StagedPassage.position)
                .limit(EMBED_BATCH)
            )
            rows = (await connection.execute(query)).all()
        if not rows:
            return embedded
        vectors = iter(await embedder.embed_passages([w for row in rows for w in row.windows]))
        async with store.transaction() as tx:
            await _lock_newest(tx, document_id, revision)
            kept = [
                {
                    "document": document_id,
                    "revision": revision,
                    "position": row.position,
                    "vectors": [vector_text(next(vectors)) for _ in row.windows],
                }
                for row in rows
            ]
            await tx.run(_KEEP_VECTORS, kept)
            await tx.run(_COUNT_DONE, {"document": document_id, "revision": revision})
        embedded += len(rows)
        await on_batch(embedded)


def vector_text(vector: Vector) -> str:
    """A vector as pgvector reads it; five digits are more than a half-precision float holds."""
    return "[" + ",".join(f"{value:.5g}" for value in vector.tolist()) + "]"


async def publish_document(store: Store, document_id: DocumentId, revision: int) -> None:
    """Make a revision what readers see, in one transaction.

    Raises ``Superseded``. A revision that is published already stays as it is.
    """
    declared = await _read_declarations(store, document_id, revision)
    async with store.transaction() as tx:
        canon_query = select(Document.canon).where(Document.document_id == document_id)
        canon = CanonName((await tx.run(canon_query)).scalar_one_or_none() or "")
        if not canon:
            raise Superseded
        await lock_canon(tx, canon)
        published = await _lock_newest(tx, document_id, revision)
        if published == revision:
            return
        source = await tx.run(
            select(
                DocumentRevision.title,
                DocumentRevision.about,
                Document.passages,
                Document.name,
            )
            .join(Document, Document.document_id == DocumentRevision.document_id)
            .where(
                DocumentRevision.document_id == document_id, DocumentRevision.revision == revision
            )
        )
        row = source.one()
        await forget_passages(tx, canon, document_id)
        await take_over_staged(tx, canon, document_id, revision, row.passages)
        await _declare(tx, canon, document_id, declared.declarations)
        await tx.run(
            update(Document)
            .where(Document.document_id == document_id)
            .values(
                published_revision=revision,
                state=DocumentState.READY,
                reason=None,
                title=row.title,
                about=row.about,
                updated_at=func.clock_timestamp(),
            )
        )
        await tx.run(delete(StagedPassage).where(StagedPassage.document_id == document_id))
        await tx.run(
            delete(DocumentRevision).where(
                DocumentRevision.document_id == document_id, DocumentRevision.revision < revision
            )
        )
        await rebuild_entities(tx, canon, passages=declared.passages)


async def _read_declarations(store: Store, document_id: DocumentId, revision: int) -> Declared:
    """What a staged revision says of entities, worked out while no transaction waits for it."""
    staged = (
        select(
            StagedPassage.passage_id,
            StagedPassage.heading_path,
            StagedPassage.text,
            StagedPassage.telling,
            StagedPassage.fact,
            StagedPassage.rating_rank,
        )
        .where(StagedPassage.document_id == document_id, StagedPassage.revision == revision)
        .order_by(StagedPassage.position)
    )
    markdown = select(DocumentRevision.markdown).where(
        DocumentRevision.document_id == document_id, DocumentRevision.revision == revision
    )
    async with store.reading() as connection:
        rows = (await connection.execute(staged)).all()
        text = (await connection.execute(markdown)).scalar_one_or_none()
    if text is None:
        raise Superseded
    return await asyncio.to_thread(declared_in, text, rows)


async def fail_document(store: Store, document_id: DocumentId, revision: int, reason: str) -> None:
    """Say of a document why its newest revision could not be ingested; what was readable stays."""
    statement = (
        update(Document)
        .where(Document.document_id == document_id, Document.revision == revision)
        .values(state=DocumentState.FAILED, reason=reason[:2000], updated_at=func.now())
    )
    async with store.transaction() as tx:
        await tx.run(statement)


async def _lock_newest(tx: Transaction, document_id: DocumentId, revision: int) -> int | None:
    """Hold the document while this is its newest revision; answers which revision is readable."""
    query = (
        select(Document.published_revision)
        .where(Document.document_id == document_id, Document.revision == revision)
        .with_for_update()
    )
    row = (await tx.run(query)).first()
    if row is None:
        raise Superseded
    published: int | None = row.published_revision
    return published


async def _declare(
    tx: Transaction,
    canon: CanonName,
    document_id: DocumentId,
    declarations: Sequence[Declaration],
) -> None:
    await tx.run(delete(EntityDeclaration).where(EntityDeclaration.document_id == document_id))
    rows = [
        {
            "document_id": document_id,
            "position": position,
            "canon": canon,
            "declaration": declaration.model_dump(mode="json"),
        }
        for position, declaration in enumerate(declarations)
    ]
    if rows:
        await tx.run(sql_insert(EntityDeclaration), rows)
