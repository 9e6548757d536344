"""Disputes beside refunds, and more than one: what was given is held, returned and taken once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from loreloom.domain.ids import FactId, PaymentId, PlayerId, RefundId, WorldId
from loreloom.domain.payment import UnfulfillableReason
from loreloom.domain.provider import DisputeStanding, SeenDispute
from loreloom.domain.reconciliation import DifferenceKind, Listed, differences
from loreloom.state import disputes, fulfilments
from loreloom.state.booked import booked_page, whole_books
from loreloom.state.facts import facts_of
from loreloom.state.payments import stock_taken
from loreloom.state.starts import PlannedStart
from loreloom.state.tables.payments import Dispute
from tests.payments.conftest import Till
from tests.payments.disputing import decide, disputed, escalate, questioned

COIN, PRICE = 300, 299


async def _refunded(till: Till, payment: dict[str, Any]) -> None:
    path = f"/v1/payments/{payment['payment_id']}/refund"
    made = await till.api.ops.post(path, json={})
    assert made.status_code == 202, made.text
    await till.until(payment["payment_id"], "refunded")


async def _closed(till: Till, dispute_id: str) -> None:
    """The dispute is decided, and booked as it was decided."""
    handle = till.api.parts.temporal.get_workflow_handle(f"dispute/{dispute_id}")
    await asyncio.wait_for(handle.result(), 30)


@pytest.mark.parametrize(("how", "state"), [("won", "refunded"), ("lost", "dispute_lost")])
async def test_a_dispute_after_a_full_refund_takes_nothing_again(
    till: Till, how: str, state: str
) -> None:
    world = await till.buyer()
    refunded = await till.bought(world, "coin-300")
    await _refunded(till, refunded)
    await till.bought(world, "coin-300")
    dispute_id = await disputed(till, refunded)
    assert (await till.player(world))["coin"] == COIN

    await decide(till, refunded, dispute_id, how)
    await _closed(till, dispute_id)
    await till.until(refunded["payment_id"], state)
    assert (await till.player(world))["coin"] == COIN
    assert (await till.balance())[(f"coin/{world}", "COIN")] == COIN


async def test_two_disputes_about_one_purchase_take_it_once(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coin-300")
    first, second = await disputed(till, payment), await disputed(till, payment)
    await _until_written(till, second)
    await decide(till, payment, first, "lost")
    await _closed(till, first)
    await till.bought(world, "coin-300")
    await decide(till, payment, second, "lost")
    await _closed(till, second)

    await till.until(payment["payment_id"], "dispute_lost")
    assert (await till.player(world))["coin"] == COIN
    assert (await till.balance())[(f"coin/{world}", "COIN")] == COIN


async def test_what_one_dispute_holds_another_that_is_won_does_not_return(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat")
    first, second = await disputed(till, payment), await disputed(till, payment)
    await _until_written(till, second)
    await decide(till, payment, first, "won")
    await _closed(till, first)
    assert (await till.until(payment["payment_id"], "disputed"))["state"] == "disputed"
    assert (await till.player(world))["entitlements"] == []

    await decide(till, payment, second, "won")
    await _closed(till, second)
    await till.until(payment["payment_id"], "fulfilled")
    assert len((await till.player(world))["entitlements"]) == 1


async def _until_written(till: Till, dispute_id: str) -> None:
    """The dispute's amount is written down."""
    query = select(Dispute.amount).where(Dispute.dispute_id == dispute_id)
    for _ in range(600):
        async with till.api.parts.store.reading() as connection:
            if (await connection.execute(query)).scalar_one():
                return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{dispute_id} is not written down")


async def _asked(till: Till, world: str, item: str) -> tuple[dict[str, Any], str]:
    """A purchase that the buyer's bank asks about, which is told; the dispute's id."""
    payment = await till.bought(world, item)
    dispute_id = await questioned(till, payment, status="warning_needs_response")
    await _until_written(till, dispute_id)
    assert (await till.kinds(world))[-1] == "payment.inquiry"
    return payment, dispute_id


async def test_an_inquiry_holds_nothing_and_a_refund_averts_the_dispute(till: Till) -> None:
    world = await till.buyer()
    payment, dispute_id = await _asked(till, world, "coat")
    assert (await till.until(payment["payment_id"], "fulfilled", "disputed"))[
        "state"
    ] == "fulfilled"
    assert len((await till.player(world))["entitlements"]) == 1
    assert await till.balance() == {("provider", "USD"): 599, ("sales", "USD"): -599}

    await _refunded(till, payment)
    await decide(till, payment, dispute_id, "warning_closed")
    await _closed(till, dispute_id)
    assert (await till.until(payment["payment_id"], "refunded"))["state"] == "refunded"
    assert await till.balance() == {("refunds", "USD"): 599, ("sales", "USD"): -599}
    assert (await till.kinds(world))[-1] == "payment.dispute_closed"
    assert (await till.api.ops.post("/v1/payments/reconcile")).json()["differences"] == []


