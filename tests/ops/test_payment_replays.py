"""Purchases that failed or were cut off after they were paid for, and are replayed."""

import asyncio

import pytest
from sqlalchemy import select, update
from temporalio.client import WorkflowFailureError

from loreloom.api.ops.replaying import Wish
from loreloom.state.tables.payments import Payment
from tests.payments.conftest import Till, expiry, look, pay_settings, provider_stack, till
from tests.payments.disputing import decide, disputed

__all__ = ["expiry", "look", "pay_settings", "provider_stack", "till"]

PRICE, COIN = 299, 300
WISH = Wish("failure", "mended", "test")


async def test_a_purchase_that_failed_is_delivered_once_by_its_replay(till: Till) -> None:
    world_id = await till.buyer()
    payment = await till.ordered(world_id, "coin-300")
    store, replays = till.api.parts.store, till.api.context.replays
    of_it = Payment.payment_id == payment["payment_id"]
    async with store.transaction() as tx:
        checkout = (await tx.run(select(Payment.checkout).where(of_it))).scalar_one()
        await tx.run(update(Payment).where(of_it).values(checkout=None))
    await till.pay(payment)
    await till.tell("checkout.session.completed", payment)
    handle = till.api.parts.temporal.get_workflow_handle(payment["workflow_id"])
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    async with store.transaction() as tx:
        await tx.run(update(Payment).where(of_it).values(checkout=checkout))

    await replays.replay(payment["workflow_id"], WISH, f"replay_{payment['payment_id']}")

    await till.until(payment["payment_id"], "fulfilled")
    assert (await till.player(world_id))["coin"] == COIN
    assert (await till.balance())[("provider", "USD")] == PRICE
    again = Wish("start", "once more", "test")
    await replays.replay(payment["workflow_id"], again, f"again_{payment['payment_id']}")
    handle = till.api.parts.temporal.get_workflow_handle(payment["workflow_id"])
    assert await handle.result() == "fulfilled"
    assert (await till.player(world_id))["coin"] == COIN
    assert (await till.balance())[("provider", "USD")] == PRICE
    assert (await till.kinds(world_id)).count("payment.fulfilled") == 1


async def test_a_purchase_that_was_terminated_before_it_was_paid_is_delivered_by_its_replay(
    till: Till,
) -> None:
    world_id = await till.buyer()
    payment = await till.ordered(world_id, "coin-300")
    handle = till.api.parts.temporal.get_workflow_handle(payment["workflow_id"])
    await handle.terminate("a test cuts it")
    await till.pay(payment)

    await till.api.context.replays.replay(
        payment["workflow_id"], WISH, f"replay_{payment['payment_id']}"
    )
    await till.tell("checkout.session.completed", payment)

    await till.until(payment["payment_id"], "fulfilled")
    assert (await till.player(world_id))["coin"] == COIN


START = Wish("start", "once more", "test")


async def _replayed(till: Till, workflow_id: str) -> object:
    """What a workflow comes to when it is replayed from its start."""
    await till.api.context.replays.replay(workflow_id, START, f"replay_{workflow_id}")
    handle = till.api.parts.temporal.get_workflow_handle(workflow_id)
    return await asyncio.wait_for(handle.result(), 30)


async def test_a_refund_replayed_after_the_provider_forgot_its_key_pays_nothing_back(
    till: Till,
) -> None:
    world_id = await till.buyer()
    payment = await till.bought(world_id, "coin-300")
    path = f"/v1/payments/{payment['payment_id']}/refund"
    asked = (await till.api.ops.post(path, json={"amount": 100})).json()
    await till.until(payment["payment_id"], "partly_refunded")
    workflow_id = f"refund/{asked['refund_id']}"
    forgotten = (await till.provider.post("/_config/idempotency_keys/forget")).json()
    assert forgotten["forgotten"] > 0

    assert await _replayed(till, workflow_id) == "done"
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    assert seen.intent is not None
    # Cut off before it was booked, it would be sent again; the provider's own list shows it.
    await till.gateway.refund(seen.intent, 100, workflow_id)
    at_provider = {
        paid.intent: paid.refunded async for page in till.gateway.payments() for paid in page
    }
    assert at_provider[seen.intent] == 100
    assert (await till.balance())[("provider", "USD")] == PRICE - 100


async def test_a_dispute_replayed_from_its_start_returns_what_it_held_once(till: Till) -> None:
    world_id = await till.buyer()
    payment = await till.bought(world_id, "coin-300")
    dispute_id = await disputed(till, payment)
    await decide(till, payment, dispute_id, "won")
    await till.until(payment["payment_id"], "fulfilled")

    assert await _replayed(till, f"dispute/{dispute_id}") == "won"
    assert (await till.player(world_id))["coin"] == COIN
    assert (await till.balance())[("provider", "USD")] == PRICE
    assert (await till.kinds(world_id)).count("payment.disputed") == 1


async def test_a_subscription_replayed_from_its_start_charges_and_books_nothing_again(
    till: Till,
) -> None:
    world_id = await till.buyer()
    begun = await till.subscribed(world_id, "bronze")
    path = f"/v1/subscriptions/{begun['subscription_id']}"
    canceled = await till.api.game.post(f"{path}/cancel", json={"when": "now"})
    assert canceled.json()["state"] == "canceled"
    before = (await till.balance(), (await till.player(world_id))["entitlements"])

    assert await _replayed(till, f"subscription/{begun['subscription_id']}") == "canceled"
    assert (await till.balance(), (await till.player(world_id))["entitlements"]) == before
