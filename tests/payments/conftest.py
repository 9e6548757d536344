"""A store that is open: the real stand-in, a real API, a worker, and webhooks of the test's own."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Worker

from loreloom.activities.payment import payment_activities
from loreloom.api.parts import AppParts
from loreloom.domain.ids import PaymentId, SubscriptionId, WorldId, payment_workflow_id
from loreloom.domain.price_book import PriceBook
from loreloom.payments.gateway import Gateway
from loreloom.state import chronicle
from loreloom.state.ledger import Balance, balances
from loreloom.state.store import Store
from loreloom.state.subscriptions import find_subscription
from loreloom.workers.apiserver import shop_of
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import Settings
from loreloom.workflows.payment import DisputeWorkflow, PaymentWorkflow, RefundWorkflow
from loreloom.workflows.reconciliation import ReconciliationWorkflow
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.subscription import SubscriptionWorkflow
from tests.sandbox import SANDBOX
from tests.support.servers import settings_for_tests
from tests.support.serving import Api, serving

SECRET = "whsec_in_force"
OLD_SECRET = "whsec_being_rolled"
SIGNALED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
WAITS = EventType.EVENT_TYPE_TIMER_STARTED
ENDED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
BOOK = {
    "currency": "USD",
    "items": [
        {"item": "coin-300", "kind": "coin_pack", "name": "Coin", "about": "", "coin": 300,
         "prices": {"USD": 299, "EUR": 279}},
        {"item": "coat", "kind": "cosmetic", "name": "Coat", "about": "", "prices": {"USD": 599}},
        {"item": "pin", "kind": "cosmetic", "name": "Pin", "about": "", "prices": {"USD": 1000},
         "stock": 1},
        {"item": "pass", "kind": "season_pass", "name": "Pass", "about": "",
         "prices": {"USD": 1200}, "days": 90},
        {"item": "chapter", "kind": "chapter", "name": "Chapter", "about": "",
         "prices": {"USD": 800}, "sets_fact": "owns_chapter"},
        *({"item": name, "kind": "subscription", "name": name, "about": "", "every": "month",
           "level": level, "prices": {"USD": price, "EUR": price}}
          for level, (name, price) in enumerate(
              (("bronze", 500), ("silver", 1000), ("gold", 2000)), start=1)),
    ],
    "grace": {"days": 7, "retry_days": [1, 3]},
    "coupons": [
        {"code": "TEN", "percent": 10, "limit": 1},
        {"code": "FREE", "percent": 100},
        {"code": "LATE", "percent": 10, "expires_at": "2020-01-01T00:00:00Z"},
        {"code": "WREN", "percent": 10, "creator": "wren", "creator_percent": 5},
        {"code": "COATS", "amounts": {"USD": 100}, "items": ["coat"]},
        {"code": "TWICE", "percent": 15, "duration": "repeating", "months": 2},
        {"code": "ALWAYS", "percent": 10, "duration": "forever", "creator": "wren",
         "creator_percent": 20},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Till:
    """The API with a store, and what a buyer, a bank and the provider do."""

    api: Api
    provider: httpx.AsyncClient
    gateway: Gateway

    async def buyer(self, player_id: str = "mara") -> str:
        """A new world with that player; its id."""
        world = await self.api.world()
        await self.api.player(world["world_id"], player_id)
        return str(world["world_id"])

    async def order(
        self, world_id: str, item: str, player_id: str = "mara", **fields: Any
    ) -> httpx.Response:
        """Ask for a purchase, whatever is answered."""
        body = {"player_id": player_id, "world_id": world_id, "item": item, **fields}
        return await self.api.game.post("/v1/payments", json=body)

    async def ordered(self, world_id: str, item: str, **fields: Any) -> dict[str, Any]:
        """A purchase that waits for the buyer to pay."""
        made = await self.order(world_id, item, **fields)
        assert made.status_code == 202, made.text
        return await self.until(made.json()["payment_id"], "awaiting_payment")

    async def bought(self, world_id: str, item: str, **fields: Any) -> dict[str, Any]:
        """A purchase that is paid for and delivered."""
        payment = await self.ordered(world_id, item, **fields)
        await self.pay(payment)
        await self.tell("checkout.session.completed", payment)
        return await self.until(payment["payment_id"], "fulfilled")

    async def pay(self, payment: dict[str, Any], card: str | None = None) -> httpx.Response:
        """The buyer pays at the checkout."""
        said = {"card": card} if card else {}
        return await self.provider.post(payment["checkout"]["url"], json=said)

    async def tell(self, kind: str, payment: dict[str, Any], event_id: str | None = None) -> None:
        """The provider tells of something about a purchase."""
        answer = await self.deliver(an_event(kind, payment["payment_id"], event_id))
        assert answer.status_code == 200, answer.text

    async def deliver(self, body: bytes, signature: str | None = None) -> httpx.Response:
        """A webhook with that body; signed as it must be unless a signature is given."""
        header = signature if signature is not None else signed(body)
        return await self.api.nobody.post(
            "/v1/webhooks/stripe", content=body, headers={b"Stripe-Signature": header.encode()}
        )

    async def until(self, payment_id: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        """The purchase once it is in one of the states."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            found = (await self.api.game.get(f"/v1/payments/{payment_id}")).json()
            if found["state"] in states:
                return dict(found)
            assert asyncio.get_running_loop().time() < deadline, f"still {found['state']}"
            await asyncio.sleep(0.05)

    async def until_refund(self, payment_id: str, state: str, seconds: float = 30) -> None:
        """Wait until the purchase's last refund is in that state."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            found = (await self.api.game.get(f"/v1/payments/{payment_id}")).json()
            if found["refunds"] and found["refunds"][-1]["state"] == state:
                return
            assert asyncio.get_running_loop().time() < deadline, found
            await asyncio.sleep(0.05)

    async def until_looked(self, payment: dict[str, Any], seconds: float = 30) -> None:
        """Return once the purchase has looked because of the last word, and waits or has ended."""
        handle = self.api.parts.temporal.get_workflow_handle(
            payment_workflow_id(PaymentId(payment["payment_id"]))
        )
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            events = [each.event_type async for each in handle.fetch_history_events()]
            told = max(at for at, each in enumerate(events) if each == SIGNALED)
            if {WAITS, ENDED} & set(events[told:]):
                return
            assert asyncio.get_running_loop().time() < deadline, events[told:]
            await asyncio.sleep(0.05)

    async def until_balance(self, expected: dict[tuple[str, str], int]) -> None:
        """Return once the accounts hold that, and nothing else."""
        deadline = asyncio.get_running_loop().time() + 30
        while (found := await self.balance()) != expected:
            assert asyncio.get_running_loop().time() < deadline, found
            await asyncio.sleep(0.05)

    async def subscribed(self, world_id: str, item: str, **fields: Any) -> dict[str, Any]:
        """A subscription that is paid for, and runs."""
        payment = await self.bought(world_id, item, **fields)
        return await self.subscription(payment["subscription_id"])

    async def subscription(self, subscription_id: str) -> dict[str, Any]:
        """The subscription as the API tells of it."""
        found = await self.api.game.get(f"/v1/subscriptions/{subscription_id}")
        assert found.status_code == 200, found.text
        return dict(found.json())

    async def until_it_is(
        self, subscription_id: str, seconds: float = 30, **fields: Any
    ) -> dict[str, Any]:
        """The subscription once those fields are so."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            found = await self.subscription(subscription_id)
            if fields.items() <= found.items():
                return found
            assert asyncio.get_running_loop().time() < deadline, found
            await asyncio.sleep(0.1)

    async def at_provider(self, subscription_id: str, act: str, **said: Any) -> None:
        """What happens at the provider: ``renew``, another ``card``, ``bank``. It is told."""
        found = await find_subscription(self.api.parts.store, SubscriptionId(subscription_id))
        assert found is not None
        path = f"/_config/subscriptions/{found.provider_id}/{act}"
        (await self.provider.post(path, json=said)).raise_for_status()
        body = an_event(
            "invoice.paid",
            "",
            parent={"subscription_details": {"metadata": {"subscription_id": subscription_id}}},
        )
        assert (await self.deliver(body)).status_code == 200

    async def player(self, world_id: str, player_id: str = "mara") -> dict[str, Any]:
        """The player as the API tells of it."""
        return dict((await self.api.game.get(f"/v1/worlds/{world_id}/players/{player_id}")).json())

    async def kinds(self, world_id: str) -> list[str]:
        """What the chronicle tells of payments in a world, in order."""
        told = await chronicle.read(self.api.parts.store, WorldId(world_id), kind="payment.")
        return [entry.kind for entry in told]

    async def balance(self) -> dict[tuple[str, str], int]:
        """What each account holds, by account and currency."""
        found: list[Balance] = await balances(self.api.parts.store)
        return {(b.account, b.currency): b.amount for b in found if b.amount}


