"""The steps of an ingestion, each a call to the knowledge room."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from temporalio import activity
from temporalio.exceptions import ApplicationError

from loreloom.activities.signatures.knowledge import (
    SUPERSEDED,
    UNREADABLE,
    FailureReport,
    IngestionInput,
    KnowledgeSteps,
)
from loreloom.knowledge import ingesting
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.problems import LoreProblem
from loreloom.state.store import Store

BEAT_SECONDS = 2.0


class KnowledgeActivities(KnowledgeSteps):
    """What a knowledge worker serves. The embedder is the process's only one."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder

    def all(self) -> list[Callable[..., object]]:
        """The activities, to be served on the knowledge queue."""
        return [self.split, self.embed, self.publish, self.fail]

    @activity.defn(name="knowledge_split")
    async def split(self, ingestion: IngestionInput) -> int:
        with _known_failures():
            async with _beating():
                return await ingesting.split_document(
                    self._store, self._embedder, ingestion.document_id, ingestion.revision
                )

    @activity.defn(name="knowledge_embed")
    async def embed(self, ingestion: IngestionInput) -> int:
        async def on_batch(embedded: int) -> None:
            activity.heartbeat(embedded)

        with _known_failures():
            async with _beating():
                return await ingesting.embed_staged(
                    self._store,
                    self._embedder,
                    ingestion.document_id,
                    ingestion.revision,
                    on_batch,
                )

    @activity.defn(name="knowledge_publish")
    async def publish(self, ingestion: IngestionInput) -> None:
        with _known_failures():
            async with _beating():
                await ingesting.publish_document(
                    self._store, ingestion.document_id, ingestion.revision
                )

    @activity.defn(name="knowledge_fail")
    async def fail(self, report: FailureReport) -> None:
        await ingesting.fail_document(
            self._store, report.ingestion.document_id, report.ingestion.revision, report.reason
        )


@contextmanager
def _known_failures() -> Iterator[None]:
    try:
        yield
    except ingesting.Superseded as error:
        raise ApplicationError(
            "a newer revision is there, or the document is gone",
            type=SUPERSEDED,
            non_retryable=True,
        ) from error
    except LoreProblem as problem:
        raise ApplicationError(problem.message, type=UNREADABLE, non_retryable=True) from problem


@asynccontextmanager
async def _beating() -> AsyncIterator[None]:
    """Heartbeats for as long as the work takes, so that only a dead worker is taken for dead."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
