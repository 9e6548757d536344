"""The payment provider, behind the few things that are asked of it.

The official client, as an object with its own key and address: nothing is set globally.

Every call may be made again. One that would open or pay something twice carries an idempotency key
of ours: a checkout, a refund, a change of level, another try of an invoice. The others need none: a
coupon and a product have ids of ours, of which there is one; what is expired, ended or void stays
so; and that a subscription is to end with its period can be said twice. A key would do harm there,
since the provider answers it for a day with what was true when it first came.
"""

from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import stripe
from pydantic import SecretStr
from stripe import StripeClient
from stripe.params import DisputeListParams, PaymentIntentListParams, RefundListParams
from stripe.params.checkout import SessionCreateParams
from stripe.params.checkout import SessionCreateParamsLineItemPriceData as PriceData

from loreloom.domain.ids import DisputeId, PaymentId
from loreloom.domain.price_book import Quote
from loreloom.domain.provider import (
    Checkout,
    CheckoutStanding,
    DisputeStanding,
    ProviderDispute,
    ProviderPayment,
    Seen,
    SeenDispute,
)
from loreloom.payments.recurring import RecurringGateway, charge_of
from loreloom.payments.refusing import ProviderAway, ProviderRefused

R = TypeVar("R")

SECONDS = 10.0
PAGE = 100
REFUND = "refund"
"""Under this name a refund at the provider carries our key of it."""
REFUNDS_OVER = ("failed", "canceled")
"""So stands a refund at the provider that paid nothing back."""
PAYMENTS_OVER = ("requires_payment_method", "canceled")
"""So stands a payment whose checkout is complete, and which will never come."""
FOR_GOOD = (stripe.InvalidRequestError, stripe.CardError)
DISPUTE_STANDINGS = {
    "warning_needs_response": DisputeStanding.INQUIRY,
    "warning_under_review": DisputeStanding.INQUIRY,
    "warning_closed": DisputeStanding.DROPPED,
    "prevented": DisputeStanding.DROPPED,
    "won": DisputeStanding.WON,
    "lost": DisputeStanding.LOST,
}


class Gateway:
    """The provider at an address; without one, Stripe itself. Its key is in no ``repr``."""

    def __init__(self, key: SecretStr, address: str | None = None) -> None:
        self._http = stripe.HTTPXClient(timeout=SECONDS)
        self._client = StripeClient(
            key.get_secret_value(),
            base_addresses={"api": address.rstrip("/")} if address else None,
            http_client=self._http,
            max_network_retries=0,
        )
        self.recurring = RecurringGateway(self._client, self._asked)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def open_checkout(
        self, payment_id: PaymentId, quote: Quote, return_url: str, key: str
    ) -> Checkout:
        """Open a checkout for a quote. Raises ``ProviderError``."""
        if quote.item.every is None:
            asked = _one_payment(payment_id, quote)
        else:
            asked = await self.recurring.checkout(payment_id, quote, quote.item.every)
        asked["client_reference_id"] = payment_id
        asked["success_url"] = return_url
        session = await self._asked(
            self._client.v1.checkout.sessions.create_async(asked, {"idempotency_key": key})
        )
        return Checkout(checkout=session.id, url=session.url or "")

    async def look(self, checkout: str) -> Seen:
        """What has become of a checkout. Raises ``ProviderError``."""
        session = await self._asked(
            self._client.v1.checkout.sessions.retrieve_async(
                checkout, {"expand": ["invoice.payments", "payment_intent"]}
            )
        )
        first = charge_of(session.invoice) if isinstance(session.invoice, stripe.Invoice) else None
        intent = first.intent if first else _id_of(session.payment_intent)
        standing = _standing(session)
        # A subscription's payment is not of its checkout, but of its first invoice.
        if first is not None and standing is CheckoutStanding.PROCESSING and intent is not None:
            paying = await self._asked(self._client.v1.payment_intents.retrieve_async(intent))
            standing = _standing_of(paying)
        return Seen(
            standing=standing,
            amount=session.amount_total or 0,
            currency=(session.currency or "").upper(),
            intent=intent,
            subscription=_id_of(session.subscription),
            paid_until=first.ends if first else None,
        )

    async def expire(self, checkout: str) -> None:
        """Close a checkout, so that it can no longer be paid; one that is closed stays as it is."""
        try:
            await self._asked(self._client.v1.checkout.sessions.expire_async(checkout))
        except ProviderRefused:
            # It was completed or expired in the meantime: whoever looks next sees which.
            return

    async def refund(self, intent: str, amount: int, key: str) -> None:
        """Have an amount in minor units paid back, once for its key. Raises ``ProviderError``.

        The provider may take days over it, and may fail after all: ``failed_refund`` says so.
        """
        # The provider forgets our key after a day, and would pay twice.
        made = await self._refund_by(intent, key)
        if made is None:
            made = await self._asked(
                self._client.v1.refunds.create_async(
                    {"payment_intent": intent, "amount": amount, "metadata": {REFUND: key}},
                    {"idempotency_key": key},
                )
            )
        failure = _failure(made)
        if failure is not None:
            raise ProviderRefused(failure)

    async def failed_refund(self, intent: str, key: str) -> str | None:
        """Why a refund by that key paid nothing back after all; ``None`` while it may, or did."""
        made = await self._refund_by(intent, key)
        return _failure(made) if made is not None else None

    async def _refund_by(self, intent: str, key: str) -> stripe.Refund | None:
        """The refund by that key, as the provider lists it."""
        asked: RefundListParams = {"payment_intent": intent, "limit": PAGE}
        while True:
            page = await self._asked(self._client.v1.refunds.list_async(asked))
            for made in page.data:
                if made.metadata is not None and made.metadata.to_dict().get(REFUND) == key:
                    found: stripe.Refund = made
                    return found
            if not page.has_more or not page.data:
                return None
            asked["starting_after"] = page.data[-1].id

    async def dispute(self, dispute_id: DisputeId) -> SeenDispute:
        """What has become of a dispute. Raises ``ProviderError``."""
        return _seen(await self._asked(self._client.v1.disputes.retrieve_async(dispute_id)))

    async def _asked(self, call: Awaitable[R]) -> R:
        try:
            return await call
        except FOR_GOOD as error:
            raise ProviderRefused(_code(error)) from None
        except stripe.StripeError as error:
            raise ProviderAway(_code(error)) from None

    async def payments(self) -> AsyncIterator[Sequence[ProviderPayment]]:
        """Every payment that the provider has taken, page by page. Raises ``ProviderError``.

        Those of subscriptions name nothing of ours: ``recurring.payments`` does.
        """
        asked: PaymentIntentListParams = {"limit": PAGE, "expand": ["data.latest_charge"]}
        while True:
            page = await self._asked(self._client.v1.payment_intents.list_async(asked))
            yield [_payment(intent) for intent in page.data if intent.status == "succeeded"]
            if not page.has_more or not page.data:
                return
            asked["starting_after"] = page.data[-1].id

    async def disputes(self) -> AsyncIterator[Sequence[ProviderDispute]]:
        """Every dispute that the provider knows, page by page. Raises ``ProviderError``."""
        asked: DisputeListParams = {"limit": PAGE}
        while True:
            page = await self._asked(self._client.v1.disputes.list_async(asked))
            yield [_dispute(dispute) for dispute in page.data]
            if not page.has_more or not page.data:
                return
            asked["starting_after"] = page.data[-1].id


