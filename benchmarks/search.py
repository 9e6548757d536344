"""How well and how fast the canon is searched, each beside its parts, a peer and a floor.

Quality: the labelled questions over content/lore, by each way alone, by all together, and by plain
BM25 over whole sections. Speed: 20,000 passages (the example canon's, varied), with the embedding
of the question, under no filter and under one that leaves 1 %, beside a bare nearest-neighbour
query on the same table in the same run.
"""

import argparse
import asyncio
import json
import math
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, text

from loreloom.domain.canon import Viewpoint
from loreloom.domain.ids import CanonName, DocumentId
from loreloom.knowledge.documents import receive
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig, Vector
from loreloom.knowledge.index import lock_canon, take_over_staged
from loreloom.knowledge.ingesting import (
    embed_staged,
    publish_document,
    split_document,
    vector_text,
)
from loreloom.knowledge.models import DocumentUpload, SearchRequest, Way
from loreloom.knowledge.search import search
from loreloom.state.store import Store
from loreloom.state.tables.knowledge import Document, DocumentRevision, StagedPassage
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import Settings

ROOT = Path(__file__).parents[1]
BIG = CanonName("big")
PASSAGES_A_DOCUMENT = 200
HALVES_SEED = 412
WIDTH = 140
ALL = Viewpoint(sees_all=True)
Question = dict[str, Any]

_PASSAGES = text(
    """
    SELECT p.heading_path, p.text, d.name, (
        SELECT array_agg(v.embedding ORDER BY v."window") FROM passage_vectors v
        WHERE v.passage_id = p.passage_id)::text[] AS vectors
    FROM passages p JOIN documents d USING (document_id) WHERE p.canon = 'default'
    """
)
_KEEP = text(
    """
    UPDATE staged_passages SET vectors = CAST(CAST(:vectors AS text[]) AS halfvec[])
    WHERE document_id = :document_id AND position = :position
    """
)
_INDEX = """
    CREATE INDEX ix_passage_vectors_embedding ON passage_vectors
    USING hnsw (embedding halfvec_ip_ops) WITH (m = 16, ef_construction = 64)
"""
_EXACT_FLOOR = """
    SELECT passage_id FROM passage_vectors ORDER BY embedding <=> CAST(:v AS halfvec(384)) LIMIT 10
"""
# The index is one of inner products, which for vectors of length one is the same order.
_INDEX_FLOOR = """
    SELECT passage_id FROM passage_vectors ORDER BY embedding <#> CAST(:v AS halfvec(384)) LIMIT 10
"""


async def _nobody(embedded: int) -> None:
    return None


async def ingest_lore(store: Store, embedder: Embedder) -> float:
    """Ingest the example canon; answers the seconds that it took."""
    started = time.perf_counter()
    for path in sorted((ROOT / "content" / "lore").glob("*.md")):
        upload = DocumentUpload(name=path.name, content=path.read_bytes())
        document = (await receive(store, upload, model=embedder.model)).document
        of = (document.document_id, document.revision)
        await split_document(store, embedder, *of)
        await embed_staged(store, embedder, *of, _nobody)
        await publish_document(store, *of)
    return time.perf_counter() - started


def is_answer(question: Question, document: str, heading: str) -> bool:
    """Whether that section answers the question."""
    return {"document": document, "heading": heading} in question["answers"]


async def ranks_by(
    store: Store, embedder: Embedder, questions: Sequence[Question], ways: frozenset[Way]
) -> list[int | None]:
    """The rank of the first answering section for each question, among the first ten."""
    ranks: list[int | None] = []
    for question in questions:
        request = SearchRequest(query=question["question"], ways=ways, viewpoint=ALL)
        hits = await search(store, embedder, request)
        places = (i for i, h in enumerate(hits, 1) if is_answer(question, h.document, h.heading))
        ranks.append(next(places, None))
    return ranks


