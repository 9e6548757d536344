"""Search: passages by the names in them, by their words and by their meaning, in one statement.

Each way finds candidates under the same conditions; every candidate is then weighed by all ways.
The weights are on the scores, not on ranks: a question whose words are rare in the canon brings a
high score by words and is led by it, one in other words than the canon's is led by meaning. The
best passage of each section comes before the second of any.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loreloom.domain.canon import EntityKind, Rating, Telling
from loreloom.domain.ids import DocumentId, EntityId, PassageId
from loreloom.knowledge.embedding import Embedder, Vector
from loreloom.knowledge.ingesting import vector_text
from loreloom.knowledge.models import Hit, NamedEntity, Reason, SearchRequest, Way
from loreloom.knowledge.naming import fold
from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.knowledge.questions import Question, understand
from loreloom.knowledge.ranking import Candidate, order
from loreloom.knowledge.visibility import visible, visible_values
from loreloom.state.store import Store

EXACT_WINDOWS = 15_000
"""Up to this many vectors are compared one by one; above, the index proposes."""
CANDIDATES = 40
_WINDOW_CANDIDATES = 100

_WHERE = f"""
    {{alias}}.canon = :canon AND {visible("{alias}")}
    AND (CAST(:document AS text) IS NULL OR {{alias}}.document_id = :document)
    AND (CAST(:entity AS text) IS NULL OR EXISTS (
        SELECT 1 FROM passage_entities only_of
        WHERE only_of.passage_id = {{alias}}.passage_id AND only_of.entity_id = :entity
          AND {visible("only_of")}))
