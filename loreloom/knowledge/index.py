"""What passages are found by: their words with how common each is, and their vectors.

Every function here belongs to a transaction that holds the canon's lock, because the counts of
words are kept up, not counted anew.
"""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import CanonName, DocumentId
from loreloom.state.store import Transaction
from loreloom.state.tables.knowledge import CanonSize

PUBLISH_BATCH = 400

_LOCK = text("SELECT 1 FROM canon_sizes WHERE canon = :canon FOR UPDATE")

_LESS_TERMS = text(
    """
    UPDATE canon_terms AS all_terms SET passages = all_terms.passages - gone.passages
    FROM (
        SELECT t.term, count(*) AS passages
        FROM passage_terms t JOIN passages p USING (passage_id)
        WHERE p.document_id = :document GROUP BY t.term
    ) AS gone
    WHERE all_terms.canon = :canon AND all_terms.term = gone.term
    """
)
_NO_TERMS = text("DELETE FROM canon_terms WHERE canon = :canon AND passages <= 0")
_LESS_SIZE = text(
    """
    UPDATE canon_sizes SET
        passages = passages - (SELECT count(*) FROM passages WHERE document_id = :document),
        windows = windows - (SELECT count(*) FROM passage_vectors
                             WHERE canon = :canon AND document_id = :document),
        total_length = total_length - (SELECT coalesce(sum(length), 0) FROM passages
                                       WHERE document_id = :document)
    WHERE canon = :canon
    """
)
_NO_PASSAGES = text("DELETE FROM passages WHERE document_id = :document")

_ADD_PASSAGES = text(
    """
    INSERT INTO passages (passage_id, canon, document_id, position, heading_path, text, tokens,
                          length, telling, fact, rating_rank)
    SELECT s.passage_id, :canon, s.document_id, s.position, s.heading_path, s.text, s.tokens,
           (SELECT coalesce(sum(cardinality(w.positions)), 0) FROM unnest(to_tsvector('english',
                array_to_string(s.heading_path, ' ') || ' ' || s.text)) AS w),
           s.telling, s.fact, s.rating_rank
    FROM staged_passages s
    WHERE s.document_id = :document AND s.revision = :revision
      AND s.position >= :start AND s.position < :stop
    """
)
_ADD_VECTORS = text(
    """
    INSERT INTO passage_vectors (passage_id, "window", canon, document_id, telling, fact,
                                 rating_rank, embedding)
    SELECT s.passage_id, v.position - 1, :canon, s.document_id, s.telling, s.fact, s.rating_rank,
           v.embedding
    FROM staged_passages s, unnest(s.vectors) WITH ORDINALITY AS v (embedding, position)
    WHERE s.document_id = :document AND s.revision = :revision
      AND s.position >= :start AND s.position < :stop
    """
)
_ADD_TERMS = text(
    """
    INSERT INTO passage_terms (passage_id, term, canon, frequency, length)
    SELECT p.passage_id, w.lexeme, p.canon, cardinality(w.positions), p.length
    FROM passages p, unnest(to_tsvector('english',
             array_to_string(p.heading_path, ' ') || ' ' || p.text)) AS w
    WHERE p.document_id = :document AND p.position >= :start AND p.position < :stop
    """
)
_MORE_TERMS = text(
    """
    INSERT INTO canon_terms AS all_terms (canon, term, passages)
    SELECT :canon, t.term, count(*)
    FROM passage_terms t JOIN passages p USING (passage_id)
    WHERE p.document_id = :document GROUP BY t.term
    ON CONFLICT (canon, term) DO UPDATE SET passages = all_terms.passages + excluded.passages
    """
)
_MORE_SIZE = text(
    """
    UPDATE canon_sizes SET
        passages = passages + (SELECT count(*) FROM passages WHERE document_id = :document),
        windows = windows + (SELECT count(*) FROM passage_vectors
                             WHERE canon = :canon AND document_id = :document),
        total_length = total_length + (SELECT coalesce(sum(length), 0) FROM passages
                                       WHERE document_id = :document)
    WHERE canon = :canon
    """
)


async def lock_canon(tx: Transaction, canon: CanonName) -> None:
    """Wait for the turn to change what readers of a canon see; held until the commit."""
    await tx.run(pg_insert(CanonSize).values(canon=canon).on_conflict_do_nothing())
    await tx.run(_LOCK, {"canon": canon})


async def forget_passages(tx: Transaction, canon: CanonName, document_id: DocumentId) -> None:
    """Take a document's passages away with all that they are found by."""
    values = {"canon": canon, "document": document_id}
    await tx.run(_LESS_SIZE, values)
    await tx.run(_LESS_TERMS, values)
    await tx.run(_NO_TERMS, {"canon": canon})
    await tx.run(_NO_PASSAGES, {"document": document_id})


async def take_over_staged(
    tx: Transaction, canon: CanonName, document_id: DocumentId, revision: int, passages: int
) -> None:
    """Make a revision's staged passages readable, with all that they are found by."""
    values = {"canon": canon, "document": document_id}
    for start in range(0, passages, PUBLISH_BATCH):
        part = {"document": document_id, "start": start, "stop": start + PUBLISH_BATCH}
        await tx.run(_ADD_PASSAGES, {**part, "canon": canon, "revision": revision})
        await tx.run(_ADD_VECTORS, {**part, "canon": canon, "revision": revision})
        await tx.run(_ADD_TERMS, part)
    await tx.run(_MORE_TERMS, values)
    await tx.run(_MORE_SIZE, values)
