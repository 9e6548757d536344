"""The largest document that is taken, full of names: read, published and linked in its bounds."""

import random

import pytest
from sqlalchemy import func, select, text

from loreloom.knowledge.documents import receive
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.ingesting import publish_document, split_document
from loreloom.knowledge.models import DocumentState, DocumentUpload
from loreloom.state.store import Store
from loreloom.state.tables.knowledge import Document, EntityRow, PassageEntity

SIZE = 4_900_000
NAMES = 3_000
SYLLABLES = ("ba", "de", "mi", "ro", "ku", "la", "ne", "so", "ti", "wen")
LAST = ("Street", "Bell", "Guild", "Wolf", "Tower")
PLAIN = ("the", "of", "and", "a", "in", "to", "was", "he", "she", "it", "that", "with", "for", "on")

_ANY_VECTORS = text(
    """
    UPDATE staged_passages SET vectors = array_fill(
        CAST('[' || array_to_string(array_fill(0.05, ARRAY[384]), ',') || ']' AS halfvec),
        ARRAY[cardinality(windows)])
    """
)


def a_document_of_names() -> str:
    chance = random.Random(5)

    def word() -> str:
        return "".join(chance.choices(SYLLABLES, k=3)).capitalize()

    names = [f"{word()} {word()} {chance.choice(LAST)}" for _ in range(NAMES)]

    def sentence() -> str:
        words = chance.choices(PLAIN, k=14)
        return " ".join(["Then", *words[:5], chance.choice(names), *words[5:]]) + "."

    parts, size = ["# Names"], 0
    while size < SIZE:
        parts.append(f"## Part {len(parts)}\n\n{' '.join(sentence() for _ in range(9))}")
        size += len(parts[-1]) + 2
    return "\n\n".join(parts)


@pytest.mark.soak
async def test_five_megabytes_of_names_are_published_and_linked(
    store: Store, embedder: Embedder
) -> None:
    upload = DocumentUpload(name="names.md", content=a_document_of_names())
    document = (await receive(store, upload, model=embedder.model)).document
    passages = await split_document(store, embedder, document.document_id, document.revision)
    async with store.transaction() as tx:
        # What the vectors are is of no matter here; embedding takes minutes.
        await tx.run(_ANY_VECTORS)

    await publish_document(store, document.document_id, document.revision)

    async with store.reading() as connection:
        assert await connection.scalar(select(Document.state)) == DocumentState.READY
        found = await connection.scalar(select(func.count()).select_from(EntityRow)) or 0
        linked = await connection.scalar(select(func.count()).select_from(PassageEntity)) or 0
    assert found > NAMES * 0.95
    # Each passage holds several sentences, and each sentence a name.
    assert linked > passages * 5
