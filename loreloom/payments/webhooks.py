"""Webhooks: whether the provider signed one, and what of it is kept."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr
from stripe import SignatureVerificationError, WebhookSignature

from loreloom.domain.ids import DisputeId, PaymentId, SubscriptionId
from loreloom.domain.provider import ToldEvent

TOLERANCE_SECONDS = 300
MAX_HEADER = 4096


class NotSigned(Exception):
    """The body does not come from the provider, or comes too late. Says no more than that."""


class NotAnEvent(Exception):
    """The body is signed and is no event."""


class Signatures:
    """Checks bodies against the secrets in force: several, while one is being rolled."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        self._secrets = tuple(secrets)

    def read(self, body: bytes, signature: str) -> ToldEvent:
        """The event in a body. Raises ``NotSigned`` or ``NotAnEvent``."""
        if len(signature) > MAX_HEADER or not any(
            _signed(body, signature, secret) for secret in self._secrets
        ):
            raise NotSigned
        try:
            return _told(json.loads(body))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise NotAnEvent from error


def _signed(body: bytes, signature: str, secret: SecretStr) -> bool:
    try:
        WebhookSignature.verify_header(
            body, signature, secret.get_secret_value(), TOLERANCE_SECONDS
        )
    except (SignatureVerificationError, UnicodeError, TypeError):
        # What is not UTF-8 was never signed; comparing in constant time refuses what is not ASCII.
        return False
    return True


def _told(event: dict[str, Any]) -> ToldEvent:
    about = event["data"]["object"]
    kind: str = event["type"]
    dispute = kind.startswith("charge.dispute.")
    metadata = about.get("metadata") or {}
    payment_id = metadata.get("payment_id")
    subscription_id = (_of_invoice(about) or metadata).get("subscription_id")
    return ToldEvent(
        event_id=event["id"],
        kind=kind,
        payment_id=PaymentId(payment_id) if payment_id else None,
        intent=_intent(about),
        dispute_id=DisputeId(about["id"]) if dispute else None,
        subscription_id=SubscriptionId(subscription_id) if subscription_id else None,
    )


def _of_invoice(about: dict[str, Any]) -> dict[str, Any] | None:
    """What an invoice knows of its subscription; where it says so depends on the API's version."""
    details = (about.get("parent") or about).get("subscription_details") or {}
    found: dict[str, Any] | None = details.get("metadata")
    return found


def _intent(about: dict[str, Any]) -> str | None:
    found = about["id"] if about.get("object") == "payment_intent" else about.get("payment_intent")
    return found["id"] if isinstance(found, dict) else found
