"""A document is read whole or not at all, newest wins, and nothing is done twice."""

import asyncio
from itertools import count

import pytest
from sqlalchemy import text

from loreloom.domain.canon import Viewpoint
from loreloom.domain.ids import CanonName
from loreloom.knowledge.documents import delete_document, get_document, list_documents, receive
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.ingesting import (
    Superseded,
    embed_staged,
    publish_document,
    split_document,
)
from loreloom.knowledge.models import (
    DocumentState,
    DocumentUpload,
    SearchRequest,
)
from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.knowledge.search import search
from loreloom.state.store import Store
from tests.knowledge.conftest import Ingest

ALL = Viewpoint(sees_all=True)


def tale(word: str, sections: int = 12) -> str:
    """A document each of whose sections tells of the same ferry in other circumstances."""
    parts = (f"## Night {i}\n\nThe ferry {word} crossed on night {i}." for i in range(sections))
    return "# The ferry\n\n" + "\n\n".join(parts)


async def found(store: Store, embedder: Embedder, query: str, **also: object) -> list[str]:
    request = SearchRequest.model_validate({"query": query, "limit": 50, "viewpoint": ALL, **also})
    return [hit.text for hit in await search(store, embedder, request)]


async def test_the_same_text_again_takes_no_work(ingest: Ingest, store: Store) -> None:
    first, embedded = await ingest("a.md", tale("Heron"))
    assert embedded == 12
    again, embedded = await ingest("a.md", tale("Heron"))
    assert not again.started
    assert embedded == 0
    assert again.document.state is DocumentState.READY
    assert again.document.document_id == first.document.document_id


async def test_only_what_changed_is_embedded_anew(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("a.md", tale("Heron"))
    changed = tale("Heron").replace("crossed on night 7.", "sank on night 7.")
    _, embedded = await ingest("a.md", changed)
    assert embedded == 1
    told = await found(store, embedder, "the ferry sank")
    assert len(told) == 12
    assert "The ferry Heron sank on night 7." in told


async def test_a_reader_never_sees_half_of_a_replaced_document(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("a.md", tale("Heron"))
    done = asyncio.Event()
    seen: list[frozenset[str]] = []

    async def read() -> None:
        while not done.is_set():
            told = await found(store, embedder, "the ferry crossed on night")
            seen.append(frozenset(word for t in told for word in ("Heron", "Egret") if word in t))
            assert len(told) == 12

    reader = asyncio.create_task(read())
    for word in ("Egret", "Heron", "Egret"):
        await ingest("a.md", tale(word))
    done.set()
    await reader
    assert set(seen) <= {frozenset({"Heron"}), frozenset({"Egret"})}
    assert len(set(seen)) == 2


async def test_an_embedding_that_broke_off_goes_on_where_it_stopped(
    store: Store, embedder: Embedder
) -> None:
    upload = DocumentUpload(name="a.md", content=tale("Heron", sections=40))
    document = (await receive(store, upload, model=embedder.model)).document
    await split_document(store, embedder, document.document_id, document.revision)
    batches = count(1)

    async def dies(embedded: int) -> None:
        if next(batches) == 2:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await embed_staged(store, embedder, document.document_id, document.revision, dies)
    half = await get_document(store, document.document_id)
    assert (half.state, half.passages, half.passages_done) == (DocumentState.INGESTING, 40, 32)
    assert await found(store, embedder, "ferry") == []

    async def lives(embedded: int) -> None:
        return None

    rest = await embed_staged(store, embedder, document.document_id, document.revision, lives)
    assert rest == 8
    await publish_document(store, document.document_id, document.revision)
    # A step that is run again after it was done changes nothing.
    await publish_document(store, document.document_id, document.revision)
    assert (await get_document(store, document.document_id)).state is DocumentState.READY
    assert len(await found(store, embedder, "ferry")) == 40


async def test_an_older_revision_never_overwrites_a_newer_one(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    old = (
        await receive(
            store, DocumentUpload(name="a.md", content=tale("Heron")), model=embedder.model
        )
    ).document
    await split_document(store, embedder, old.document_id, old.revision)
    await ingest("a.md", tale("Egret"))
    with pytest.raises(Superseded):
        await publish_document(store, old.document_id, old.revision)
    with pytest.raises(Superseded):
        await split_document(store, embedder, old.document_id, old.revision)
    assert all("Egret" in told for told in await found(store, embedder, "ferry"))


async def test_uploads_of_one_name_at_once_end_in_one_document(
    store: Store, embedder: Embedder, ingest: Ingest
) -> None:
    uploads = [
        receive(store, DocumentUpload(name="a.md", content=tale(w)), model=embedder.model)
        for w in ("Heron", "Egret", "Stork", "Crane")
    ]
    receipts = await asyncio.gather(*uploads)
    assert len({r.document.document_id for r in receipts}) == 1
    assert sorted(r.document.revision for r in receipts) == [1, 2, 3, 4]


async def test_a_deleted_document_leaves_nothing(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    front = "---\nentities:\n  - {name: Old Heron, kind: thing}\n---\n"
    receipt, _ = await ingest("a.md", front + tale("Heron"))
    await delete_document(store, receipt.document.document_id)
    assert await found(store, embedder, "ferry Heron") == []
    async with store.reading() as connection:
        for table in ("passages", "passage_vectors", "passage_terms", "entities", "canon_terms"):
            left = await connection.execute(text(f"SELECT count(*) FROM {table}"))
            assert left.scalar_one() == 0, table
    with pytest.raises(LoreProblem) as refused:
        await delete_document(store, receipt.document.document_id)
    assert refused.value.code is LoreCode.UNKNOWN_DOCUMENT


async def test_an_empty_document_is_ready_and_has_nothing_to_find(
    ingest: Ingest, store: Store
) -> None:
    receipt, _ = await ingest("empty.md", b"")
    document = await get_document(store, receipt.document.document_id)
    assert (document.state, document.passages) == (DocumentState.READY, 0)


async def test_a_refused_upload_changes_nothing(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("a.md", tale("Heron"))
    bad = DocumentUpload(name="a.md", content="---\ntelling: loud\n---\n")
    with pytest.raises(LoreProblem):
        await receive(store, bad, model=embedder.model)
    page = await list_documents(store, CanonName("default"))
    assert [(d.name, d.state, d.revision) for d in page.items] == [("a.md", DocumentState.READY, 1)]


async def test_documents_are_listed_page_by_page(ingest: Ingest, store: Store) -> None:
    for name in ("c.md", "a.md", "b.md"):
        await ingest(name, f"# {name}\n\ntext")
    first = await list_documents(store, CanonName("default"), limit=2)
    second = await list_documents(store, CanonName("default"), limit=2, after=first.next)
    assert [d.name for d in (*first.items, *second.items)] == ["a.md", "b.md", "c.md"]
    assert second.next is None


async def test_two_canons_never_see_each_other(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    front = "---\nentities:\n  - {name: Old Heron, kind: thing}\n---\n"
    await ingest("a.md", front + tale("Heron"), "north")
    await ingest("a.md", tale("Egret"), "south")
    assert all("Egret" in t for t in await found(store, embedder, "Old Heron", canon="south"))
    assert all("Heron" in t for t in await found(store, embedder, "Egret", canon="north"))
    with pytest.raises(LoreProblem):
        await found(store, embedder, "ferry", canon="south", entity="Old Heron")
    assert await found(store, embedder, "ferry", canon="nowhere") == []
