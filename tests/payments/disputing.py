"""A buyer's bank: it questions a purchase, and decides; and it sends a refund back."""

import secrets
from typing import Any

from loreloom.workers.embedded.stack import STANDIN_KEY
from tests.payments.conftest import Till, an_event


async def disputed(till: Till, payment: dict[str, Any], **about: Any) -> str:
    """The buyer's bank questions a purchase, which is held; the dispute's id."""
    dispute_id = await questioned(till, payment, **about)
    await till.until(payment["payment_id"], "disputed")
    return dispute_id


async def questioned(till: Till, payment: dict[str, Any], **about: Any) -> str:
    """The buyer's bank questions a purchase, and it is told of; the dispute's id."""
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    body = {"payment_intent": seen.intent, **about}
    dispute_id: str = (await till.provider.post("/_config/disputes", json=body)).json()["id"]
    await _tell(till, "charge.dispute.created", dispute_id, str(seen.intent))
    return dispute_id


async def escalate(till: Till, payment: dict[str, Any], dispute_id: str) -> None:
    """The bank has asked, and takes the money."""
    await till.provider.post(f"/_config/disputes/{dispute_id}/escalate")
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    await _tell(till, "charge.dispute.updated", dispute_id, str(seen.intent))


async def decide(till: Till, payment: dict[str, Any], dispute_id: str, how: str) -> None:
    """The bank decides: ``won`` or ``lost``, for us, or ``warning_closed`` if it only asked."""
    await till.provider.post(f"/_config/disputes/{dispute_id}/close", json={"status": how})
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    await _tell(till, "charge.dispute.closed", dispute_id, str(seen.intent))


async def fail_last_refund(till: Till, payment: dict[str, Any]) -> str:
    """The buyer's bank sends the money back; the provider's payment that it was of."""
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    query, key = {"payment_intent": seen.intent}, (STANDIN_KEY, "")
    made = (await till.provider.get("/v1/refunds", params=query, auth=key)).json()["data"]
    failed = await till.provider.post(f"/_config/refunds/{made[0]['id']}/fail")
    failed.raise_for_status()
    return str(seen.intent)


async def _tell(till: Till, kind: str, dispute_id: str, intent: str) -> None:
    about = {"id": dispute_id, "object": "dispute", "metadata": {}, "payment_intent": intent}
    body = an_event(kind, "", f"evt_{secrets.token_hex(6)}", **about)
    assert (await till.deliver(body)).status_code == 200