def _seen(dispute: stripe.Dispute) -> SeenDispute:
    return SeenDispute(
        dispute_id=DisputeId(dispute.id),
        standing=DISPUTE_STANDINGS.get(dispute.status, DisputeStanding.OPEN),
        amount=dispute.amount,
        intent=_id_of(dispute.payment_intent),
    )


def _dispute(dispute: stripe.Dispute) -> ProviderDispute:
    created_at = datetime.fromtimestamp(dispute.created, UTC)
    return ProviderDispute(**_seen(dispute).model_dump(), created_at=created_at)


def _one_payment(payment_id: PaymentId, quote: Quote) -> SessionCreateParams:
    about: dict[str, str] = {"payment_id": payment_id}
    price: PriceData = {
        "currency": quote.currency.lower(),
        "unit_amount": quote.amount,
        "product_data": {"name": quote.item.name},
    }
    return {
        "mode": "payment",
        "metadata": about,
        "payment_intent_data": {"metadata": about},
        "line_items": [{"quantity": 1, "price_data": price}],
    }


def _failure(refund: stripe.Refund) -> str | None:
    if refund.status not in REFUNDS_OVER:
        return None
    return refund.failure_reason or f"refund_{refund.status}"


def _code(error: stripe.StripeError) -> str:
    return error.code or type(error).__name__


def _standing(session: stripe.checkout.Session) -> CheckoutStanding:
    if session.status == "expired":
        return CheckoutStanding.EXPIRED
    if session.status != "complete":
        return CheckoutStanding.OPEN
    if session.payment_status in ("paid", "no_payment_required"):
        return CheckoutStanding.PAID
    intent = session.payment_intent
    return (
        _standing_of(intent)
        if isinstance(intent, stripe.PaymentIntent)
        else CheckoutStanding.PROCESSING
    )


def _standing_of(intent: stripe.PaymentIntent) -> CheckoutStanding:
    """What a payment that is not there yet makes of its checkout."""
    failed = intent.status in PAYMENTS_OVER
    return CheckoutStanding.FAILED if failed else CheckoutStanding.PROCESSING


def _payment(intent: stripe.PaymentIntent) -> ProviderPayment:
    charge = intent.latest_charge
    refunded = charge.amount_refunded if isinstance(charge, stripe.Charge) else 0
    # What the provider answers is no dict: it has no get.
    payment_id = intent.metadata.to_dict().get("payment_id")
    return ProviderPayment(
        intent=intent.id,
        payment_id=PaymentId(payment_id) if payment_id else None,
        amount=intent.amount,
        currency=intent.currency.upper(),
        refunded=refunded,
        created_at=datetime.fromtimestamp(intent.created, UTC),
    )


def _id_of(found: Any) -> str | None:
    return found if found is None or isinstance(found, str) else str(found.id)
