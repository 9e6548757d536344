"""The embedded provider's subscriptions: what localstripe lacks of them.

Its own take back every earlier invoice when a level changes, never renew, and know no coupon. Here
a period is charged when its time has come, a change is prorated by what is left of the period, and
a coupon counts as long as its duration says. Time can be helped along:
``/_config/subscriptions/{id}/renew`` is the next period's begin,
``/_config/subscriptions/{id}/card`` another card or account, and
``/_config/subscriptions/{id}/bank`` what becomes of a debit of the account that takes its time.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from localstripe import resources, server
from localstripe.errors import UserError
from localstripe.webhooks import schedule_webhook

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Json = dict[str, Any]

PAY = re.compile(r"^/v1/invoices/(in_\w+)/pay$")
SLOW_IBAN = "DE08370400440532013003"
"""The provider's test account whose debits take their time; here, until the bank is told."""
SECONDS = 2.0
"""How often it is looked for periods that have ended."""


class Line(resources.StripeObject):  # type: ignore[misc]
    """What one thing on an invoice costs, or gives back below zero."""

    object = "line_item"
    _id_prefix = "il_"

    def __init__(self, amount: int, currency: str, start: int, end: int) -> None:
        super().__init__()
        self.amount, self.currency = amount, currency
        self.period = {"start": start, "end": end}
        self.tax_rates: list[Any] = []


class RecurringInvoice(resources.Invoice):  # type: ignore[misc]
    """What a subscription charges at one time. ``credit`` is what an earlier change left over."""

    def __init__(
        self, of: "Recurring", lines: list[Line], reason: str, credit: int, taken_off: int
    ) -> None:
        resources.StripeObject.__init__(self)
        self.customer, self.subscription = of.customer, of.id
        self.currency = lines[-1].currency
        self.date = int(time.time())
        self.metadata: Json = {}
        self.billing_reason = reason
        self.attempt_count = 0
        self.payment_intent: str | None = None
        self.tax_percent, self.default_tax_rates = 0.0, None
        self.starting_balance = credit
        self.total_discount_amounts = [{"amount": taken_off}] if taken_off else []
        self.lines = resources.List(f"/v1/invoices/{self.id}/lines")
        self.lines._list = lines
        self.status_transitions: Json = {"voided_at": None}
        self._draft = self._voided = False
        self._about = dict(of.metadata)

    @property
    def parent(self) -> Json:
        """Which subscription it belongs to."""
        details = {"subscription": self.subscription, "metadata": self._about}
        return {"type": "subscription_details", "subscription_details": details}

    @property
    def payments(self) -> Json:
        """By which payment it was paid."""
        made = {"type": "payment_intent", "payment_intent": self.payment_intent}
        data = [{"object": "invoice_payment", "payment": made}] if self.payment_intent else []
        return {"object": "list", "data": data, "has_more": False}

    @property
    def _is_under_way(self) -> bool:
        if self.payment_intent is None:
            return False
        status: str = resources.PaymentIntent._api_retrieve(self.payment_intent).status
        return status == "processing"

    def _attempt(self, method: str) -> bool:
        """Whether it is paid now."""
        self.attempt_count += 1
        if self.total > 0:
            intent = resources.PaymentIntent(
                amount=self.total, currency=self.currency, payment_method=method
            )
            if is_slow(method):
                intent.latest_charge = pending_charge(intent)
            else:
                intent._confirm(on_failure_now=lambda: None)
            self.payment_intent, intent.invoice = intent.id, self.id
        paid: bool = self.status == "paid"
        kind = "invoice.paid" if paid else "invoice.payment_failed"
        schedule_webhook(resources.Event(kind, self))
        return paid

    def _on_payment_success(self) -> None:
        self._debited(paid=True)

    def _on_payment_failure_later(self) -> None:
        self._debited(paid=False)

    def _debited(self, *, paid: bool) -> None:
        """A debit has come, or will not."""
        kind = "invoice.paid" if paid else "invoice.payment_failed"
        schedule_webhook(resources.Event(kind, self))
        resources.Subscription._api_retrieve(self.subscription)._settled(paid)


class Item(resources.StripeObject):  # type: ignore[misc]
    """The one thing that a subscription is to, at its price, with its present period."""

    object = "subscription_item"
    _id_prefix = "si_"

    def __init__(self, price: Json, start: int) -> None:
        super().__init__()
        self.price = dict(price)
        self.quantity = 1
        self._renew(start)

    def _renew(self, start: int) -> None:
        self.current_period_start = start
        interval = {f"{self.price['recurring']['interval']}s": 1}
        end = datetime.fromtimestamp(start, UTC) + resources.relativedelta(**interval)
        self.current_period_end = int(end.timestamp())


