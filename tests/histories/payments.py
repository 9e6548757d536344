"""Every way that a purchase, a refund and a dispute can go, walked at the real stand-in."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowUpdateFailedError,
)
from temporalio.testing import WorkflowEnvironment

from loreloom.activities.signatures.payment import (
    PROVIDER_SAID,
    DisputeRef,
    PaymentRef,
    RefundRef,
)
from loreloom.activities.signatures.subscription import SubscriptionRef
from loreloom.domain.ids import (
    DisputeId,
    PaymentId,
    PlayerId,
    RefundId,
    SubscriptionId,
    WorldId,
    dispute_workflow_id,
    payment_workflow_id,
    refund_workflow_id,
    subscription_of,
    subscription_workflow_id,
)
from loreloom.domain.payment import Bought
from loreloom.domain.price_book import Grace, PriceBook
from loreloom.domain.provider import CheckoutStanding
from loreloom.domain.subscription import CancelWhen, SubscriptionState
from loreloom.payments.gateway import Gateway
from loreloom.state import fulfilments, payments, worlds
from loreloom.state.disputes import plan_dispute
from loreloom.state.players import create_player
from loreloom.state.starts import PlannedStart
from loreloom.state.store import Store
from loreloom.state.subscriptions import SubscriptionRecord, find_subscription
from loreloom.state.tables.payments import Dispute
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import (
    DISPUTE,
    PAYMENT,
    RECONCILIATION,
    REFUND,
    SUBSCRIPTION,
    CancelSubscription,
    ChangeLevel,
    DisputeInput,
    PaymentInput,
    RefundInput,
    SubscriptionInput,
)
from tests.builders import a_world_record
from tests.payments.conftest import BOOK, a_worker
from tests.quest.stage import eventually
from tests.support.servers import settings_for_tests
from tests.support.skipping import skipping_by_hand, sleep_until

QUEUE = queue_of(Role.STORY, "record-payments")
PLAYER = PlayerId("player")
GOOD, BAD = "4242424242424242", "4000000000000341"
FAILING_IBAN, SLOW_IBAN = "DE62370400440532013001", "DE08370400440532013003"


@dataclass(frozen=True)
class Counter:
    """Where purchases are walked: a world, the stand-in, and a worker that runs."""

    client: Client
    store: Store
    gateway: Gateway
    provider: httpx.AsyncClient
    world_id: WorldId

    async def order(
        self, item: str, *, coupon: str | None = None, seconds: float = 600
    ) -> tuple[PaymentId, WorkflowHandle[Any, Any]]:
        """A purchase that has begun."""
        payment_id = PaymentId(f"payment_{secrets.token_hex(6)}")
        now = datetime.now(UTC)
        quote = PriceBook.model_validate(BOOK).quote(item, None, coupon, now)
        bought = Bought(world_id=self.world_id, player_id=PLAYER, quote=quote)
        ref = PaymentRef(payment_id=payment_id)
        given = PaymentInput(payment=ref, expires_at=now + timedelta(seconds=seconds))
        workflow_id = payment_workflow_id(payment_id)
        async with self.store.transaction() as tx:
            start = PlannedStart(workflow_id=workflow_id, workflow=PAYMENT, input={})
            await payments.request_payment(tx, payment_id, bought, start)
        handle = await self.client.start_workflow(PAYMENT, given, id=workflow_id, task_queue=QUEUE)
        return payment_id, handle

    async def pay(self, payment_id: PaymentId, **said: str) -> str:
        """The buyer pays, once there is a checkout; the checkout."""
        while True:
            found = await payments.find_payment(self.store, payment_id)
            if found is not None and found.checkout_url is not None:
                await self.provider.post(found.checkout_url, json=said)
                return str(found.checkout)

    async def bought(self, item: str) -> PaymentId:
        """A purchase that is paid for and delivered."""
        payment_id, handle = await self.order(item)
        await self.pay(payment_id)
        await handle.signal(PROVIDER_SAID)
        await handle.result()
        return payment_id

    async def subscribed(self) -> tuple[SubscriptionRecord, WorkflowHandle[Any, Any]]:
        """A subscription that is paid for, and runs."""
        payment_id = await self.bought("bronze")
        subscription_id = subscription_of(payment_id)
        given = SubscriptionInput(
            subscription=SubscriptionRef(subscription_id=subscription_id),
            grace=Grace(days=7, retry_days=(1, 3)),
        )
        workflow_id = subscription_workflow_id(subscription_id)
        handle = await self.client.start_workflow(
            SUBSCRIPTION, given, id=workflow_id, task_queue=QUEUE
        )
        return await self.subscription(subscription_id), handle

    async def subscription(self, subscription_id: SubscriptionId) -> SubscriptionRecord:
        """The subscription as it is stored."""
        found = await find_subscription(self.store, subscription_id)
        assert found is not None
        return found

    async def at_provider(self, record: SubscriptionRecord, act: str, **said: str | bool) -> None:
        """What happens at the provider: ``renew``, another ``card``, ``bank``."""
        path = f"/_config/subscriptions/{record.provider_id}/{act}"
        (await self.provider.post(path, json=said)).raise_for_status()

    async def until(self, record: SubscriptionRecord, state: SubscriptionState) -> None:
        """Return once the subscription is in that state."""

        async def so() -> bool:
            return (await self.subscription(record.subscription_id)).state is state

        await eventually(so, state)


Way = Callable[[Counter], Awaitable[WorkflowHandle[Any, Any]]]
LongWay = Callable[[Counter, WorkflowEnvironment], Awaitable[WorkflowHandle[Any, Any]]]


async def fulfilled(at: Counter) -> WorkflowHandle[Any, Any]:
    payment_id, handle = await at.order("coin-300")
    await handle.signal(PROVIDER_SAID)
    await at.pay(payment_id)
    await handle.signal(PROVIDER_SAID)
    return handle


async def free(at: Counter) -> WorkflowHandle[Any, Any]:
    return (await at.order("coin-300", coupon="FREE"))[1]


async def expired(at: Counter) -> WorkflowHandle[Any, Any]:
    return (await at.order("coin-300", seconds=1))[1]


async def failed(at: Counter) -> WorkflowHandle[Any, Any]:
    return await debit_failed(at, "coin-300")


async def called_off(at: Counter) -> WorkflowHandle[Any, Any]:
    """A subscription ends before it has begun."""
    return await debit_failed(at, "bronze")


async def debit_failed(at: Counter, item: str) -> WorkflowHandle[Any, Any]:
    """What is bought by a debit that the bank sends back."""
    payment_id, handle = await at.order(item)
    checkout = await at.pay(payment_id, iban=FAILING_IBAN)

    async def bounced() -> bool:
        return (await at.gateway.look(checkout)).standing is CheckoutStanding.FAILED

    await eventually(bounced, "the debit failed")
    await handle.signal(PROVIDER_SAID)
    return handle


async def unfulfilled(at: Counter) -> WorkflowHandle[Any, Any]:
    (first, one), (second, other) = await at.order("coat"), await at.order("coat")
    for payment_id, handle in ((first, one), (second, other)):
        await at.pay(payment_id)
        await handle.signal(PROVIDER_SAID)
        await handle.result()
    return other


async def _refund(at: Counter, payment_id: PaymentId) -> WorkflowHandle[Any, Any]:
    refund_id = RefundId(f"refund_{secrets.token_hex(6)}")
    workflow_id = refund_workflow_id(refund_id)
    start = PlannedStart(workflow_id=workflow_id, workflow=REFUND, input={})
    async with at.store.transaction() as tx:
        await fulfilments.ask_refund(tx, payment_id, refund_id, None, None, start)
    given = RefundInput(refund=RefundRef(refund_id=refund_id))
    return await at.client.start_workflow(REFUND, given, id=workflow_id, task_queue=QUEUE)


async def refund_done(at: Counter) -> WorkflowHandle[Any, Any]:
    return await _refund(at, await at.bought("coin-300"))


async def refund_refused(at: Counter) -> WorkflowHandle[Any, Any]:
    payment_id = await at.bought("coin-300")
    found = await payments.find_payment(at.store, payment_id)
    assert found is not None
    await at.gateway.refund(str(found.intent), found.amount, secrets.token_hex(6))
    return await _refund(at, payment_id)


async def _dispute(at: Counter, how: str, **about: str) -> WorkflowHandle[Any, Any]:
    payment_id = await at.bought("coin-300")
    found = await payments.find_payment(at.store, payment_id)
    assert found is not None
    asked = await at.provider.post(
        "/_config/disputes", json={"payment_intent": found.intent, **about}
    )
    dispute_id = DisputeId(asked.json()["id"])
    workflow_id = dispute_workflow_id(dispute_id)
    start = PlannedStart(workflow_id=workflow_id, workflow=DISPUTE, input={})
    await plan_dispute(at.store, dispute_id, payment_id, start)
    given = DisputeInput(dispute=DisputeRef(dispute_id=dispute_id, payment_id=payment_id))
    handle = await at.client.start_workflow(DISPUTE, given, id=workflow_id, task_queue=QUEUE)
    query = select(Dispute.amount).where(Dispute.dispute_id == dispute_id)

    async def written() -> bool:
        async with at.store.reading() as connection:
            return bool((await connection.execute(query)).scalar_one())

    await eventually(written, "the dispute was looked at")
    await handle.signal(PROVIDER_SAID)
    await at.provider.post(f"/_config/disputes/{dispute_id}/close", json={"status": how})
    await handle.signal(PROVIDER_SAID)
    return handle


async def dispute_won(at: Counter) -> WorkflowHandle[Any, Any]:
    return await _dispute(at, "won")


async def dispute_lost(at: Counter) -> WorkflowHandle[Any, Any]:
    return await _dispute(at, "lost")


async def dispute_dropped(at: Counter) -> WorkflowHandle[Any, Any]:
    return await _dispute(at, "warning_closed", status="warning_needs_response")


async def compared(at: Counter) -> WorkflowHandle[Any, Any]:
    name = f"reconciliation/{secrets.token_hex(6)}"
    return await at.client.start_workflow(RECONCILIATION, id=name, task_queue=QUEUE)


async def changed_and_canceled(at: Counter) -> WorkflowHandle[Any, Any]:
    _, handle = await at.subscribed()
    gold = PriceBook.model_validate(BOOK).item("gold")
    await handle.execute_update("change", ChangeLevel(item=gold))
    await handle.execute_update("cancel", CancelSubscription(when=CancelWhen.NOW))
    return handle


async def change_refused(at: Counter) -> WorkflowHandle[Any, Any]:
    record, handle = await at.subscribed()
    await at.at_provider(record, "card", card=BAD)
    gold = PriceBook.model_validate(BOOK).item("gold")
    with suppress(WorkflowUpdateFailedError):
        await handle.execute_update("change", ChangeLevel(item=gold))
    await handle.execute_update("cancel", CancelSubscription(when=CancelWhen.NOW))
    return handle


async def renewed_and_ended(at: Counter) -> WorkflowHandle[Any, Any]:
    record, handle = await at.subscribed()
    await at.at_provider(record, "renew")
    await handle.signal(PROVIDER_SAID)
    await handle.execute_update("cancel", CancelSubscription(when=CancelWhen.PERIOD_END))
    await at.at_provider(record, "renew")
    await handle.signal(PROVIDER_SAID)
    return handle


async def continued_as_new(at: Counter) -> WorkflowHandle[Any, Any]:
    _, handle = await at.subscribed()
    first = at.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    while (await first.describe()).status is WorkflowExecutionStatus.RUNNING:
        await handle.signal(PROVIDER_SAID)
        await asyncio.sleep(0.2)
    await handle.execute_update("cancel", CancelSubscription(when=CancelWhen.NOW))
    return first


async def mended_by_retry(at: Counter, skipping: WorkflowEnvironment) -> WorkflowHandle[Any, Any]:
    record, handle = await _unpaid(at, skipping)
    await sleep_until(skipping, record.paid_until + timedelta(days=1, hours=1))
    await at.at_provider(record, "card", card=GOOD)
    await sleep_until(skipping, record.paid_until + timedelta(days=3, hours=1))
    await at.until(record, SubscriptionState.ACTIVE)
    await handle.execute_update("cancel", CancelSubscription(when=CancelWhen.NOW))
    return handle


async def lapsed(at: Counter, skipping: WorkflowEnvironment) -> WorkflowHandle[Any, Any]:
    record, handle = await _unpaid(at, skipping)
    await sleep_until(skipping, record.paid_until + timedelta(days=7, hours=1))
    return handle


async def lapse_waited(at: Counter, skipping: WorkflowEnvironment) -> WorkflowHandle[Any, Any]:
    """The days of grace end while a debit is under way, and it comes after them."""
    record, handle = await _unpaid(at, skipping, iban=SLOW_IBAN)
    await sleep_until(skipping, record.paid_until + timedelta(days=7, hours=8))
    await at.at_provider(record, "bank", paid=True)
    await handle.signal(PROVIDER_SAID)
    await at.until(record, SubscriptionState.ACTIVE)
    await handle.execute_update("cancel", CancelSubscription(when=CancelWhen.NOW))
    return handle


async def canceled_past_due(at: Counter) -> WorkflowHandle[Any, Any]:
    record, handle = await at.subscribed()
    await at.at_provider(record, "card", card=BAD)
    await at.at_provider(record, "renew")
    await handle.signal(PROVIDER_SAID)
    await at.until(record, SubscriptionState.PAST_DUE)
    await handle.execute_update("cancel", CancelSubscription(when=CancelWhen.PERIOD_END))
    return handle


async def _unpaid(
    at: Counter, skipping: WorkflowEnvironment, **by: str
) -> tuple[SubscriptionRecord, WorkflowHandle[Any, Any]]:
    """A subscription that was held open for its renewal, whose charge did not come."""
    record, handle = await at.subscribed()
    await sleep_until(skipping, record.paid_until)
    await at.at_provider(record, "card", **(by or {"card": BAD}))
    await at.at_provider(record, "renew")
    await sleep_until(skipping, record.paid_until + timedelta(hours=3))
    await at.until(record, SubscriptionState.PAST_DUE)
    return record, handle


WAYS: dict[str, dict[str, Way]] = {
    "payment": {
        "fulfilled": fulfilled,
        "free": free,
        "expired": expired,
        "failed": failed,
        "called_off": called_off,
        "unfulfilled": unfulfilled,
    },
    "refund": {"done": refund_done, "refused": refund_refused},
    "dispute": {"won": dispute_won, "lost": dispute_lost, "dropped": dispute_dropped},
    "subscription": {
        "changed_and_canceled": changed_and_canceled,
        "change_refused": change_refused,
        "renewed_and_ended": renewed_and_ended,
        "continued_as_new": continued_as_new,
        "canceled_past_due": canceled_past_due,
    },
    "reconciliation": {"compared": compared},
}
LONG_WAYS: dict[str, dict[str, LongWay]] = {
    "subscription": {
        "mended_by_retry": mended_by_retry,
        "lapsed": lapsed,
        "lapse_waited": lapse_waited,
    },
}
"""Those that take weeks, and are walked on skipped time."""


def names(workflow: str) -> set[str]:
    """The ways of one of these workflows."""
    return {*WAYS[workflow], *LONG_WAYS.get(workflow, ())}


def walked(
    workflow: str,
) -> Callable[[Client, Store], AsyncIterator[tuple[str, WorkflowHistory]]]:
    """What walks the ways of one of these workflows: the history of each, under its name."""

    async def walk(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
        async with counter(client, store) as at:
            for name, way in WAYS[workflow].items():
                handle = await way(at)
                await handle.result()
                yield name, await handle.fetch_history()
        for name, long_way in LONG_WAYS.get(workflow, {}).items():
            async with skipping_by_hand() as skipping, counter(skipping.client, store) as at:
                handle = await long_way(at, skipping)
                await handle.result()
                yield name, await handle.fetch_history()

    return walk


@asynccontextmanager
async def counter(client: Client, store: Store) -> AsyncIterator[Counter]:
    """A counter with a stand-in of its own."""
    folder = Path(tempfile.mkdtemp(prefix="loreloom-histories-"))
    async with AsyncExitStack() as stack:
        part = stack.enter_context(Stack(settings_for_tests(folder), parts=[PartName.STRIPE]))
        key, base = part.settings.stripe_api_key, part.settings.stripe_api_base
        assert key is not None
        assert base is not None
        gateway = Gateway(key, base)
        stack.push_async_callback(gateway.close)
        provider = await stack.enter_async_context(httpx.AsyncClient(base_url=base, timeout=30))
        world_id = WorldId(f"world_{secrets.token_hex(4)}")
        await worlds.create_world(store, a_world_record(world_id, canon="record"))
        await create_player(store, world_id, PLAYER, "Player", 1)
        await stack.enter_async_context(a_worker(client, store, gateway, QUEUE))
        yield Counter(client, store, gateway, provider, world_id)
