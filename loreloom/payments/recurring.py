"""Subscriptions at the provider: what is asked of it, and what it says, in our words."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from itertools import dropwhile
from typing import Any, TypeVar

import stripe
from stripe import StripeClient
from stripe.params import CouponCreateParams, InvoiceListParams, SubscriptionUpdateParams
from stripe.params.checkout import SessionCreateParams
from stripe.params.checkout import SessionCreateParamsLineItemPriceData as PriceData

from loreloom.domain.ids import PaymentId, payment_of_invoice, subscription_of
from loreloom.domain.price_book import CouponDuration, Discount, Interval, Quote, StoreItem
from loreloom.domain.provider import Charge, SeenSubscription, SubscriptionStanding
from loreloom.payments.refusing import ProviderRefused

R = TypeVar("R")
Asked = Callable[[Awaitable[Any]], Awaitable[Any]]

PAGE = 100
STANDINGS = {
    "active": SubscriptionStanding.ACTIVE,
    "trialing": SubscriptionStanding.ACTIVE,
    "canceled": SubscriptionStanding.ENDED,
    "incomplete_expired": SubscriptionStanding.ENDED,
}
NOT_PAID = ("open", "uncollectible")
"""So stands an invoice that can still be paid, by whoever has its page."""
FIRST, CYCLE = "subscription_create", "subscription_cycle"
TAKEN = "resource_already_exists"


class RecurringGateway:
    """The provider's subscriptions. Every method raises ``ProviderError``."""

    def __init__(self, client: StripeClient, asked: Asked) -> None:
        self._client = client
        self._asked = asked

    async def checkout(
        self, payment_id: PaymentId, quote: Quote, interval: Interval
    ) -> SessionCreateParams:
        """What a checkout is asked for that begins a subscription."""
        about = {"payment_id": payment_id, "subscription_id": subscription_of(payment_id)}
        price: PriceData = {
            "currency": quote.currency.lower(),
            "unit_amount": quote.list_amount,
            "product_data": {"name": quote.item.name},
            "recurring": {"interval": interval.value},
        }
        asked: SessionCreateParams = {
            "mode": "subscription",
            "metadata": about,
            "subscription_data": {"metadata": about},
            "line_items": [{"quantity": 1, "price_data": price}],
        }
        if quote.discount is not None:
            asked["discounts"] = [{"coupon": await self._coupon(quote.discount, quote)}]
        return asked

    async def look(self, provider_id: str) -> SeenSubscription:
        """How the provider has a subscription; of one that is active nothing is asked for."""
        found = await self._found(provider_id)
        standing = _standing(found)
        unpaid = [] if standing is SubscriptionStanding.ACTIVE else await self._unpaid(provider_id)
        return SeenSubscription(
            standing=standing,
            cancel_at_period_end=found.cancel_at_period_end,
            open_invoice=unpaid[0].id if unpaid else None,
            under_way=any([await self._is_under_way(invoice) for invoice in unpaid]),
        )

    async def charges(self, provider_id: str) -> list[Charge]:
        """What was charged and paid lately, oldest first."""
        paid = [one for one in await self._invoices(provider_id) if one.status == "paid"]
        return [charge_of(invoice) for invoice in reversed(paid)]

    async def change(self, provider_id: str, item: StoreItem, currency: str, key: str) -> None:
        """Go over to another item now; what is left of the period is charged or credited."""
        product = await self._product(item)
        found = await self._found(provider_id)
        assert item.every is not None
        price: Any = {
            "currency": currency.lower(),
            "product": product,
            "recurring": {"interval": item.every.value},
            "unit_amount": item.prices[currency],
        }
        await self._asked(
            self._client.v1.subscriptions.update_async(
                provider_id,
                {
                    "items": [{"id": found["items"].data[0].id, "price_data": price}],
                    "proration_behavior": "always_invoice",
                    "payment_behavior": "error_if_incomplete",
                },
                {"idempotency_key": key},
            )
        )

    async def cancel_at_period_end(self, provider_id: str) -> None:
        """Charge nothing any more, and end with the period that is paid, if it has not ended."""
        if not await self._has_ended(provider_id):
            ending: SubscriptionUpdateParams = {"cancel_at_period_end": True}
            await self._asked(self._client.v1.subscriptions.update_async(provider_id, ending))

    async def cancel(self, provider_id: str) -> None:
        """End a subscription now; one that has ended stays so."""
        if not await self._has_ended(provider_id):
            await self._asked(self._client.v1.subscriptions.cancel_async(provider_id))

    async def pay(self, invoice: str, key: str) -> None:
        """Try an unpaid invoice again. What came of it shows in the subscription."""
        try:
            await self._asked(
                self._client.v1.invoices.pay_async(invoice, None, {"idempotency_key": key})
            )
        except ProviderRefused:
            # It was declined again, or is paid by now: whoever looks next sees which.
            return

    async def give_up(self, invoice: str) -> None:
        """Ask no more for an unpaid invoice; what is paid by now, or under way, stays so."""
        try:
            await self._asked(self._client.v1.invoices.void_invoice_async(invoice))
        except ProviderRefused:
            return

    async def give_up_all(self, provider_id: str) -> None:
        """Ask no more for what a subscription has not been paid."""
        for invoice in await self._unpaid(provider_id):
            await self.give_up(str(invoice.id))

    async def give_up_older(self, provider_id: str) -> None:
        """Ask no more for what came before the last charge that was paid."""
        listed = await self._invoices(provider_id)
        for invoice in dropwhile(lambda one: one.status != "paid", listed):
            if invoice.status in NOT_PAID:
                await self.give_up(str(invoice.id))

    async def payments(self) -> AsyncIterator[dict[str, PaymentId]]:
        """By which payments subscriptions of ours were paid, and as what we book each, by pages."""
        asked: InvoiceListParams = {"limit": PAGE, "expand": ["data.payments"]}
        while True:
            page = await self._asked(self._client.v1.invoices.list_async(asked))
            paid = ((_intent(invoice), _booked_as(invoice)) for invoice in page.data)
            yield {intent: booked for intent, booked in paid if intent and booked}
            if not page.has_more or not page.data:
                return
            asked["starting_after"] = page.data[-1].id

    async def _found(self, provider_id: str) -> Any:
        return await self._asked(self._client.v1.subscriptions.retrieve_async(provider_id))

    async def _has_ended(self, provider_id: str) -> bool:
        return _standing(await self._found(provider_id)) is SubscriptionStanding.ENDED

    async def _unpaid(self, provider_id: str) -> list[stripe.Invoice]:
        return [one for one in await self._invoices(provider_id) if one.status in NOT_PAID]

    async def _is_under_way(self, invoice: stripe.Invoice) -> bool:
        intent = _intent(invoice)
        if intent is None:
            return False
        paying = await self._asked(self._client.v1.payment_intents.retrieve_async(intent))
        return bool(paying.status == "processing")

    async def _invoices(self, provider_id: str) -> list[stripe.Invoice]:
        asked: InvoiceListParams = {
            "subscription": provider_id,
            "limit": PAGE,
            "expand": ["data.payments"],
        }
        page = await self._asked(self._client.v1.invoices.list_async(asked))
        # Newest first; of one second, a later one of ours is behind.
        return sorted(page.data, key=lambda invoice: -_end(invoice))

    async def _coupon(self, discount: Discount, quote: Quote) -> str:
        """The coupon at the provider; a new one whenever its definition is another."""
        value = (
            f"{discount.percent}pct"
            if discount.percent is not None
            else f"{discount.amount_off}{quote.currency}"
        )
        lasts = f"{discount.duration}{discount.months or ''}"
        asked: CouponCreateParams = {
            "id": f"loreloom-{quote.coupon}-{value}-{lasts}",
            "duration": discount.duration.value,
        }
        if discount.duration is CouponDuration.REPEATING and discount.months is not None:
            asked["duration_in_months"] = discount.months
        if discount.percent is not None:
            asked["percent_off"] = discount.percent
        elif discount.amount_off is not None:
            asked["amount_off"] = discount.amount_off
            asked["currency"] = quote.currency.lower()
        await self._unless_taken(self._client.v1.coupons.create_async(asked))
        return asked["id"]

    async def _product(self, item: StoreItem) -> str:
        product = f"loreloom-{item.item}"
        made = self._client.v1.products.create_async({"id": product, "name": item.name})
        await self._unless_taken(made)
        return product

    async def _unless_taken(self, making: Awaitable[Any]) -> None:
        try:
            await self._asked(making)
        except ProviderRefused as error:
            if error.code != TAKEN:
                raise


