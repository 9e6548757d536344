"""The ingestion's own steps without a workflow around them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from loreloom.domain.ids import CanonName
from loreloom.knowledge.documents import receive
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.ingesting import embed_staged, publish_document, split_document
from loreloom.knowledge.models import DocumentUpload, Receipt
from loreloom.state.store import Store

LORE = Path(__file__).parents[2] / "content" / "lore"

Ingest = Callable[..., Awaitable[tuple[Receipt, int]]]


@pytest.fixture(scope="session")
def questions() -> list[dict[str, Any]]:
    """The labelled questions over content/lore."""
    loaded: list[dict[str, Any]] = yaml.safe_load(
        (Path(__file__).parent / "questions.yaml").read_text()
    )
    return loaded


@pytest.fixture
def ingest(store: Store, embedder: Embedder) -> Ingest:
    """Takes a document in and answers the receipt and how many passages were embedded for it."""

    async def run(name: str, content: bytes | str, canon: str = "default") -> tuple[Receipt, int]:
        return await ingest_into(store, embedder, name, content, canon)

    return run


async def ingest_into(
    store: Store, embedder: Embedder, name: str, content: bytes | str, canon: str = "default"
) -> tuple[Receipt, int]:
    """All steps of an ingestion, one after another."""
    upload = DocumentUpload(canon=CanonName(canon), name=name, content=content)
    receipt = await receive(store, upload, model=embedder.model)
    if not receipt.started:
        return receipt, 0
    document_id, revision = receipt.document.document_id, receipt.document.revision
    await split_document(store, embedder, document_id, revision)
    embedded = await embed_staged(store, embedder, document_id, revision, _nobody)
    await publish_document(store, document_id, revision)
    return receipt, embedded


async def _nobody(embedded: int) -> None:
    return None
