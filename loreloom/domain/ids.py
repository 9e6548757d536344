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
PaymentId = NewType("PaymentId", str)
RefundId = NewType("RefundId", str)
DisputeId = NewType("DisputeId", str)
SubscriptionId = NewType("SubscriptionId", str)
ArcId = NewType("ArcId", str)
WhatIfId = NewType("WhatIfId", str)


def quest_workflow_id(quest_id: QuestId) -> str:
    """The Temporal workflow id of a quest; also the root of its idempotency keys."""
    return f"quest/{quest_id}"


def arc_workflow_id(arc_id: ArcId) -> str:
    """The Temporal workflow id of a story arc; also the root of its idempotency keys."""
    return f"arc/{arc_id}"


def ingestion_workflow_id(document_id: DocumentId, revision: int) -> str:
    """The Temporal workflow id of one ingestion: one a document and revision."""
    return f"ingest/{document_id}/{revision}"


def clock_workflow_id(world_id: WorldId) -> str:
    """The Temporal workflow id of a world's clock; also the root of its idempotency keys."""
    return f"clock/{world_id}"


def weather_workflow_id(world_id: WorldId, region: str) -> str:
    """The Temporal workflow id of a region's weather."""
    return f"weather/{world_id}/{region}"


def payment_workflow_id(payment_id: PaymentId) -> str:
    """The Temporal workflow id of a purchase; also the root of its idempotency keys."""
    return f"payment/{payment_id}"


def refund_workflow_id(refund_id: RefundId) -> str:
    """The Temporal workflow id of a refund; also the root of its idempotency keys."""
    return f"refund/{refund_id}"


def dispute_workflow_id(dispute_id: DisputeId) -> str:
    """The Temporal workflow id of a dispute, under the provider's own id of it."""
    return f"dispute/{dispute_id}"


def subscription_workflow_id(subscription_id: SubscriptionId) -> str:
    """The Temporal workflow id of a subscription; also the root of its idempotency keys."""
    return f"subscription/{subscription_id}"


def subscription_of(payment_id: PaymentId) -> SubscriptionId:
    """The subscription that a purchase begins."""
    return SubscriptionId(f"subscription_of_{payment_id}")


def payment_of_invoice(invoice: str) -> PaymentId:
    """The purchase as which a later charge of a subscription is booked."""
    return PaymentId(f"payment_of_{invoice}")


def erasure_workflow_id(named: str) -> str:
    """The Temporal workflow id by which a player is erased, who is named by a hash."""
    return f"erase/{named}"


def settlement_workflow_id(quest_id: QuestId) -> str:
    """The Temporal workflow id by which ops end a quest: one a quest."""
    return f"settle/{quest_id}"


def whatif_workflow_id(whatif_id: WhatIfId) -> str:
    """The Temporal workflow id by which one text, or a set of them, is asked for again."""
    return f"whatif/{whatif_id}"


def arc_of_payment(payment_id: PaymentId) -> ArcId:
    """The arc that a bought chapter opens: one a purchase, however often it is delivered."""
    return ArcId(f"arc_of_{payment_id}")
