"""The activities of an ingestion, as its workflow calls them."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from loreloom.domain.ids import DocumentId

SUPERSEDED = "Superseded"
"""Type of the error of a step whose revision is no longer the newest of its document."""

UNREADABLE = "UnreadableDocument"
"""Type of the error of a text that cannot be ingested; its message is for the designer."""


class SignatureModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class IngestionInput(SignatureModel):
    """Which revision of which document is to be ingested; its text lies in Postgres."""

    document_id: DocumentId
    revision: int


class FailureReport(SignatureModel):
    """Why a revision could not be ingested, as a designer reads it."""

    ingestion: IngestionInput
    reason: str


class KnowledgeSteps(Protocol):
    """The steps of an ingestion. Each may run twice, and goes on where it stopped."""

    @activity.defn(name="knowledge_split")
    async def split(self, ingestion: IngestionInput) -> int:
        """Cut the text into passages that nobody reads yet; answers how many."""
        raise NotImplementedError

    @activity.defn(name="knowledge_embed")
    async def embed(self, ingestion: IngestionInput) -> int:
        """Embed what is not embedded yet; answers how many passages this run embedded."""
        raise NotImplementedError

    @activity.defn(name="knowledge_publish")
    async def publish(self, ingestion: IngestionInput) -> None:
        """Make the revision what readers see, in one transaction."""
        raise NotImplementedError

    @activity.defn(name="knowledge_fail")
    async def fail(self, report: FailureReport) -> None:
        """Say of the document why it could not be ingested."""
        raise NotImplementedError
