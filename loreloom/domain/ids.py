"""Identifiers, each a type of its own, so that a quest's id is never passed for a player's."""

from typing import NewType

WorldId = NewType("WorldId", str)
PlayerId = NewType("PlayerId", str)
QuestId = NewType("QuestId", str)
CanonName = NewType("CanonName", str)
DocumentId = NewType("DocumentId", str)
PassageId = NewType("PassageId", str)
EntityId = NewType("EntityId", str)
GenerationId = NewType("GenerationId", str)
FactId = NewType("FactId", str)


def quest_workflow_id(quest_id: QuestId) -> str:
    """The Temporal workflow id of a quest; also the root of its idempotency keys."""
    return f"quest/{quest_id}"


def ingestion_workflow_id(document_id: DocumentId, revision: int) -> str:
    """The Temporal workflow id of one ingestion: one a document and revision."""
    return f"ingest/{document_id}/{revision}"