class Recurring(resources.Subscription):  # type: ignore[misc]
    """A subscription to one thing."""

    def __init__(self, price: Json, metadata: Json, method: str, coupon: str | None) -> None:
        customer = resources.Customer()
        resources.StripeObject.__init__(self)
        self.customer = customer.id
        self.metadata = metadata
        self.status = "incomplete"
        self.cancel_at_period_end = False
        self.canceled_at: int | None = None
        self.ended_at: int | None = None
        self.latest_invoice: str | None = None
        self.default_payment_method = method
        self.items = resources.List(f"/v1/subscription_items?subscription={self.id}")
        self.items._list.append(Item(price, int(time.time())))
        self._coupon, self._credit, self._began = coupon, 0, int(time.time())

    plan = current_period_start = current_period_end = None

    @property
    def _item(self) -> Any:
        return self.items._list[0]

    def _begin(self) -> None:
        paid = self._charge("subscription_create")
        if not paid and not resources.Invoice._api_retrieve(self.latest_invoice)._is_under_way:
            key = f"invoice:{self.latest_invoice}"
            del resources.store[key], resources.store[f"subscription:{self.id}"]
            raise UserError(402, "Your card was declined.", {"code": "card_declined"})
        self.status = "active"
        schedule_webhook(resources.Event("customer.subscription.created", self))

    def _charge(self, reason: str) -> bool:
        item = self._item
        price = int(item.price["unit_amount"])
        taken_off = self._off(price)
        line = Line(
            price - taken_off,
            item.price["currency"],
            item.current_period_start,
            item.current_period_end,
        )
        credit = min(self._credit, line.amount)
        self._credit -= credit
        invoice = RecurringInvoice(self, [line], reason, credit, taken_off)
        self.latest_invoice = invoice.id
        return invoice._attempt(self.default_payment_method)

    def _off(self, price: int) -> int:
        if self._coupon is None:
            return 0
        coupon = resources.Coupon._api_retrieve(self._coupon)
        start = self._item.current_period_start
        if coupon.duration == "once" and start > self._began:
            return 0
        if coupon.duration == "repeating":
            months = resources.relativedelta(months=coupon.duration_in_months)
            end = datetime.fromtimestamp(self._began, UTC) + months
            if start >= int(end.timestamp()):
                return 0
        return off(self._coupon, price)

    def _renew(self) -> None:
        """The next period begins, or the subscription ends with the one that it was paid for."""
        if self.status == "canceled":
            return
        if self.cancel_at_period_end:
            resources.Subscription._api_delete(self.id)
            return
        self._item._renew(self._item.current_period_end)
        self._settled(self._charge("subscription_cycle"))

    def _settled(self, paid: bool) -> None:
        if self.status == "canceled":
            return
        self.status = "active" if paid else "past_due"
        schedule_webhook(resources.Event("customer.subscription.updated", self))

    def _update(
        self,
        items: list[Json] | None = None,
        cancel_at_period_end: Any = None,
        proration_behavior: str = "always_invoice",
        payment_behavior: str = "error_if_incomplete",
    ) -> None:
        if (proration_behavior, payment_behavior) != ("always_invoice", "error_if_incomplete"):
            raise UserError(400, "Not bridged")
        if self.status == "canceled":
            raise UserError(404, "No such subscription", {"code": "resource_missing"})
        if items is not None:
            self._change(items[0]["price_data"])
        if cancel_at_period_end is not None:
            self.cancel_at_period_end = resources.try_convert_to_bool(cancel_at_period_end)
        schedule_webhook(resources.Event("customer.subscription.updated", self))

    def _on_initial_payment_voided(self, invoice: RecurringInvoice) -> None:
        """An invoice that is given up ends no subscription: whoever gives it up does."""

    def _change(self, price: Json) -> None:
        item, now = self._item, int(time.time())
        start, end = item.current_period_start, item.current_period_end
        left = min(1.0, max(0.0, (end - now) / (end - start)))
        costs = []
        for each in (item.price, price):
            whole = int(each["unit_amount"])
            costs.append(round((whole - self._off(whole)) * left))
        lines = [Line(amount, price["currency"], now, end) for amount in (-costs[0], costs[1])]
        # What is left of the old level is credited as it was paid: the coupon counts for the new.
        taken_off = round(self._off(int(price["unit_amount"])) * left)
        invoice = RecurringInvoice(self, lines, "subscription_update", 0, taken_off)
        if not invoice._attempt(self.default_payment_method):
            del resources.store[f"invoice:{invoice.id}"]
            raise UserError(402, "Your card was declined.", {"code": "card_declined"})
        self._credit += max(0, costs[0] - costs[1])
        self.latest_invoice = invoice.id
        item.price = dict(price)


