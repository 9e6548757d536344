"""Purchases against the real stand-in: bought once, delivered once, paid back, and told apart."""

import asyncio
from datetime import timedelta

import pytest

from loreloom.domain.ids import PaymentId, RefundId
from loreloom.domain.payment import PaymentState
from loreloom.state import fulfilments, payments
from tests.payments.conftest import Till


async def test_the_store_shows_what_is_for_sale(till: Till) -> None:
    listed = (await till.api.game.get("/v1/store/items")).json()
    coin = next(item for item in listed["items"] if item["item"] == "coin-300")
    assert coin["coin"] == 300
    assert {"amount": 279, "currency": "EUR"} in coin["prices"]


async def test_coin_is_bought_and_the_books_balance(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coin-300", currency="EUR")

    assert payment["price"] == {"amount": 279, "currency": "EUR"}
    assert (await till.player(world))["coin"] == 300
    assert await till.kinds(world) == ["payment.requested", "payment.opened", "payment.fulfilled"]
    assert await till.balance() == {
        ("provider", "EUR"): 279,
        ("sales", "EUR"): -279,
        (f"coin/{world}", "COIN"): 300,
        ("coin_issued", "COIN"): -300,
    }


async def test_an_entitlement_says_by_which_payment_and_until_when(till: Till) -> None:
    world = await till.buyer()
    coat = await till.bought(world, "coat")
    await till.bought(world, "pass")
    again = await till.bought(world, "pass")

    had = (await till.player(world))["entitlements"]
    assert [(e["entitlement"], e["until"] is None) for e in had] == [
        ("coat", True), ("pass", False), ("pass", False),
    ]  # fmt: skip
    assert had[0]["payment_id"] == coat["payment_id"]
    last = next(e for e in had if e["payment_id"] == again["payment_id"])
    assert last["until"] > next(e for e in had if e["until"])["until"]


class TestASilentProvider:
    @pytest.fixture
    def look(self) -> timedelta:
        return timedelta(seconds=1)

    async def test_what_no_webhook_says_the_workflow_sees_by_itself(self, till: Till) -> None:
        world = await till.buyer()
        payment = await till.ordered(world, "coat")
        await till.pay(payment)
        await till.until(payment["payment_id"], "fulfilled")


async def test_a_declined_card_delivers_nothing_and_another_may_be_tried(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "coat")
    declined = await till.pay(payment, card="4000000000000341")
    assert declined.status_code == 402
    await till.tell("payment_intent.payment_failed", payment)
    assert (await till.player(world))["entitlements"] == []

    await till.pay(payment)
    await till.tell("checkout.session.completed", payment)
    await till.until(payment["payment_id"], "fulfilled")


async def test_a_repeated_order_is_the_first_one(till: Till) -> None:
    world = await till.buyer()
    body = {"player_id": "mara", "world_id": world, "item": "coin-300"}
    key = {"Idempotency-Key": "once"}
    first = await till.api.game.post("/v1/payments", json=body, headers=key)
    second = await till.api.game.post("/v1/payments", json=body, headers=key)
    assert second.json() == first.json()
    other = {**body, "item": "coat"}
    assert (await till.api.game.post("/v1/payments", json=other, headers=key)).status_code == 409


class TestExpiry:
    @pytest.fixture
    def expiry(self) -> timedelta:
        return timedelta(seconds=2)

    async def test_an_unpaid_checkout_closes_and_frees_what_was_set_aside(self, till: Till) -> None:
        world = await till.buyer()
        payment = await till.ordered(world, "pin", coupon="TEN")
        await till.until(payment["payment_id"], "expired")

        assert (await till.pay(payment)).status_code == 400
        assert (await till.order(world, "pin", coupon="TEN")).status_code == 202
        assert await till.balance() == {}


async def test_the_last_one_goes_to_one_of_two(till: Till) -> None:
    world = await till.buyer()
    await till.api.player(world, "odo")
    answers = await asyncio.gather(till.order(world, "pin"), till.order(world, "pin", "odo"))
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    told = next(answer for answer in answers if answer.status_code == 409)
    assert told.json()["code"] == "out_of_stock"


async def test_a_coupons_last_redemption_goes_to_one_of_ten(till: Till) -> None:
    world = await till.buyer()
    orders = (till.order(world, "coin-300", coupon="TEN") for _ in range(10))
    answers = await asyncio.gather(*orders)
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 9
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"coupon_exhausted"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"item": "nothing"}, "unknown_item"),
        ({"currency": "CHF"}, "no_price"),
        ({"coupon": "NONE"}, "unknown_coupon"),
        ({"coupon": "LATE"}, "coupon_expired"),
        ({"coupon": "COATS"}, "coupon_not_for_this"),
    ],
)
async def test_what_cannot_be_bought_says_why(
    till: Till, fields: dict[str, str], code: str
) -> None:
    world = await till.buyer()
    answer = await till.order(world, **{"item": "coin-300", **fields})
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert await till.kinds(world) == []


