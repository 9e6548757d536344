"""Every way that an ingestion can go, walked with the real model, for its history."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

from sqlalchemy import update
from temporalio.client import Client, WorkflowFailureError, WorkflowHistory
from temporalio.worker import Worker

from loreloom.activities.knowledge import KnowledgeActivities
from loreloom.activities.signatures.knowledge import IngestionInput
from loreloom.domain.ids import CanonName, ingestion_workflow_id
from loreloom.knowledge.documents import INGESTION_WORKFLOW, receive
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig
from loreloom.knowledge.models import DocumentUpload
from loreloom.state.store import Store
from loreloom.state.tables.knowledge import DocumentRevision
from loreloom.workflows.ingestion import IngestionWorkflow
from loreloom.workflows.roles import Role, queue_of
from tests.sandbox import SANDBOX

PREFIX = "record-ingestion"
TEXT = "# The pier\n\nA pier of one hundred and nine oak posts.\n\n## The lamp\n\nIt is green.\n"

Prepare = Callable[[Store, IngestionInput, Embedder], Awaitable[None]]


async def ready(store: Store, ingestion: IngestionInput, embedder: Embedder) -> None:
    """Nothing comes in between."""


async def superseded(store: Store, ingestion: IngestionInput, embedder: Embedder) -> None:
    """A newer revision is there before this one is read."""
    newer = DocumentUpload(canon=CanonName("record"), name="superseded", content=f"{TEXT}More.")
    await receive(store, newer, model=embedder.model)


async def failed(store: Store, ingestion: IngestionInput, embedder: Embedder) -> None:
    """What is stored can no longer be read."""
    async with store.transaction() as tx:
        await tx.run(
            update(DocumentRevision)
            .where(DocumentRevision.document_id == ingestion.document_id)
            .values(markdown="---\nentities: [\n---\ntext")
        )


WAYS: dict[str, Prepare] = {"ready": ready, "superseded": superseded, "failed": failed}


async def walked(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """The history of each way, under its name."""
    embedder = Embedder.load(EmbeddingConfig())
    activities = KnowledgeActivities(store, embedder)
    story, knowledge = queue_of(Role.STORY, PREFIX), queue_of(Role.KNOWLEDGE, PREFIX)
    async with AsyncExitStack() as stack:
        telling = Worker(
            client, task_queue=story, workflows=[IngestionWorkflow], workflow_runner=SANDBOX
        )
        await stack.enter_async_context(telling)
        doing = Worker(client, task_queue=knowledge, activities=activities.all())
        await stack.enter_async_context(doing)
        for name, prepare in WAYS.items():
            upload = DocumentUpload(canon=CanonName("record"), name=name, content=TEXT)
            document = (await receive(store, upload, model=embedder.model)).document
            ingestion = IngestionInput(document_id=document.document_id, revision=document.revision)
            await prepare(store, ingestion, embedder)
            workflow_id = ingestion_workflow_id(ingestion.document_id, ingestion.revision)
            handle = await client.start_workflow(
                INGESTION_WORKFLOW, ingestion, id=workflow_id, task_queue=story
            )
            with suppress(WorkflowFailureError):
                await handle.result()
            yield name, await handle.fetch_history()