async def ranks_by_bm25(store: Store, questions: Sequence[Question]) -> list[int | None]:
    """The peer: BM25 over whole sections, by Postgres' own stems."""
    async with store.reading() as connection:

        async def stems(body: str) -> Counter[str]:
            query = text(
                "SELECT lexeme, cardinality(positions) AS held"
                " FROM unnest(to_tsvector('english', :body))"
            )
            rows = await connection.execute(query, {"body": body})
            return Counter({row.lexeme: row.held for row in rows})

        sections: dict[tuple[str, str], str] = {}
        for row in await connection.execute(_PASSAGES):
            place = (row.name, row.heading_path[-1] if row.heading_path else row.name)
            sections[place] = f"{sections.get(place, place[1])}\n{row.text}"
        indexed = {place: await stems(body) for place, body in sections.items()}
        asked = [await stems(question["question"]) for question in questions]
    held_by = Counter(term for terms in indexed.values() for term in terms)
    mean = statistics.mean(terms.total() for terms in indexed.values())

    def score(terms: Counter[str], query: Counter[str]) -> float:
        return sum(
            math.log(1 + (len(indexed) - held_by[t] + 0.5) / (held_by[t] + 0.5))
            * terms[t]
            * 2.2
            / (terms[t] + 1.2 * (0.25 + 0.75 * terms.total() / mean))
            for t in query
            if terms[t]
        )

    ranks: list[int | None] = []
    for question, query in zip(questions, asked, strict=True):
        ordered = sorted(indexed, key=lambda place: -score(indexed[place], query))[:10]
        ranks.append(next((i for i, p in enumerate(ordered, 1) if is_answer(question, *p)), None))
    return ranks


def quality(questions: Sequence[Question], ranks: Sequence[int | None]) -> dict[str, float]:
    """Recall and mean reciprocal rank: of all, of each half, of each kind of question."""
    order = list(range(len(questions)))
    random.Random(HALVES_SEED).shuffle(order)
    middle = len(order) // 2

    def recall(at: int, chosen: Sequence[int]) -> float:
        return sum((ranks[i] or 99) <= at for i in chosen) / max(1, len(chosen))

    found = {
        "recall@10": recall(10, order),
        "recall@5": recall(5, order),
        "mrr": sum(1 / rank for rank in ranks if rank) / len(ranks),
        "tuned half": recall(10, order[:middle]),
        "held out": recall(10, order[middle:]),
    }
    for way in sorted({question["way"] for question in questions}):
        found[way] = recall(10, [i for i in order if questions[i]["way"] == way])
    return found