async def test_what_costs_nothing_is_delivered_without_a_checkout(till: Till) -> None:
    world = await till.buyer()
    made = await till.order(world, "coat", coupon="FREE")
    payment = await till.until(made.json()["payment_id"], "fulfilled")
    assert payment["checkout"] is None
    assert await till.balance() == {}


async def test_a_creators_code_credits_its_creator(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat", coupon="wren")
    assert payment["price"]["amount"] == 540
    assert (await till.balance())[("creator/wren", "USD")] == -27


async def test_a_second_one_of_what_is_owned_is_refused_or_paid_back(till: Till) -> None:
    world = await till.buyer()
    first, second = await till.ordered(world, "coat"), await till.ordered(world, "coat")
    await till.pay(second)
    await till.pay(first)
    await till.tell("checkout.session.completed", first)
    await till.until(first["payment_id"], "fulfilled")
    await till.tell("checkout.session.completed", second)

    back = await till.until(second["payment_id"], "refunded")
    assert (back["reason"], back["refunded"]["amount"]) == ("already_owned", 599)
    assert (await till.kinds(world))[-2:] == ["payment.unfulfilled", "payment.refunded"]
    assert await till.balance() == {("provider", "USD"): 599, ("sales", "USD"): -599}
    refused = await till.order(world, "coat")
    assert refused.json()["code"] == "already_owned"


async def refund(till: Till, payment: dict[str, object], **body: object) -> dict[str, object]:
    path = f"/v1/payments/{payment['payment_id']}/refund"
    made = await till.api.ops.post(path, json=body)
    assert made.status_code == 202, made.text
    return dict(made.json())


async def test_a_full_refund_takes_back_what_was_given(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coin-300", coupon="WREN")
    await refund(till, payment, reason="asked for")
    await till.until(payment["payment_id"], "refunded")

    assert (await till.player(world))["coin"] == 0
    assert await till.balance() == {
        ("refunds", "USD"): 270,
        ("sales", "USD"): -270,
    }


async def test_a_partial_refund_leaves_what_was_bought_and_no_more_than_the_price_goes_back(
    till: Till,
) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat")
    await refund(till, payment, amount=100)
    partly = await till.until(payment["payment_id"], "partly_refunded")
    assert partly["refunded"]["amount"] == 100
    assert len((await till.player(world))["entitlements"]) == 1

    path = f"/v1/payments/{payment['payment_id']}/refund"
    too_much = await till.api.ops.post(path, json={"amount": 500})
    assert (too_much.status_code, too_much.json()["code"]) == (409, "too_much")
    await refund(till, payment)
    await till.until(payment["payment_id"], "refunded")
    assert (await till.player(world))["entitlements"] == []


async def test_refunds_at_once_never_exceed_the_price(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat")
    path = f"/v1/payments/{payment['payment_id']}/refund"
    asked = (till.api.ops.post(path, json={"amount": 400}) for _ in range(5))
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 4


async def test_steps_run_again_change_nothing(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coin-300")
    asked = await refund(till, payment, amount=100)
    await till.until(payment["payment_id"], "partly_refunded")
    before = (await till.balance(), await till.kinds(world), await till.player(world))

    store, payment_id = till.api.parts.store, PaymentId(payment["payment_id"])
    again = await fulfilments.fulfil(store, payment_id, "pi_other")
    assert again == "partly_refunded"
    await fulfilments.book_refund(store, RefundId(str(asked["refund_id"])))
    await fulfilments.fail_refund(store, RefundId(str(asked["refund_id"])), "late")
    ended = await payments.end_unpaid(store, payment_id, PaymentState.EXPIRED, "time")
    assert ended == "partly_refunded"
    assert (await till.balance(), await till.kinds(world), await till.player(world)) == before


async def test_only_ops_refund(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat")
    path = f"/v1/payments/{payment['payment_id']}/refund"
    assert (await till.api.game.post(path, json={})).status_code == 403
    assert (await till.api.designer.post(path, json={})).status_code == 403


async def test_a_refund_that_the_provider_refuses_says_so(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat")
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    assert seen.intent is not None
    await till.gateway.refund(seen.intent, 599, f"dashboard/{payment['payment_id']}")

    asked = await refund(till, payment)
    await till.until_refund(payment["payment_id"], "failed")
    after = await till.until(payment["payment_id"], "fulfilled")
    assert after["refunds"][0]["failure"] == "charge_already_refunded"
    assert after["refunds"][0]["refund_id"] == asked["refund_id"]
