"""An ingestion: a document's revision is split, embedded and made readable in one step."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.knowledge import (
        SUPERSEDED,
        UNREADABLE,
        FailureReport,
        IngestionInput,
        KnowledgeSteps,
    )
    from loreloom.workflows.roles import Role, sibling_queue

SPLIT_TIME = timedelta(minutes=15)
EMBED_TIME = timedelta(hours=2)
PUBLISH_TIME = timedelta(minutes=15)
FAIL_TIME = timedelta(seconds=10)
HEARTBEAT = timedelta(seconds=15)

RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    maximum_interval=timedelta(seconds=20),
    maximum_attempts=20,
)


@workflow.defn(name="Ingestion")
class IngestionWorkflow:
    """One revision of one document; its text and what is made of it lie in Postgres."""

    @workflow.run
    async def run(self, ingestion: IngestionInput) -> int:
        """From a stored text to passages that readers see; returns how many were embedded."""
        try:
            return await self._ingest(ingestion)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            if _type_of(error) == SUPERSEDED:
                return 0
            await self._fail(ingestion, error)
            raise

    async def _ingest(self, ingestion: IngestionInput) -> int:
        queue = sibling_queue(workflow.info().task_queue, Role.KNOWLEDGE)
        passages = await workflow.execute_activity_method(
            KnowledgeSteps.split,
            ingestion,
            task_queue=queue,
            start_to_close_timeout=SPLIT_TIME,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RETRY,
            summary="Split the document into passages",
        )
        workflow.set_current_details(f"{passages} passages, being embedded")
        embedded = await workflow.execute_activity_method(
            KnowledgeSteps.embed,
            ingestion,
            task_queue=queue,
            start_to_close_timeout=EMBED_TIME,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RETRY,
            summary="Embed the passages",
        )
        await workflow.execute_activity_method(
            KnowledgeSteps.publish,
            ingestion,
            task_queue=queue,
            start_to_close_timeout=PUBLISH_TIME,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RETRY,
            summary="Make the passages readable",
        )
        workflow.set_current_details(f"{passages} passages, readable")
        return embedded

    async def _fail(self, ingestion: IngestionInput, error: ActivityError) -> None:
        reason = str(error.cause) if _type_of(error) == UNREADABLE else _words_of(error)
        await workflow.execute_activity_method(
            KnowledgeSteps.fail,
            FailureReport(ingestion=ingestion, reason=reason),
            task_queue=sibling_queue(workflow.info().task_queue, Role.KNOWLEDGE),
            start_to_close_timeout=FAIL_TIME,
            summary="Say why the document failed",
        )


def _type_of(error: ActivityError) -> str | None:
    return error.cause.type if isinstance(error.cause, ApplicationError) else None


def _words_of(error: ActivityError) -> str:
    return f"the step {error.activity_type} failed: {error.cause or error}"