def off(coupon: str | None, price: int) -> int:
    """What a coupon takes off a price."""
    if coupon is None:
        return 0
    found = resources.Coupon._api_retrieve(coupon)
    if found.percent_off is None:
        return min(price, int(found.amount_off))
    taken: int = round(price * found.percent_off / 100)
    return taken


def card_of(number: str) -> Any:
    """A payment method of one of the provider's test cards."""
    card = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    return resources.PaymentMethod(type="card", card=card)


def account_of(iban: str) -> Any:
    """A bank account that is debited; of one of the provider's test accounts it fails later."""
    return resources.PaymentMethod(
        type="sepa_debit",
        sepa_debit={"iban": iban},
        billing_details={"name": "A buyer", "email": "buyer@example.com"},
    )


def is_slow(method: str) -> bool:
    """Whether a payment by that method takes as long as the bank is not told to decide."""
    found = resources.PaymentMethod._api_retrieve(method)
    return bool(found.type == "sepa_debit" and found._sepa_debit_iban == SLOW_IBAN)


def pending_charge(intent: Any) -> Any:
    """A debit that is under way."""
    charge = resources.Charge(
        amount=intent.amount, currency=intent.currency, source=intent.payment_method
    )
    charge.payment_intent = intent.id
    return charge


async def renew(request: web.Request) -> web.Response:
    """The present period is over."""
    found = resources.Subscription._api_retrieve(request.match_info["id"])
    found._renew()
    return web.json_response({"status": found.status})


async def change_card(request: web.Request) -> web.Response:
    """The buyer names another card, or a bank account by its ``iban``."""
    found = resources.Subscription._api_retrieve(request.match_info["id"])
    said = json.loads(await request.read())
    method = account_of(said["iban"]) if "iban" in said else card_of(said["card"])
    found.default_payment_method = method.id
    return web.json_response({"status": found.status})


async def decide(request: web.Request) -> web.Response:
    """The bank decides on a slow debit: it is ``paid``, or not."""
    found = resources.Subscription._api_retrieve(request.match_info["id"])
    (debited,) = (
        each
        for each in resources.store.values()
        if isinstance(each, RecurringInvoice)
        and each.subscription == found.id
        and each._is_under_way
    )
    intent = resources.PaymentIntent._api_retrieve(debited.payment_intent)
    if json.loads(await request.read())["paid"]:
        intent.latest_charge.status = "succeeded"
        intent._on_success()
    else:
        intent.latest_charge._set_auth_failure()
        intent._report_async_failure()
    return web.json_response({"status": found.status})


@web.middleware
async def paying_again(request: web.Request, handler: Handler) -> web.StreamResponse:
    """An invoice is tried again with the card that the subscription has now."""
    asked = PAY.match(request.path) if request.method == "POST" else None
    if asked is None:
        return await handler(request)
    invoice = resources.Invoice._api_retrieve(asked[1])
    if invoice.status != "open":
        raise UserError(400, "Invoice is not open")
    of = resources.Subscription._api_retrieve(invoice.subscription)
    paid = invoice._attempt(of.default_payment_method)
    of._settled(paid)
    if not paid:
        raise UserError(402, "Your card was declined.", {"code": "card_declined"})
    return web.json_response(invoice._export())


@web.middleware
async def saying_taken(request: web.Request, handler: Handler) -> web.StreamResponse:
    """An id of one's own that is taken is refused for good, and says so by its code."""
    if request.method == "POST" and request.path in ("/v1/products", "/v1/coupons"):
        asked = await server.get_post_data(request)
        kind = request.path.removeprefix("/v1/").removesuffix("s")
        if f"{kind}:{asked.get('id')}" in resources.store:
            raise UserError(400, "It exists already.", {"code": "resource_already_exists"})
    return await handler(request)


async def _periods(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_renew_in_time())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _renew_in_time() -> None:
    while True:
        now = time.time()
        for found in list(resources.store.values()):
            if not isinstance(found, Recurring):
                continue
            if found.status != "canceled" and found._item.current_period_end <= now:
                found._renew()
        await asyncio.sleep(SECONDS)


def add_routes(app: web.Application) -> None:
    """Bridge subscriptions over localstripe's application."""
    app.middlewares.extend((paying_again, saying_taken))
    app.cleanup_ctx.append(_periods)
    app.router.add_post("/_config/subscriptions/{id}/renew", renew)
    app.router.add_post("/_config/subscriptions/{id}/card", change_card)
    app.router.add_post("/_config/subscriptions/{id}/bank", decide)