async def test_an_inquiry_that_becomes_a_dispute_holds_what_was_bought(till: Till) -> None:
    world = await till.buyer()
    payment, dispute_id = await _asked(till, world, "coat")
    await escalate(till, payment, dispute_id)
    await till.until(payment["payment_id"], "disputed")
    assert (await till.player(world))["entitlements"] == []
    assert (await till.balance())[("disputed", "USD")] == 599

    await decide(till, payment, dispute_id, "won")
    await till.until(payment["payment_id"], "fulfilled")
    assert len((await till.player(world))["entitlements"]) == 1


async def test_coin_that_is_left_is_held_and_returned(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coin-300")
    dispute_id = await disputed(till, payment)
    assert (await till.player(world))["coin"] == 0
    # What is held is the player's still: nothing has moved in the books.
    assert (await till.balance())[(f"coin/{world}", "COIN")] == COIN
    assert (await whole_books(till.api.parts.store)).coin == ()

    await decide(till, payment, dispute_id, "won")
    await till.until(payment["payment_id"], "fulfilled")
    assert (await till.player(world))["coin"] == COIN


async def test_coin_that_was_held_is_taken_once(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coin-300")
    dispute_id = await disputed(till, payment)
    await till.bought(world, "coin-300")
    await decide(till, payment, dispute_id, "lost")
    await till.until(payment["payment_id"], "dispute_lost")
    assert (await till.player(world))["coin"] == COIN
    assert (await till.balance())[(f"coin/{world}", "COIN")] == COIN


async def test_a_refund_that_was_under_way_is_booked_beside_the_dispute(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coin-300")
    store, name = till.api.parts.store, PaymentId(payment["payment_id"])
    refund_id = RefundId(f"refund_under_way_{name}")
    start = PlannedStart(workflow_id=f"elsewhere/{name}", workflow="Refund", input={})
    async with store.transaction() as tx:
        await fulfilments.ask_refund(tx, name, refund_id, None, None, start)
    dispute_id = await disputed(till, payment)
    await fulfilments.book_refund(store, refund_id)

    assert (await till.until(payment["payment_id"], "disputed"))["refunded"]["amount"] == PRICE
    await decide(till, payment, dispute_id, "won")
    await _closed(till, dispute_id)
    await till.until(payment["payment_id"], "refunded")
    assert (await till.player(world))["coin"] == 0
    assert (f"coin/{world}", "COIN") not in await till.balance()


async def test_a_dispute_about_what_was_never_delivered_settles_what_is_owed(till: Till) -> None:
    world = await till.buyer()
    first, second = await till.ordered(world, "coat"), await till.ordered(world, "coat")
    for payment in (first, second):
        await till.pay(payment)
        await till.tell("checkout.session.completed", payment)
        await till.until(payment["payment_id"], "fulfilled", "refunded")
    dispute_id = await questioned(till, second)
    await decide(till, second, dispute_id, "lost")
    await _closed(till, dispute_id)

    assert len((await till.player(world))["entitlements"]) == 1
    balance = await till.balance()
    # It was paid back and taken by the bank: the second time is our loss.
    assert balance == {("sales", "USD"): -599, ("disputes_lost", "USD"): 599}


async def test_a_dispute_lost_before_it_was_paid_back_leaves_nothing_owed(till: Till) -> None:
    world = await till.buyer()
    payment = await _refused_a_refund(till, world, "coat")
    dispute_id = await disputed(till, payment)
    await decide(till, payment, dispute_id, "lost")
    await till.until(payment["payment_id"], "dispute_lost")
    assert await till.balance() == {("provider", "USD"): 599, ("sales", "USD"): -599}


async def test_what_a_lost_dispute_left_of_what_was_never_delivered_is_paid_back(
    till: Till,
) -> None:
    world = await till.buyer()
    payment = await _undelivered(till, world, "coat")
    dispute_id = await disputed(till, payment, amount=200)
    await decide(till, payment, dispute_id, "lost")
    await till.until(payment["payment_id"], "dispute_lost")
    assert ("owed", "USD") in await till.balance()
    assert await owed(till) == [payment["payment_id"]]

    path = f"/v1/payments/{payment['payment_id']}/refund"
    too_much = await till.api.ops.post(path, json={"amount": 400})
    assert (too_much.status_code, too_much.json()["code"]) == (409, "too_much")
    assert (await till.api.ops.post(path, json={})).json()["amount"]["amount"] == 399
    await till.until_balance({})
    assert await owed(till) == []


async def test_what_a_lost_dispute_left_can_be_paid_back_here_and_in_the_providers_pages(
    till: Till,
) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat")
    dispute_id = await disputed(till, payment, amount=200)
    await decide(till, payment, dispute_id, "lost")
    await till.until(payment["payment_id"], "dispute_lost")
    path = f"/v1/payments/{payment['payment_id']}/refund"
    assert (await till.api.ops.post(path, json={"amount": 99})).status_code == 202
    await till.until_refund(payment["payment_id"], "done")
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    await till.gateway.refund(str(seen.intent), 300, "by hand")

    assert (await till.api.ops.post("/v1/payments/reconcile")).json()["found"] == 1
    after = await till.until(payment["payment_id"], "dispute_lost")
    assert after["refunded"]["amount"] == 399
    sold = {("sales", "USD"): -599, ("disputes_lost", "USD"): 200, ("refunds", "USD"): 399}
    assert await till.balance() == sold
    assert (await till.api.ops.post(path, json={})).json()["code"] == "too_much"


async def _undelivered(till: Till, world: str, item: str) -> dict[str, Any]:
    """A purchase that was paid and could not be delivered, and is not paid back."""
    payment = await till.ordered(world, item)
    await till.pay(payment)
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    name, store = PaymentId(payment["payment_id"]), till.api.parts.store
    refund_id = RefundId(f"refund_nobody_{name}")
    start = PlannedStart(workflow_id=f"nobody/{name}", workflow="Nobody", input={})
    await fulfilments.give_up_delivery(
        store, name, seen.intent, (seen.amount, seen.currency),
        UnfulfillableReason.UNSOUND_ARC, refund_id, start,
    )  # fmt: skip
    await fulfilments.fail_refund(store, refund_id, "insufficient_funds")
    return payment


async def owed(till: Till) -> list[str]:
    """What our books say that is owed to buyers, an hour from now."""
    at = datetime.now(UTC) + timedelta(hours=1)
    books = await booked_page(till.api.parts.store, PaymentId(""), 10)
    told = differences(books, Listed(at=at))
    return [str(each.payment_id) for each in told if each.kind is DifferenceKind.OWED]


async def _refused_a_refund(till: Till, world: str, item: str) -> dict[str, Any]:
    """A second one of what is owned, paid for; the provider refuses to pay it back."""
    first, second = await till.ordered(world, item), await till.ordered(world, item)
    await till.pay(first)
    await till.tell("checkout.session.completed", first)
    await till.until(first["payment_id"], "fulfilled")
    await till.pay(second)
    seen = await till.gateway.look(second["checkout"]["checkout_id"])
    assert seen.intent is not None
    await till.gateway.refund(seen.intent, 599, f"dashboard/{second['payment_id']}")
    await till.tell("checkout.session.completed", second)
    await till.until_refund(second["payment_id"], "failed")
    return await till.until(second["payment_id"], "unfulfilled")


async def test_of_what_a_lost_dispute_took_the_creator_has_no_share(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat", coupon="WREN")
    assert (await till.balance())[("creator/wren", "USD")] == -27
    dispute_id = await disputed(till, payment)
    await decide(till, payment, dispute_id, "lost")
    await till.until(payment["payment_id"], "dispute_lost")
    assert await till.balance() == {("sales", "USD"): -540, ("disputes_lost", "USD"): 540}


async def test_what_a_dispute_took_is_for_sale_again(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "pin")
    assert (await stock_taken(till.api.parts.store, WorldId(world)))["pin"] == 1
    dispute_id = await disputed(till, payment)
    await decide(till, payment, dispute_id, "lost")
    await till.until(payment["payment_id"], "dispute_lost")
    assert (await stock_taken(till.api.parts.store, WorldId(world)))["pin"] == 0


async def test_the_fact_of_a_chapter_goes_with_it(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "chapter")
    store, mara = till.api.parts.store, PlayerId("mara")
    async with store.reading() as connection:
        assert FactId("owns_chapter") in await facts_of(connection, WorldId(world), mara)
    await _refunded(till, payment)
    async with store.reading() as connection:
        assert FactId("owns_chapter") not in await facts_of(connection, WorldId(world), mara)


async def test_a_dispute_that_is_told_of_before_the_delivery_is_handled_after_it(
    till: Till,
) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "coat")
    await till.pay(payment)
    await questioned(till, payment)
    assert (await till.until(payment["payment_id"], "awaiting_payment"))["reason"] is None
    await till.tell("checkout.session.completed", payment)

    await till.until(payment["payment_id"], "disputed")
    assert (await till.player(world))["entitlements"] == []


async def test_a_dispute_step_run_again_changes_nothing(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coin-300")
    dispute_id = await disputed(till, payment)
    seen = SeenDispute.model_validate(
        {"dispute_id": dispute_id, "standing": DisputeStanding.WON, "amount": PRICE, "intent": None}
    )
    name = PaymentId(payment["payment_id"])
    for _ in range(2):
        await disputes.hold(till.api.parts.store, name, seen, f"dispute/{dispute_id}/hold")
        await disputes.close(till.api.parts.store, name, seen, f"dispute/{dispute_id}/close")
    assert (await till.player(world))["coin"] == COIN