def an_event(kind: str, payment_id: str, event_id: str | None = None, **about: Any) -> bytes:
    """The body of an event about a purchase."""
    told = {"id": "cs_1", "object": "checkout.session", "metadata": {"payment_id": payment_id}}
    event = {
        "id": event_id or f"evt_{secrets.token_hex(8)}",
        "object": "event",
        "type": kind,
        "data": {"object": {**told, **about}},
    }
    return json.dumps(event).encode()


def signed(body: bytes, secret: str = SECRET, at: float | None = None) -> str:
    """The signature of a body, as the provider makes it."""
    moment = int(time.time() if at is None else at)
    made = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={made}"


@pytest.fixture(scope="session")
def provider_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The provider's stand-in, a process of its own; it sends no webhooks."""
    with Stack(
        settings_for_tests(tmp_path_factory.mktemp("stripe")), parts=[PartName.STRIPE]
    ) as stack:
        yield stack


@pytest.fixture
def pay_settings(
    provider_stack: Stack,
    database_url: str,
    temporal_address: str,
    temporal_namespace: str,
    task_queue_prefix: str,
    tmp_path: Path,
) -> Settings:
    """Settings of an engine that sells."""
    return settings_for_tests(
        tmp_path,
        database_url=database_url,
        temporal_address=temporal_address,
        temporal_namespace=temporal_namespace,
        task_queue_prefix=task_queue_prefix,
        stripe_api_base=provider_stack.settings.stripe_api_base,
        stripe_api_key=provider_stack.settings.stripe_api_key,
        stripe_webhook_secrets=(SecretStr(SECRET), SecretStr(OLD_SECRET)),
    )