def charge_of(invoice: stripe.Invoice) -> Charge:
    """A paid invoice, in our words."""
    last = _last_line(invoice)
    return Charge(
        invoice=str(invoice.id),
        first=invoice.billing_reason == FIRST,
        renews=invoice.billing_reason in (FIRST, CYCLE),
        amount=invoice.amount_paid,
        currency=invoice.currency.upper(),
        intent=_intent(invoice),
        begins=_moment(last.period.start),
        ends=_moment(last.period.end),
        discounted=any(taken.amount for taken in invoice.total_discount_amounts or ()),
    )


def _standing(found: stripe.Subscription) -> SubscriptionStanding:
    return STANDINGS.get(found.status, SubscriptionStanding.UNPAID)


def _booked_as(invoice: stripe.Invoice) -> PaymentId | None:
    details = invoice.parent.subscription_details if invoice.parent else None
    metadata = details.metadata.to_dict() if details and details.metadata else {}
    if "payment_id" not in metadata:
        return None
    if invoice.billing_reason == FIRST:
        return PaymentId(metadata["payment_id"])
    return payment_of_invoice(str(invoice.id))


def _intent(invoice: stripe.Invoice) -> str | None:
    for made in invoice.payments.data if invoice.payments else ():
        intent = made.payment.payment_intent
        if intent is not None:
            return intent if isinstance(intent, str) else intent.id
    return None


def _last_line(invoice: stripe.Invoice) -> Any:
    return max(invoice.lines.data, key=lambda line: line.period.end)


def _end(invoice: stripe.Invoice) -> int:
    return int(_last_line(invoice).period.end)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
