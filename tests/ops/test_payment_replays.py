"""Purchases that failed or were cut off after they were paid for, and are replayed."""

import pytest
from sqlalchemy import select, update
from temporalio.client import WorkflowFailureError

from loreloom.api.ops.replaying import Wish
from loreloom.state.tables.payments import Payment
from tests.payments.conftest import Till, expiry, look, pay_settings, provider_stack, till

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