async def load_big(store: Store, passages: int) -> None:
    """Fill a canon with the example canon's passages, varied in their words and vectors."""
    chance, noise = random.Random(1), np.random.default_rng(1)
    async with store.reading() as connection:
        rows = (await connection.execute(_PASSAGES)).all()
    vectors = [[np.array(json.loads(v), dtype=np.float32) for v in row.vectors] for row in rows]
    sentences = [part for row in rows for part in row.text.split(". ")]
    async with store.engine.begin() as connection:
        await connection.execute(text("DROP INDEX ix_passage_vectors_embedding"))
    for number in range(passages // PASSAGES_A_DOCUMENT):
        staged = []
        for position in range(PASSAGES_A_DOCUMENT):
            pick = chance.randrange(len(rows))
            body = ". ".join(chance.sample(sentences, 6))
            varied = [vector_text(_varied(vector, noise)) for vector in vectors[pick]]
            heading = [f"{rows[pick].heading_path[-1]} {position} of {number}"]
            staged.append((position, heading, body, varied))
        await _publish_big(store, DocumentId(f"big_{number}"), staged)
    async with store.engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        for statement in ("SET statement_timeout = 0", _INDEX, "VACUUM ANALYZE"):
            await connection.execute(text(statement))


def _varied(vector: Vector, noise: np.random.Generator) -> Vector:
    moved = vector + noise.normal(0, 0.03, vector.shape).astype(np.float32)
    return np.asarray(moved / np.linalg.norm(moved), dtype=np.float32)


async def _publish_big(
    store: Store, document_id: DocumentId, staged: list[tuple[int, list[str], str, list[str]]]
) -> None:
    common = {"document_id": document_id, "revision": 1}
    described = {"title": document_id, "about": None, "model": "-"}
    async with store.transaction() as tx:
        await lock_canon(tx, BIG)
        row = {
            **common,
            **described,
            "canon": BIG,
            "name": document_id,
            "state": "ready",
            "published_revision": 1,
            "sha256": b"-",
            "passages": len(staged),
        }
        await tx.run(insert(Document), [row])
        await tx.run(insert(DocumentRevision), [{**common, **described, "markdown": ""}])
        rows = [
            {
                **common,
                "position": position,
                "passage_id": f"{document_id}_{position}",
                "heading_path": heading,
                "text": body,
                "windows": [""] * len(vectors),
                "tokens": 100,
                "telling": "public",
                "fact": None,
                "rating_rank": position % 3,
            }
            for position, heading, body, vectors in staged
        ]
        await tx.run(insert(StagedPassage), rows)
        kept = [
            {"document_id": document_id, "position": position, "vectors": vectors}
            for position, _, _, vectors in staged
        ]
        await tx.run(_KEEP, kept)
        await take_over_staged(tx, BIG, document_id, 1, len(staged))
        await tx.run(text("DELETE FROM staged_passages"))


async def timed(run: Callable[[Question], Any], questions: Sequence[Question]) -> dict[str, float]:
    """Milliseconds: the median and the 95th percentile, after one round to warm up."""
    for question in questions[:10]:
        await run(question)
    spent = []
    for question in questions:
        started = time.perf_counter()
        await run(question)
        spent.append((time.perf_counter() - started) * 1000)
    return {
        "median ms": statistics.median(spent),
        "p95 ms": float(np.quantile(spent, 0.95)),
    }


async def speed(
    store: Store, embedder: Embedder, questions: Sequence[Question]
) -> dict[str, dict[str, float]]:
    """Each question is asked once, so that no embedding is remembered."""

    def asking(**also: Any) -> Callable[[Question], Any]:
        # A word that no question had before keeps the query's vector from being remembered.
        async def run(question: Question) -> None:
            query = f"{question['question']} {time.perf_counter_ns()}"
            await search(store, embedder, SearchRequest(query=query, canon=BIG, **also))

        return run

    async def embed(question: Question) -> None:
        await embedder.embed_query(f"{question['question']} {time.perf_counter_ns()}")

    vectors = {q["id"]: vector_text(await embedder.embed_query(q["question"])) for q in questions}

    def bare(statement: str) -> Callable[[Question], Any]:
        async def run(question: Question) -> None:
            async with store.reading() as connection:
                await connection.execute(text(statement), {"v": vectors[question["id"]]})

        return run

    return {
        "all ways": await timed(asking(), questions),
        "all ways, a filter that leaves 1 %": await timed(asking(document="big_0"), questions),
        "only its embedding": await timed(embed, questions),
        "floor: bare ORDER BY <=> LIMIT 10, exact": await timed(bare(_EXACT_FLOOR), questions),
        "floor: the same by the HNSW index": await timed(bare(_INDEX_FLOOR), questions),
    }


def show(title: str, rows: dict[str, dict[str, float]]) -> None:
    """Print rows of numbers under their names."""
    table = Table(title=title)
    table.add_column("", no_wrap=True)
    for name in next(iter(rows.values())):
        table.add_column(name, justify="right", no_wrap=True)
    for name, values in rows.items():
        cells = (f"{v:.1f}" if "ms" in k else f"{v:.3f}" for k, v in values.items())
        table.add_row(name, *cells)
    Console(width=WIDTH).print(table)


async def run(url: str, passages: int) -> dict[str, Any]:
    """All measurements."""
    embedder = Embedder.load(EmbeddingConfig())
    questions = yaml.safe_load((ROOT / "tests" / "knowledge" / "questions.yaml").read_text())
    store = Store(url)
    seconds = await ingest_lore(store, embedder)
    found: dict[str, dict[str, float]] = {}
    for name, ways in {"all ways": list(Way), **{w.value: [w] for w in Way}}.items():
        ranks = await ranks_by(store, embedder, questions, frozenset(ways))
        found[name] = quality(questions, ranks)
    found["peer: BM25 over sections"] = quality(questions, await ranks_by_bm25(store, questions))
    await load_big(store, passages)
    spent = await speed(store, embedder, questions[:100])
    await store.close()
    return {
        "questions": len(questions),
        "ingestion_seconds": seconds,
        "passages": passages,
        "quality": found,
        "speed": spent,
    }


def main() -> None:
    """Measure on a Postgres of its own, in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print data instead of tables")
    parser.add_argument("--passages", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loreloom-bench-") as home:
        settings = Settings().with_changes(loreloom_home=home, database_url=None)
        with Stack(settings, parts=[PartName.POSTGRES]) as stack:
            measured = asyncio.run(run(stack.settings.required_database_url(), options.passages))
    if options.json:
        print(json.dumps(measured, indent=2))
        return
    show(f"{measured['questions']} questions over content/lore", measured["quality"])
    show(f"One question at {measured['passages']} passages", measured["speed"])
    print(f"content/lore ingested in {measured['ingestion_seconds']:.1f} s")


if __name__ == "__main__":
    main()