"""


def _where(alias: str) -> str:
    return _WHERE.replace("{alias}", alias)


_SEARCH = """
    WITH asked_terms AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:terms AS text[]), CAST(:weights AS float8[]))
                      AS asked (term, weight)
    ), asked_names AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:entities AS text[]), CAST(:sureness AS float8[]))
                      AS asked (entity_id, weight)
    ), by_terms AS MATERIALIZED (
        SELECT t.passage_id,
               sum(asked.weight * t.frequency * 2.2
                   / (t.frequency + 1.2 * (0.25 + 0.75 * t.length / :mean_length))) AS score
        FROM asked_terms asked JOIN passage_terms t ON t.canon = :canon AND t.term = asked.term
        WHERE (CAST(:document AS text) IS NULL OR t.passage_id IN (
                  SELECT passage_id FROM passages WHERE document_id = :document))
          AND (CAST(:entity AS text) IS NULL OR t.passage_id IN (
                  SELECT passage_id FROM passage_entities WHERE entity_id = :entity))
        GROUP BY t.passage_id
    ), spread AS MATERIALIZED (
        SELECT asked.entity_id, asked.weight * ln(1 + :passages / (0.5 + (
            SELECT count(*) FROM passage_entities e WHERE e.entity_id = asked.entity_id))) AS weight
        FROM asked_names asked
    ), by_names AS MATERIALIZED (
        SELECT link.passage_id,
               sum(spread.weight * (link.mentions + 2 * link.in_heading::int)
                   / (link.mentions + 2 * link.in_heading::int + 1.0)) AS score
        FROM spread JOIN passage_entities link USING (entity_id)
        WHERE {visible_link}
        GROUP BY link.passage_id
    ), near AS MATERIALIZED (
        SELECT v.passage_id FROM passage_vectors v
        WHERE :by_meaning AND {where_vectors}
        ORDER BY {distance}
        LIMIT :window_candidates
    ), found AS (
        SELECT passage_id FROM near
        UNION
        (SELECT best.passage_id
         FROM (SELECT * FROM by_terms ORDER BY score DESC, passage_id) AS best,
         LATERAL (SELECT 1 FROM passages p
                  WHERE p.passage_id = best.passage_id AND {where_passages} OFFSET 0) AS seen
         LIMIT :candidates)
        UNION
        (SELECT best.passage_id
         FROM (SELECT * FROM by_names ORDER BY score DESC, passage_id) AS best,
         LATERAL (SELECT 1 FROM passages p
                  WHERE p.passage_id = best.passage_id AND {where_passages} OFFSET 0) AS seen
         LIMIT :candidates)
    )
    SELECT p.passage_id, p.document_id, p.heading_path, p.position,
           coalesce(by_terms.score, 0) AS text_score,
           coalesce(by_names.score, 0) AS name_score,
           meaning.nearest, meaning.whole
    FROM found
    JOIN passages p USING (passage_id)
    LEFT JOIN by_terms USING (passage_id)
    LEFT JOIN by_names USING (passage_id)
    LEFT JOIN LATERAL (
        SELECT max(-(v.embedding <#> CAST(:vector AS halfvec(384)))) AS nearest,
               max(-(v.embedding <#> CAST(:vector AS halfvec(384))))
                   FILTER (WHERE v."window" = 0) AS whole
        FROM passage_vectors v WHERE :by_meaning AND v.passage_id = p.passage_id
    ) AS meaning ON true
"""
_DISTANCE = "v.embedding <#> CAST(:vector AS halfvec(384))"


def _statement(distance: str) -> Any:
    return text(
        _SEARCH.replace("{visible_link}", visible("link"))
        .replace("{where_vectors}", _where("v"))
        .replace("{where_passages}", _where("p"))
        .replace("{distance}", distance)
    )


# Adding nothing to the distance keeps the index out of it: every vector is compared.
_EXACT, _BY_INDEX = _statement(f"({_DISTANCE}) + 0"), _statement(_DISTANCE)

_TEXTS = text(
    f"""
    SELECT p.*, d.name AS document, d.title, (
        SELECT json_agg(json_build_array(e.entity_id, known.name, e.kind)
                        ORDER BY link.in_heading DESC, link.mentions DESC, known.name)
        FROM passage_entities link JOIN entities e USING (entity_id)
        CROSS JOIN LATERAL (
            SELECT n.name FROM entity_names n
            WHERE n.entity_id = e.entity_id AND {visible("n")} ORDER BY n.position LIMIT 1
        ) AS known
        WHERE link.passage_id = p.passage_id AND NOT e.hidden AND {visible("link")}
    ) AS entities, (
        SELECT array_agg(t.term ORDER BY array_position(CAST(:terms AS text[]), t.term))
        FROM passage_terms t WHERE t.passage_id = p.passage_id AND t.term = ANY (:terms)
    ) AS terms
    FROM passages p JOIN documents d USING (document_id)
    WHERE p.passage_id = ANY (:ids)
    """
)
_DOCUMENT = text(
    f"""
    SELECT d.document_id FROM documents d
    WHERE d.canon = :canon AND (d.document_id = :document OR d.name = :document)
      AND (:sees_all OR EXISTS (
          SELECT 1 FROM passages p WHERE p.document_id = d.document_id AND {visible("p")}))
    ORDER BY d.name <> :document LIMIT 1
    """
)
_ENTITY = text(
    f"""
    SELECT e.entity_id FROM entities e JOIN entity_names n USING (entity_id)
    WHERE e.canon = :canon AND NOT e.hidden AND (e.entity_id = :entity OR n.folded = :folded)
      AND {visible("n")}
      AND (:sees_all OR EXISTS (
          SELECT 1 FROM passage_entities link JOIN passages p USING (passage_id)
          WHERE link.entity_id = e.entity_id AND {visible("link")} AND {visible("p")}))
    ORDER BY n.position, e.entity_id LIMIT 1
    """
)
_FILTERED_SIZE = text(
    """
    SELECT CASE WHEN CAST(:entity AS text) IS NOT NULL
                -- A passage has 2.5 vectors on average and hardly ever more than four.
                THEN (SELECT count(*) FROM passage_entities WHERE entity_id = :entity) * 4
                ELSE (SELECT count(*) FROM passage_vectors
                      WHERE canon = :canon AND document_id = :document) END
    """
)


async def search(store: Store, embedder: Embedder, request: SearchRequest) -> list[Hit]:
    """The passages that answer a question, best first, among those that the asker may see.

    Raises ``LoreProblem`` if the document or entity to look in is none that the asker knows.
    """
    query = " ".join(request.query.split())
    vector, found = await asyncio.gather(
        _vector(embedder, query, request), _prepared(store, request, query)
    )
    if found is None:
        return []
    question, document, entity = found
    async with store.reading() as connection:
        # One view of the database for both statements: a document that is replaced in between is
        # seen as it was, whole.
        await connection.execution_options(isolation_level="REPEATABLE READ")
        candidates = await _candidates(connection, request, question, vector, document, entity)
        best = order(candidates, request.ways)[: request.limit]
        return await _hits(connection, request, question, best)


async def _vector(embedder: Embedder, query: str, request: SearchRequest) -> Vector | None:
    return await embedder.embed_query(query) if Way.MEANING in request.ways else None


async def _prepared(
    store: Store, request: SearchRequest, query: str
) -> tuple[Question, DocumentId | None, EntityId | None] | None:
    async with store.reading() as connection:
        document = await _document(connection, request)
        entity = await _entity(connection, request)
        question = await understand(connection, request.canon, query, request.viewpoint)
    return None if question is None else (question, document, entity)


async def _document(connection: AsyncConnection, request: SearchRequest) -> DocumentId | None:
    if request.document is None:
        return None
    values = {
        "canon": request.canon,
        "document": request.document,
        **visible_values(request.viewpoint),
    }
    row = (await connection.execute(_DOCUMENT, values)).first()
    if row is None:
        raise LoreProblem(
            LoreCode.UNKNOWN_DOCUMENT, f"the canon has no document {request.document!r}"
        )
    return DocumentId(row.document_id)


async def _entity(connection: AsyncConnection, request: SearchRequest) -> EntityId | None:
    if request.entity is None:
        return None
    values = {
        "canon": request.canon,
        "entity": request.entity,
        "folded": fold(request.entity),
        **visible_values(request.viewpoint),
    }
    row = (await connection.execute(_ENTITY, values)).first()
    if row is None:
        raise LoreProblem(LoreCode.UNKNOWN_ENTITY, f"the canon has no entity {request.entity!r}")
    return EntityId(row.entity_id)


async def _candidates(
    connection: AsyncConnection,
    request: SearchRequest,
    question: Question,
    vector: Vector | None,
    document: DocumentId | None,
    entity: EntityId | None,
) -> list[Candidate]:
    terms = question.terms if Way.TEXT in request.ways else ()
    names = question.names if Way.NAMES in request.ways else ()
    values: dict[str, Any] = {
        "canon": request.canon,
        "document": document,
        "entity": entity,
        "terms": [term.term for term in terms],
        "weights": [term.weight for term in terms],
        "entities": [name.entity_id for name in names],
        "sureness": [name.weight for name in names],
        "mean_length": question.mean_length,
        "passages": float(question.passages),
        "by_meaning": vector is not None,
        "vector": vector_text(vector) if vector is not None else None,
        "window_candidates": max(_WINDOW_CANDIDATES, 3 * request.limit),
        "candidates": max(CANDIDATES, 2 * request.limit),
        **visible_values(request.viewpoint),
    }
    compared = question.windows
    if document is not None or entity is not None:
        compared = (await connection.execute(_FILTERED_SIZE, values)).scalar_one()
    exact = compared <= EXACT_WINDOWS
    if not exact:
        await connection.exec_driver_sql(
            "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),"
            " set_config('hnsw.ef_search', '100', true)"
        )
    rows = await connection.execute(_EXACT if exact else _BY_INDEX, values)
    return [
        Candidate(
            passage_id=PassageId(row.passage_id),
            section=(row.document_id, *row.heading_path),
            name_score=row.name_score,
            text_score=row.text_score,
            nearest=row.nearest or 0.0,
            whole=row.whole or 0.0,
        )
        for row in rows
    ]


async def _hits(
    connection: AsyncConnection,
    request: SearchRequest,
    question: Question,
    best: list[tuple[Candidate, float, tuple[Reason, ...]]],
) -> list[Hit]:
    values = {
        "ids": [candidate.passage_id for candidate, _, _ in best],
        "terms": [term.term for term in question.terms],
        **visible_values(request.viewpoint),
    }
    rows = {row.passage_id: row for row in await connection.execute(_TEXTS, values)}
    asked = {named.entity_id for named in question.names}
    hits: list[Hit] = []
    for candidate, score, reasons in best:
        row = rows[candidate.passage_id]
        entities = tuple(
            NamedEntity(entity_id=EntityId(i), name=n, kind=EntityKind(k))
            for i, n, k in row.entities or ()
        )
        hits.append(
            Hit(
                passage_id=candidate.passage_id,
                document_id=DocumentId(row.document_id),
                document=row.document,
                title=row.title,
                heading=row.heading_path[-1] if row.heading_path else row.title,
                heading_path=tuple(row.heading_path),
                text=row.text,
                tokens=row.tokens,
                telling=Telling(row.telling),
                rating=list(Rating)[row.rating_rank],
                score=round(score, 6),
                reasons=tuple(
                    _explained(reason, row.terms or (), entities, asked) for reason in reasons
                ),
                entities=entities,
            )
        )
    return hits


def _explained(
    reason: Reason,
    terms: Sequence[str],
    entities: Sequence[NamedEntity],
    asked: set[EntityId],
) -> Reason:
    """The reason with what of the question was found in the passage."""
    if reason.way is Way.TEXT:
        return reason.model_copy(update={"matched": tuple(terms)})
    if reason.way is Way.NAMES:
        named = tuple(entity.name for entity in entities if entity.entity_id in asked)
        return reason.model_copy(update={"matched": named})
    return reason