@pytest.fixture
def expiry() -> timedelta:
    """How long a checkout is open; a test may say otherwise."""
    return timedelta(hours=1)


@pytest.fixture
def look() -> timedelta:
    """After how long a silent provider is looked at; a test may say otherwise."""
    return timedelta(seconds=30)


@pytest.fixture
async def till(
    parts: AppParts, pay_settings: Settings, expiry: timedelta, look: timedelta
) -> AsyncIterator[Till]:
    """An API that sells, and a worker."""
    shop = shop_of(pay_settings)
    assert shop is not None
    shop = replace(shop, book=PriceBook.model_validate(BOOK), expiry=expiry, look=look)
    assert pay_settings.stripe_api_key is not None
    gateway = Gateway(pay_settings.stripe_api_key, pay_settings.stripe_api_base)
    base = str(pay_settings.stripe_api_base)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(gateway.close)
        queue = queue_of(Role.STORY, pay_settings.task_queue_prefix)
        await stack.enter_async_context(a_worker(parts.temporal, parts.store, gateway, queue))
        provider = await stack.enter_async_context(httpx.AsyncClient(base_url=base, timeout=30))
        api = await stack.enter_async_context(serving(replace(parts, shop=shop)))
        yield Till(api=api, provider=provider, gateway=gateway)


def a_worker(client: Client, store: Store, gateway: Gateway, queue: str) -> Worker:
    """A worker of what is bought and paid back, and of nothing else."""
    return Worker(
        client,
        task_queue=queue,
        workflows=[
            PaymentWorkflow,
            RefundWorkflow,
            DisputeWorkflow,
            SubscriptionWorkflow,
            ReconciliationWorkflow,
        ],
        activities=payment_activities(store, gateway, client, "https://example.com/"),
        workflow_runner=SANDBOX,
    )
