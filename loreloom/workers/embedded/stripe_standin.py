"""The embedded payment provider: localstripe, and a bridge over what it lacks.

Run as a process of its own. Bridged here, and nowhere else: Checkout Sessions, disputes, answers
kept by idempotency key, refunds that are refused past the price or fail later, a state file of
one's own, and a socket on the loopback only. ``/_config/checkouts/{id}/pay`` is the buyer at the
checkout, ``/_config/disputes`` the buyer's bank.
"""

import argparse
import json
import os
import pickle
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from localstripe import resources, server
from localstripe.errors import UserError
from localstripe.webhooks import register_webhook, schedule_webhook

from loreloom.workers.embedded.standin_recurring import Recurring, account_of, card_of, off
from loreloom.workers.embedded.standin_recurring import add_routes as add_recurring

LOOPBACK = "127.0.0.1"
SECRET = "STANDIN_WEBHOOK_SECRET"
GOOD_CARD = "4242424242424242"
CHANGING = ("POST", "DELETE")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Json = dict[str, Any]


class CheckoutSession(resources.StripeObject):  # type: ignore[misc]
    """A page to pay on, reduced to what Loreloom asks of it."""

    object = "checkout.session"
    _id_prefix = "cs_"
    _origin = ""

    def __init__(
        self,
        mode: str,
        line_items: list[Json],
        subscription_data: Json | None = None,
        discounts: list[Json] | None = None,
        client_reference_id: str | None = None,
        metadata: Json | None = None,
        payment_intent_data: Json | None = None,
        success_url: str | None = None,
    ) -> None:
        if mode not in ("payment", "subscription") or not line_items:
            raise UserError(400, "Bad request")
        prices = [(int(line["quantity"]), line["price_data"]) for line in line_items]
        coupon = discounts[0]["coupon"] if discounts else None
        if coupon is not None:
            resources.Coupon._api_retrieve(coupon)
        super().__init__()
        self.mode = mode
        self.amount_total = sum(count * int(price["unit_amount"]) for count, price in prices)
        self.currency = prices[0][1]["currency"]
        self.client_reference_id = client_reference_id
        self.metadata = metadata or {}
        self.status = "open"
        self.payment_intent: Any = None
        self.success_url = success_url
        self.url = f"{self._origin}/_config/checkouts/{self.id}/pay"
        self.subscription: str | None = None
        self.invoice: str | None = None
        self._about = (payment_intent_data or subscription_data or {}).get("metadata") or {}
        self._price, self._coupon = prices[0][1], coupon
        if mode == "subscription":
            self.amount_total -= off(coupon, self.amount_total)

    @property
    def payment_status(self) -> str:
        """A direct debit is on its way for a while, and may never come."""
        if self.invoice is not None:
            paid = resources.Invoice._api_retrieve(self.invoice).status == "paid"
        else:
            paid = self.payment_intent is not None and self.payment_intent.status == "succeeded"
        return "paid" if paid else "unpaid"

    def _pay(self, method: Any) -> None:
        if self.status != "open":
            raise UserError(400, "This Checkout Session is not open")
        if self.mode == "subscription":
            self._subscribe(method)
        else:
            self._charge(method)
        self.status = "complete"
        schedule_webhook(resources.Event("checkout.session.completed", self))

    def _subscribe(self, method: Any) -> None:
        begun = Recurring(self._price, dict(self._about), method.id, self._coupon)
        begun._begin()
        self.subscription, self.invoice = begun.id, begun.latest_invoice

    def _charge(self, method: Any) -> None:
        intent = resources.PaymentIntent(
            amount=self.amount_total,
            currency=self.currency,
            payment_method=method.id,
            metadata=dict(self._about),
        )
        intent._confirm(on_failure_now=intent._report_failure)
        self.payment_intent = intent

    def _expire(self) -> None:
        if self.status != "open":
            raise UserError(400, "Only an open Checkout Session can be expired")
        self.status = "expired"
        schedule_webhook(resources.Event("checkout.session.expired", self))


class Dispute(resources.StripeObject):  # type: ignore[misc]
    """A payment that the buyer's bank questions."""

    object = "dispute"
    _id_prefix = "du_"

    def __init__(
        self, payment_intent: str, amount: int | None = None, status: str = "needs_response"
    ) -> None:
        intent = resources.PaymentIntent._api_retrieve(payment_intent)
        super().__init__()
        self.payment_intent = intent.id
        self.charge = intent.latest_charge.id
        self.amount = intent.amount if amount is None else amount
        self.currency = intent.currency
        self.metadata: Json = {}
        self.status = status
        schedule_webhook(resources.Event("charge.dispute.created", self))

    def _escalate(self) -> None:
        self.status = "needs_response"
        schedule_webhook(resources.Event("charge.dispute.updated", self))

    def _close(self, status: str) -> None:
        self.status = status
        schedule_webhook(resources.Event("charge.dispute.closed", self))


