"""Purchases against the real stand-in: bought once, delivered once, paid back, and told apart."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from loreloom.domain.ids import PaymentId, RefundId, WorldId, payment_workflow_id
from loreloom.domain.payment import PaymentState, UnfulfillableReason
from loreloom.domain.provider import CheckoutStanding, SubscriptionStanding
from loreloom.payments.refusing import ProviderRefused
from loreloom.state import chronicle, fulfilments, payments
from loreloom.state.starts import PlannedStart
from loreloom.state.tables.payments import Payment
from loreloom.state.tables.worlds import Player
from loreloom.workers.embedded.stack import STANDIN_KEY
from tests.payments.conftest import Till, an_event
from tests.payments.disputing import fail_last_refund
from tests.support.inspecting import Inspected, shows

FAILING_IBAN = "DE62370400440532013001"


async def test_the_store_shows_what_is_for_sale(till: Till) -> None:
    listed = (await till.api.game.get("/v1/store/items")).json()
    coin = next(item for item in listed["items"] if item["item"] == "coin-300")
    assert coin["coin"] == 300
    assert {"amount": 279, "currency": "EUR"} in coin["prices"]


async def test_a_purchase_has_a_receipt_once_it_is_paid(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "coat", coupon="WREN")
    path = f"/v1/payments/{payment['payment_id']}/receipt"
    early = await till.api.game.get(path)
    assert (early.status_code, early.json()["code"]) == (404, "no_receipt")

    await till.pay(payment)
    await till.tell("checkout.session.completed", payment)
    await till.until(payment["payment_id"], "fulfilled")
    receipt = (await till.api.game.get(path)).json()
    (line,) = receipt["lines"]
    assert (line["item"], line["kind"], line["name"]) == ("coat", "cosmetic", "Coat")
    amounts = [line[each]["amount"] for each in ("price", "discount", "amount")]
    assert amounts == [599, 59, 540]
    assert receipt["total"] == {"amount": 540, "currency": "USD"}
    assert (receipt["coupon"], receipt["creator"]) == ("WREN", "wren")
    told = await chronicle.read(till.api.parts.store, WorldId(world), kind="payment.fulfilled")
    assert [entry.data["receipt"] for entry in told] == [receipt["number"]]

    await till.api.ops.post(f"/v1/payments/{payment['payment_id']}/refund", json={})
    await till.until(payment["payment_id"], "refunded")
    assert (await till.api.game.get(path)).json() == receipt
    other = await till.bought(world, "coin-300")
    later = (await till.api.game.get(f"/v1/payments/{other['payment_id']}/receipt")).json()
    assert later["number"] > receipt["number"]
    assert (await till.api.game.get("/v1/payments/payment_none/receipt")).status_code == 404


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
    player_id, payment_id = payment["player_id"], PaymentId(payment["payment_id"])
    found_by = {
        "World": world,
        "Player": player_id,
        "Kind": "coin_pack",
        "State": "fulfilled",
    }
    expected = Inspected(f"Payment: coin-300 of {player_id}", found_by, "**fulfilled**")
    await shows(till.api.parts.temporal, payment_workflow_id(payment_id), expected)


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


async def test_a_debit_that_fails_later_ends_the_purchase(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "pin")
    paid = await till.provider.post(payment["checkout"]["url"], json={"iban": FAILING_IBAN})
    assert paid.json() == {"status": "complete"}
    await till.tell("checkout.session.completed", payment)
    await _until_it_is(till, payment, CheckoutStanding.FAILED)
    await till.tell("checkout.session.async_payment_failed", payment)

    failed = await till.until(payment["payment_id"], "failed")
    assert failed["reason"] == "payment_failed"
    assert (await till.kinds(world))[-1] == "payment.failed"
    assert (await till.order(world, "pin")).status_code == 202


@pytest.mark.parametrize(
    ("iban", "state"), [(FAILING_IBAN, "failed"), ("DE89370400440532013000", "fulfilled")]
)
async def test_a_subscription_by_debit_begins_when_the_money_comes_or_never(
    till: Till, iban: str, state: str
) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "bronze")
    paid = await till.provider.post(payment["checkout"]["url"], json={"iban": iban})
    assert paid.json() == {"status": "complete"}
    standing = CheckoutStanding.FAILED if state == "failed" else CheckoutStanding.PAID
    await _until_it_is(till, payment, standing)
    await till.tell("checkout.session.async_payment_failed", payment)

    assert (await till.until(payment["payment_id"], state))["state"] == state
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    assert seen.subscription is not None
    there = await till.gateway.recurring.look(seen.subscription)
    if state == "fulfilled":
        assert there.standing is SubscriptionStanding.ACTIVE
        return
    # Nobody asks for the money any more, and another one may be bought.
    assert there.standing is SubscriptionStanding.ENDED
    assert await till.gateway.recurring.charges(seen.subscription) == []
    query, key = {"subscription": seen.subscription}, (STANDIN_KEY, "")
    asked = await till.provider.get("/v1/invoices", params=query, auth=key)
    assert [invoice["status"] for invoice in asked.json()["data"]] == ["void"]
    assert (await till.player(world))["entitlements"] == []
    assert await till.balance() == {}
    await till.subscribed(world, "bronze")


async def _until_it_is(till: Till, payment: dict[str, Any], standing: CheckoutStanding) -> None:
    checkout = payment["checkout"]["checkout_id"]
    deadline = asyncio.get_running_loop().time() + 30
    while (found := await till.gateway.look(checkout)).standing is not standing:
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.05)


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


async def test_what_costs_nothing_and_cannot_be_delivered_has_failed(till: Till) -> None:
    world = await till.buyer()
    first = await till.ordered(world, "coat")
    free = (await till.order(world, "coat", coupon="FREE")).json()
    await till.until(free["payment_id"], "fulfilled")
    await till.pay(first)
    name, store = PaymentId(first["payment_id"]), till.api.parts.store
    state = await fulfilments.give_up_delivery(
        store, name, None, (0, "USD"), UnfulfillableReason.ALREADY_OWNED, *_a_refund(name)
    )
    assert state == "failed"
    assert (await till.until(first["payment_id"], "failed"))["reason"] == "already_owned"
    assert (await till.kinds(world))[-1] == "payment.failed"


def _a_refund(payment_id: PaymentId) -> tuple[RefundId, PlannedStart]:
    """A refund of ours that nobody carries out."""
    start = PlannedStart(workflow_id=f"nobody/{payment_id}", workflow="Nobody", input={})
    return RefundId(f"refund_nobody_{payment_id}"), start


async def test_what_the_provider_would_not_pay_back_ops_ask_for_again(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "coat")
    await till.pay(payment)
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    name, store = PaymentId(payment["payment_id"]), till.api.parts.store
    refund_id, start = _a_refund(name)
    reason = UnfulfillableReason.ALREADY_OWNED
    await fulfilments.give_up_delivery(
        store, name, seen.intent, (599, "USD"), reason, refund_id, start
    )
    too_early = await till.api.ops.post(f"/v1/payments/{name}/refund", json={})
    assert too_early.json()["code"] == "too_much"
    await fulfilments.fail_refund(store, refund_id, "insufficient_funds")

    await refund(till, payment, amount=100)
    await till.until_balance({("provider", "USD"): 499, ("owed", "USD"): -499})
    assert (await till.until(name, "unfulfilled"))["refunded"]["amount"] == 100
    await refund(till, payment)
    await till.until(name, "refunded")
    assert await till.balance() == {}


async def test_what_was_paid_is_not_what_was_agreed(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "coat")
    of_it = Payment.payment_id == payment["payment_id"]
    async with till.api.parts.store.transaction() as tx:
        agreed = (await tx.run(select(Payment.quote).where(of_it))).scalar_one()
        await tx.run(update(Payment).where(of_it).values(quote={**agreed, "amount": 600}))
    await till.pay(payment)
    await till.tell("checkout.session.completed", payment)

    back = await till.until(payment["payment_id"], "refunded")
    assert (back["reason"], back["refunded"]["amount"]) == ("wrong_amount", 599)
    assert (await till.player(world))["entitlements"] == []
    assert await till.balance() == {}


async def test_what_the_database_refuses_is_paid_back(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "coin-300")
    async with till.api.parts.store.transaction() as tx:
        most = 2**63 - 1
        await tx.run(update(Player).where(Player.world_id == world).values(coin=most))
    await till.pay(payment)
    await till.tell("checkout.session.completed", payment)

    back = await till.until(payment["payment_id"], "refunded")
    assert (back["reason"], back["refunded"]["amount"]) == ("refused_by_database", 299)
    assert await till.balance() == {}


async def test_a_chapter_whose_arc_cannot_be_read_any_more_is_paid_back(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "chapter")
    opens = PlannedStart(workflow_id="arc/old", workflow="Arc", input={"definition": {"arc": 7}})
    of_it = Payment.payment_id == payment["payment_id"]
    async with till.api.parts.store.transaction() as tx:
        await tx.run(update(Payment).where(of_it).values(opens=opens.model_dump(mode="json")))
    await till.pay(payment)
    await till.tell("checkout.session.completed", payment)

    back = await till.until(payment["payment_id"], "refunded")
    assert (back["reason"], back["refunded"]["amount"]) == ("unsound_arc", 800)
    assert (await till.player(world))["entitlements"] == []


async def test_passes_bought_at_once_follow_each_other(till: Till) -> None:
    world = await till.buyer()
    orders = [await till.ordered(world, "pass") for _ in range(4)]
    names = [PaymentId(order["payment_id"]) for order in orders]
    store = till.api.parts.store
    await asyncio.gather(*(fulfilments.fulfil(store, each, f"pi_{each}") for each in names))

    periods = await _passes(till, world)
    assert [until - since for since, until in periods] == [timedelta(days=90)] * 4
    assert [until for _, until in periods[:-1]] == [since for since, _ in periods[1:]]


async def test_the_pass_after_one_that_was_paid_back_begins_now(till: Till) -> None:
    world = await till.buyer()
    first = await till.bought(world, "pass")
    await till.bought(world, "pass")
    await till.bought(world, "pass")
    before = await _passes(till, world)
    await refund(till, first)
    await till.until(first["payment_id"], "refunded")

    after = await _passes(till, world)
    now = datetime.now(UTC)
    assert abs(after[0][0] - now) < timedelta(minutes=1)
    assert [until - since for since, until in after] == [timedelta(days=90)] * 2
    assert after[1][0] == after[0][1] < before[2][0]


async def _passes(till: Till, world: str) -> list[tuple[datetime, datetime]]:
    had = (await till.player(world))["entitlements"]
    moments = [(e["since"], e["until"]) for e in had if e["entitlement"] == "pass"]
    return sorted((datetime.fromisoformat(s), datetime.fromisoformat(u)) for s, u in moments)


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


async def test_a_designer_sees_nothing_of_what_was_bought(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    for path in (
        f"/v1/payments/{begun['payment_id']}",
        f"/v1/payments/{begun['payment_id']}/ledger",
        f"/v1/subscriptions/{begun['subscription_id']}",
        f"/v1/worlds/{world}/players/mara/subscriptions",
    ):
        assert (await till.api.designer.get(path)).status_code == 403, path
        assert (await till.api.game.get(path)).status_code == 200, path
    told = f"/v1/worlds/{world}/chronicle"
    for kind, seen in ((None, True), ("payment.", False), ("subscription.started", False)):
        asked = {} if kind is None else {"kind": kind}
        page = (await till.api.designer.get(told, params=asked)).json()["items"]
        kinds = {entry["kind"].partition(".")[0] for entry in page}
        assert bool(kinds) == seen
        assert kinds.isdisjoint({"payment", "subscription"})
        assert (await till.api.game.get(told, params=asked)).json()["items"]


async def test_a_designers_stream_tells_nothing_of_what_was_bought(till: Till) -> None:
    world = await till.buyer()
    await till.bought(world, "coat")
    await till.api.player(world, "odo")
    kinds = []
    streaming = {"Accept": "text/event-stream"}
    path = f"/v1/worlds/{world}/chronicle"
    async with (
        asyncio.timeout(30),
        till.api.designer.stream("GET", path, headers=streaming) as told,
    ):
        async for line in told.aiter_lines():
            if line.startswith("event: "):
                kinds.append(line.removeprefix("event: "))
            # The last of what has happened comes after what was bought.
            if kinds.count("player.created") == 2:
                break
    assert not [kind for kind in kinds if kind.startswith(("payment.", "subscription."))]


async def test_a_refund_that_fails_days_later_is_owed_and_asked_for_again(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coin-300", coupon="WREN")
    sold = await till.balance()
    await refund(till, payment)
    await till.until(payment["payment_id"], "refunded")
    intent = await fail_last_refund(till, payment)
    body = an_event("refund.failed", "", object="refund", metadata={}, payment_intent=intent)
    assert (await till.deliver(body)).status_code == 200

    await till.until_refund(payment["payment_id"], "failed")
    after = await till.until(payment["payment_id"], "unfulfilled")
    assert (after["refunds"][0]["failure"], after["refunded"]["amount"]) == (
        "lost_or_stolen_card",
        0,
    )
    assert (await till.kinds(world))[-1] == "payment.refund_failed"
    # The money is at the provider again; the coin stays taken.
    money = {account: amount for account, amount in sold.items() if account[1] == "USD"}
    assert await till.balance() == money
    assert (await till.player(world))["coin"] == 0

    await till.deliver(an_event("refund.failed", "", object="refund", payment_intent=intent))
    await refund(till, payment)
    await till.until(payment["payment_id"], "refunded")
    assert await till.balance() == {("refunds", "USD"): 270, ("sales", "USD"): -270}


async def test_a_refund_that_failed_is_not_sent_again_under_its_key(till: Till) -> None:
    payment = await till.bought(await till.buyer(), "coat")
    seen = await till.gateway.look(payment["checkout"]["checkout_id"])
    await till.gateway.refund(str(seen.intent), 599, "once")
    await till.gateway.refund(str(seen.intent), 599, "once")
    await fail_last_refund(till, payment)
    with pytest.raises(ProviderRefused, match="lost_or_stolen_card"):
        await till.gateway.refund(str(seen.intent), 599, "once")
    await till.gateway.refund(str(seen.intent), 599, "twice")


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