class StateFile:
    """Keeps what localstripe knows in a file, written whole before a request is answered."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._dirty = False
        # localstripe writes to one fixed path of the whole machine, at each change of anything.
        resources.Store.dump_to_disk = lambda _store: self._touch()
        if file.exists():
            resources.store.update(pickle.loads(file.read_bytes()))

    def _touch(self) -> None:
        self._dirty = True

    def save(self) -> None:
        """Write the file if anything has changed."""
        if self._dirty:
            partial = self._file.with_suffix(".new")
            partial.write_bytes(pickle.dumps(dict(resources.store), pickle.HIGHEST_PROTOCOL))
            partial.replace(self._file)
            self._dirty = False


def answering_once(state: StateFile) -> Any:
    """A middleware: the same idempotency key gets the same answer, with another body none."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        key = request.headers.get("Idempotency-Key")
        if request.method not in CHANGING:
            return await handler(request)
        kept = f"answer:{request.path}:{key}"
        said = await request.read()
        if key and kept in resources.store:
            status, body, first = resources.store[kept]
            if first != said:
                error = {"type": "idempotency_error", "message": "another request had this key"}
                return web.json_response({"error": error}, status=400)
            return web.Response(status=status, body=body, content_type="application/json")
        answer = await handler(request)
        if key and isinstance(answer, web.Response):
            resources.store[kept] = (answer.status, answer.body, said)
        state.save()
        return answer

    return middleware


@web.middleware
async def refunds_within_the_price(request: web.Request, handler: Handler) -> web.StreamResponse:
    """localstripe pays back any amount, as often as it is asked."""
    if request.method == "POST" and request.path == "/v1/refunds":
        asked = await server.get_post_data(request)
        intent = resources.PaymentIntent._api_retrieve(asked.get("payment_intent", ""))
        left = intent.amount - (intent.latest_charge.amount_refunded if intent.latest_charge else 0)
        if left <= 0:
            raise UserError(400, "already refunded", {"code": "charge_already_refunded"})
        if int(asked.get("amount", left)) > left:
            raise UserError(400, "too much", {"code": "amount_too_large"})
    return await handler(request)


async def pay(request: web.Request) -> web.Response:
    """The buyer pays by one of the provider's test cards, or by direct debit of an ``iban``."""
    said = await _said(request)
    session = CheckoutSession._api_retrieve(request.match_info["id"])
    iban = said.get("iban")
    session._pay(account_of(iban) if iban else card_of(said.get("card", GOOD_CARD)))
    return web.json_response({"status": session.status})


async def dispute(request: web.Request) -> web.Response:
    """The buyer's bank questions a payment, or that ``amount`` of it.

    With the ``status`` ``warning_needs_response`` it only asks.
    """
    made = Dispute(**await _said(request))
    return web.json_response({"id": made.id})


async def escalate_dispute(request: web.Request) -> web.Response:
    """The bank has asked, and takes the money."""
    found = Dispute._api_retrieve(request.match_info["id"])
    found._escalate()
    return web.json_response({"status": found.status})


async def close_dispute(request: web.Request) -> web.Response:
    """The bank decides: ``status`` is ``won``, ``lost`` or ``warning_closed``."""
    found = Dispute._api_retrieve(request.match_info["id"])
    found._close((await _said(request))["status"])
    return web.json_response({"status": found.status})


async def fail_refund(request: web.Request) -> web.Response:
    """The buyer's bank sends a refund back, as it may days after it was made."""
    found = resources.Refund._api_retrieve(request.match_info["id"])
    found.status, found.failure_reason = "failed", "lost_or_stolen_card"
    schedule_webhook(resources.Event("refund.failed", found))
    return web.json_response({"status": found.status})


def _paid_back(charge: Any) -> int:
    """What refunds paid back; localstripe knows none that fail."""
    return sum(made.amount for made in charge.refunds._list if made.status != "failed")


async def forget_answers(request: web.Request) -> web.Response:
    """The idempotency keys are forgotten, as Stripe forgets them after a day."""
    kept = [key for key in resources.store if key.startswith("answer:")]
    for key in kept:
        del resources.store[key]
    return web.json_response({"forgotten": len(kept)})


async def _said(request: web.Request) -> Json:
    body = await request.read()
    said: Json = json.loads(body) if body else {}
    return said


def _expire(id: str) -> CheckoutSession:
    session: CheckoutSession = CheckoutSession._api_retrieve(id)
    session._expire()
    return session


def bridged(state: StateFile) -> web.Application:
    """localstripe's application with the bridge over it."""
    app: web.Application = server.app
    app.middlewares.insert(0, answering_once(state))
    app.middlewares.append(refunds_within_the_price)
    resources.Charge.amount_refunded = property(_paid_back)
    sessions = "/v1/checkout/sessions"
    app.router.add_post(f"{sessions}/{{id}}/expire", server.api_extra(_expire, sessions))
    app.router.add_post(sessions, server.api_create(CheckoutSession, sessions))
    app.router.add_get(f"{sessions}/{{id}}", server.api_retrieve(CheckoutSession, sessions))
    app.router.add_get("/v1/disputes", server.api_list_all(Dispute, "/v1/disputes"))
    app.router.add_get("/v1/disputes/{id}", server.api_retrieve(Dispute, "/v1/disputes"))
    app.router.add_post("/_config/checkouts/{id}/pay", pay)
    app.router.add_post("/_config/disputes", dispute)
    app.router.add_post("/_config/idempotency_keys/forget", forget_answers)
    app.router.add_post("/_config/refunds/{id}/fail", fail_refund)
    add_recurring(app)
    app.router.add_post("/_config/disputes/{id}/escalate", escalate_dispute)
    app.router.add_post("/_config/disputes/{id}/close", close_dispute)
    return app


def main() -> None:
    """Serve until the process is told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--webhook", help="Where events are sent, signed with the secret of SECRET")
    given = parser.parse_args()
    if given.webhook:
        register_webhook("loreloom", given.webhook, os.environ[SECRET], None)
    CheckoutSession._origin = f"http://{LOOPBACK}:{given.port}"
    app = bridged(StateFile(given.state))
    web.run_app(app, host=LOOPBACK, port=given.port, access_log=None, print=None)


if __name__ == "__main__":
    main()
