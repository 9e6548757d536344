"""Subscriptions against the real stand-in: begun, renewed, failed and mended, changed, ended."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from loreloom.activities.signatures.subscription import Canceling, Changing, SubscriptionRef
from loreloom.activities.subscription import SubscriptionActivities
from loreloom.domain.ids import (
    PaymentId,
    RefundId,
    SubscriptionId,
    WorldId,
    subscription_workflow_id,
)
from loreloom.domain.price_book import PriceBook
from loreloom.domain.subscription import CancelWhen, Standing, SubscriptionState
from loreloom.payments.refusing import ProviderAway
from loreloom.state import chronicle, fulfilments
from loreloom.state.starts import PlannedStart
from loreloom.state.subscription_rows import Begun
from loreloom.state.subscriptions import find_subscription, hold_open, settle
from loreloom.state.tables.payments import Subscription
from tests.payments.conftest import BOOK, WAITS, Till
from tests.quest.stage import eventually

BAD_CARD, GOOD_CARD = "4000000000000341", "4242424242424242"
SLOW_IBAN = "DE08370400440532013003"
"""A debit of this account is under way until the bank is told to decide."""


async def _told(till: Till, world: str) -> list[str]:
    found = await chronicle.read(till.api.parts.store, WorldId(world), kind="subscription.")
    return [entry.kind for entry in found]


async def _has(till: Till, world: str) -> list[tuple[str, str]]:
    held = (await till.player(world))["entitlements"]
    return [(each["entitlement"], each["until"][:19]) for each in held]


async def _order(till: Till, subscription: dict[str, Any], act: str, **body: Any) -> Any:
    path = f"/v1/subscriptions/{subscription['subscription_id']}/{act}"
    return await till.api.game.post(path, json=body)


async def _running(till: Till, subscription_id: str) -> None:
    """A paid subscription's workflow is started by the API's sweep; an order waits for it."""
    path = f"/v1/subscriptions/{subscription_id}/change"
    same = await till.api.game.post(path, json={"item": "bronze"})
    assert same.json()["code"] == "already_owned"


async def test_a_subscription_renews_and_every_charge_is_booked(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze", coupon="ALWAYS")
    name = begun["subscription_id"]
    assert (begun["state"], begun["item"], begun["every"]) == ("active", "bronze", "month")
    assert await _has(till, world) == [("bronze", begun["paid_until"][:19])]
    assert (await till.order(world, "gold")).json()["code"] == "already_subscribed"

    for _ in range(2):
        before = await till.subscription(name)
        await till.at_provider(name, "renew")
        await _later(till, before)
    renewed = await till.subscription(name)
    # The creator of a code that counts for ever has a fifth of every charge.
    assert await till.balance() == {
        ("provider", "USD"): 3 * 450,
        ("sales", "USD"): -3 * 450,
        ("creators", "USD"): 3 * 90,
        ("creator/wren", "USD"): -3 * 90,
    }
    assert (await _has(till, world))[-1] == ("bronze", renewed["paid_until"][:19])
    assert await _told(till, world) == ["subscription.started", *["subscription.renewed"] * 2]
    told = await chronicle.read(till.api.parts.store, WorldId(world), kind="subscription.renewed")
    for charge in (entry.data["payment_id"] for entry in told):
        receipt = (await till.api.game.get(f"/v1/payments/{charge}/receipt")).json()
        (line,) = receipt["lines"]
        assert [line[each]["amount"] for each in ("price", "discount", "amount")] == [500, 50, 450]
    report = (await till.api.ops.post("/v1/payments/reconcile")).json()
    assert [d for d in report["differences"] if d["kind"] != "unknown_to_us"] == []

    listed = await till.api.game.get(f"/v1/worlds/{world}/players/mara/subscriptions")
    assert [each["subscription_id"] for each in listed.json()["items"]] == [name]


async def _later(till: Till, before: dict[str, Any], seconds: float = 30) -> dict[str, Any]:
    """The subscription once it is paid for longer than it was."""

    def paid(found: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(found["paid_until"])

    deadline = seconds
    found = before
    while paid(found) <= paid(before):
        assert deadline > 0, found
        found = await till.subscription(before["subscription_id"])
        deadline -= 0.1
        await asyncio.sleep(0.1)
    return found


async def test_a_failed_charge_is_past_due_and_mended_by_another_card(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze", coupon="TWICE")
    name = begun["subscription_id"]
    await till.at_provider(name, "card", card=BAD_CARD)
    await till.at_provider(name, "renew")
    await till.until_it_is(name, state="past_due")
    assert await _told(till, world) == ["subscription.started", "subscription.past_due"]

    await till.at_provider(name, "card", card=GOOD_CARD)
    record_of = await till.gateway.recurring.look(await _provider_id(till, name))
    assert record_of.open_invoice is not None
    await till.gateway.recurring.pay(record_of.open_invoice, "the buyer pays by hand")
    await till.at_provider(name, "card", card=GOOD_CARD)
    mended = await till.until_it_is(name, state="active")
    assert mended["paid_until"] > begun["paid_until"]
    # 15 percent off for two months; then the whole price.
    await till.at_provider(name, "renew")
    await _later(till, mended)
    assert (await till.balance())[("provider", "USD")] == 425 + 425 + 500


async def test_what_the_first_card_did_not_pay_begins_with_the_second_one_alone(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "bronze")
    assert (await till.pay(payment, card=BAD_CARD)).status_code == 402
    await till.tell("payment_intent.payment_failed", payment)
    assert (await _told(till, world), await _has(till, world)) == ([], [])

    assert (await till.pay(payment)).status_code == 200
    await till.tell("checkout.session.completed", payment)
    begun = await till.until(payment["payment_id"], "fulfilled")
    seen = await till.gateway.recurring.charges(await _provider_id(till, begun["subscription_id"]))
    assert [(charge.amount, charge.first) for charge in seen] == [(500, True)]
    assert (await till.balance())[("provider", "USD")] == 500


async def test_what_is_asked_for_no_more_is_given_up_at_once(till: Till) -> None:
    world = await till.buyer()
    name = (await till.subscribed(world, "bronze"))["subscription_id"]
    await till.at_provider(name, "card", card=BAD_CARD)
    await till.at_provider(name, "renew")
    provider_id = await _provider_id(till, name)
    unpaid = await till.gateway.recurring.look(provider_id)
    assert unpaid.open_invoice is not None
    await till.gateway.recurring.give_up(unpaid.open_invoice)
    assert (await till.gateway.recurring.look(provider_id)).open_invoice is None


async def _provider_id(till: Till, name: str) -> str:
    found = await find_subscription(till.api.parts.store, SubscriptionId(name))
    assert found is not None
    return found.provider_id


async def test_up_and_down_as_the_provider_prorates(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze", coupon="ALWAYS")
    await _running(till, begun["subscription_id"])
    up = await _order(till, begun, "change", item="gold")
    assert (up.status_code, up.json()["item"]) == (200, "gold")
    assert await _has(till, world) == [("gold", begun["paid_until"][:19])]
    # Nearly all of the month is left: the whole difference is charged, and the creator has a share.
    booked = await till.balance()
    assert (booked[("provider", "USD")], booked[("creator/wren", "USD")]) == (1800, -360)
    (told,) = await chronicle.read(
        till.api.parts.store, WorldId(world), kind="subscription.charged"
    )
    receipt = await till.api.game.get(f"/v1/payments/{told.data['payment_id']}/receipt")
    assert (receipt.json()["coupon"], receipt.json()["creator"]) == ("ALWAYS", "wren")

    down = await _order(till, begun, "change", item="silver")
    assert (down.json()["item"], await _has(till, world)) == (
        "silver",
        [("silver", begun["paid_until"][:19])],
    )
    await till.at_provider(begun["subscription_id"], "renew")
    await _later(till, begun)
    # What was credited pays the next month.
    assert (await till.balance())[("provider", "USD")] == 1800
    assert await _told(till, world) == [
        "subscription.started",
        "subscription.changed",
        "subscription.charged",
        "subscription.changed",
        "subscription.charged",
        "subscription.renewed",
    ]


async def test_a_change_whose_answer_was_lost_is_charged_for_the_new_level(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await till.buyer()
    name = (await till.subscribed(world, "bronze"))["subscription_id"]
    gold = PriceBook.model_validate(BOOK).item("gold")
    changing = Changing(subscription_id=SubscriptionId(name), item=gold, order="up")
    steps, change = _steps(till), till.gateway.recurring.change

    async def answer_lost(*asked: Any) -> None:
        await change(*asked)
        raise ProviderAway("connection_reset")

    with monkeypatch.context() as patched:
        patched.setattr(till.gateway.recurring, "change", answer_lost)
        with pytest.raises(ProviderAway):
            await steps.change(changing)
    assert (await steps.change(changing)).standing.item == "gold"
    (told,) = await chronicle.read(
        till.api.parts.store, WorldId(world), kind="subscription.charged"
    )
    receipt = await till.api.game.get(f"/v1/payments/{told.data['payment_id']}/receipt")
    assert [line["item"] for line in receipt.json()["lines"]] == ["gold"]
    assert (await till.balance())[("provider", "USD")] == 2000


async def test_a_change_that_cannot_be_charged_changes_nothing(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    await _running(till, begun["subscription_id"])
    await till.at_provider(begun["subscription_id"], "card", card=BAD_CARD)
    refused = await _order(till, begun, "change", item="gold")
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_refused")
    assert refused.json()["detail"] == "card_declined"
    assert (await _order(till, begun, "change", item="coat")).json()["code"] == "unknown_item"
    assert (await till.subscription(begun["subscription_id"]))["item"] == "bronze"
    assert (await till.balance())[("provider", "USD")] == 500


async def test_a_change_of_what_has_ended_untold_is_refused_and_ends_it(till: Till) -> None:
    name = (await till.subscribed(await till.buyer(), "bronze"))["subscription_id"]
    await till.at_provider(name, "card", card=GOOD_CARD)
    workflow_id = subscription_workflow_id(SubscriptionId(name))
    handle = till.api.parts.temporal.get_workflow_handle(workflow_id)

    async def waits() -> bool:
        events = [event.event_type async for event in handle.fetch_history_events()]
        return events[-1] == WAITS

    await eventually(waits, "it has looked, and waits")
    await till.gateway.recurring.cancel(await _provider_id(till, name))
    refused = await _order(till, {"subscription_id": name}, "change", item="gold")
    assert (refused.status_code, refused.json()["detail"]) == (409, "canceled")
    assert await asyncio.wait_for(handle.result(), 30) == SubscriptionState.CANCELED


@pytest.mark.parametrize("when", ["now", "period_end"])
async def test_what_is_paid_for_stays_after_it_is_canceled(till: Till, when: str) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    await _running(till, begun["subscription_id"])
    answer = (await _order(till, begun, "cancel", when=when)).json()
    assert answer["state"] == ("canceled" if when == "now" else "active")
    assert answer["cancel_at_period_end"] == (when == "period_end")
    assert await _has(till, world) == [("bronze", begun["paid_until"][:19])]

    if when == "period_end":
        await till.at_provider(begun["subscription_id"], "renew")
    ended = await till.until_it_is(begun["subscription_id"], state="canceled")
    assert ended["ended_at"] is not None
    assert (await till.balance())[("provider", "USD")] == 500
    again = await _order(till, begun, "cancel", when=when)
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert (await till.order(world, "silver")).status_code == 202


@pytest.mark.parametrize("when", ["now", "period_end"])
async def test_canceled_while_past_due_it_ends_at_once_and_owes_nothing(
    till: Till, when: str
) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    name = begun["subscription_id"]
    await till.at_provider(name, "card", card=BAD_CARD)
    await till.at_provider(name, "renew")
    await till.until_it_is(name, state="past_due")

    answer = (await _order(till, begun, "cancel", when=when)).json()
    assert (answer["state"], answer["cancel_at_period_end"]) == ("canceled", False)
    assert (await _told(till, world))[-1] == "subscription.canceled"
    assert await _has(till, world) == [("bronze", begun["paid_until"][:19])]
    provider_id = await _provider_id(till, name)
    seen = await till.gateway.recurring.look(provider_id)
    assert (seen.standing, seen.open_invoice) == ("ended", None)
    assert (await till.order(world, "silver")).status_code == 202


async def _under_way(till: Till, world: str) -> dict[str, Any]:
    """A subscription whose next period is debited by a bank that takes its time."""
    begun = await till.subscribed(world, "bronze")
    name = begun["subscription_id"]
    await _running(till, name)
    await till.at_provider(name, "card", iban=SLOW_IBAN)
    await till.at_provider(name, "renew")
    return await till.until_it_is(name, state="past_due")


def _steps(till: Till) -> SubscriptionActivities:
    """What is done for a subscription, without waiting until it is due."""
    return SubscriptionActivities(till.api.parts.store, till.gateway)


async def _lapse(till: Till, name: str) -> Standing:
    """The days of grace are over."""
    return await _steps(till).lapse(SubscriptionRef(subscription_id=SubscriptionId(name)))


async def test_a_debit_that_is_under_way_when_the_days_of_grace_end_is_waited_for(
    till: Till,
) -> None:
    world = await till.buyer()
    owing = await _under_way(till, world)
    name = owing["subscription_id"]
    assert (await _lapse(till, name)).state == "past_due"

    await till.at_provider(name, "bank", paid=True)
    renewed = await till.until_it_is(name, state="active")
    assert renewed["paid_until"] > owing["paid_until"]
    assert (await _has(till, world))[-1] == ("bronze", renewed["paid_until"][:19])
    assert (await till.balance())[("provider", "USD")] == 1000


async def test_a_debit_that_does_not_come_lapses_and_is_given_up(till: Till) -> None:
    world = await till.buyer()
    name = (await _under_way(till, world))["subscription_id"]
    await till.at_provider(name, "bank", paid=False)
    assert (await _lapse(till, name)).state == "lapsed"
    seen = await till.gateway.recurring.look(await _provider_id(till, name))
    assert (seen.standing, seen.open_invoice) == ("ended", None)
    assert (await till.balance())[("provider", "USD")] == 500


@pytest.mark.parametrize("paid", [True, False])
async def test_canceled_now_it_ends_when_what_was_under_way_has_come_or_not(
    till: Till, paid: bool
) -> None:
    world = await till.buyer()
    owing = await _under_way(till, world)
    name = owing["subscription_id"]
    answer = (await _order(till, owing, "cancel", when="now")).json()
    assert (answer["state"], answer["cancel_at_period_end"]) == ("past_due", True)

    await till.at_provider(name, "bank", paid=paid)
    ended = await till.until_it_is(name, state="canceled")
    # What came all the same was paid for a period, and gives it.
    assert (ended["paid_until"] > owing["paid_until"]) is paid
    assert (await _has(till, world))[-1] == ("bronze", ended["paid_until"][:19])
    assert (await till.balance())[("provider", "USD")] == (1000 if paid else 500)
    assert (await _told(till, world))[-1] == "subscription.canceled"


async def test_an_older_charge_that_is_paid_after_a_newer_one_takes_nothing(till: Till) -> None:
    world = await till.buyer()
    owing = await _under_way(till, world)
    name = owing["subscription_id"]
    await till.at_provider(name, "card", card=GOOD_CARD)
    await till.at_provider(name, "renew")
    newer = await _later(till, owing)
    await till.at_provider(name, "bank", paid=True)
    await till.until_balance({("provider", "USD"): 1500, ("sales", "USD"): -1500})

    held = (await till.player(world))["entitlements"]
    ends = [each["until"] for each in held]
    # Each period ends where the next one begins, whichever was paid first.
    assert ends == [*(each["since"] for each in held[1:]), newer["paid_until"]]


async def test_what_was_not_paid_is_asked_for_no_more_once_a_later_period_is(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    name = begun["subscription_id"]
    await till.at_provider(name, "card", card=BAD_CARD)
    await till.at_provider(name, "renew")
    await till.until_it_is(name, state="past_due")
    older = (await till.gateway.recurring.look(await _provider_id(till, name))).open_invoice
    assert older is not None
    await till.at_provider(name, "card", card=GOOD_CARD)
    await till.at_provider(name, "renew")
    await till.until_it_is(name, state="active")

    await till.gateway.recurring.pay(older, "the buyer still has its page")
    await till.at_provider(name, "card", card=GOOD_CARD)
    seen = await till.gateway.recurring.charges(await _provider_id(till, name))
    assert [charge.amount for charge in seen] == [500, 500]


@pytest.mark.parametrize("paid", [True, False])
async def test_a_period_that_nobody_told_of_is_settled_before_a_change(
    till: Till, paid: bool
) -> None:
    world = await till.buyer()
    name = (await till.subscribed(world, "gold"))["subscription_id"]
    at = f"/_config/subscriptions/{await _provider_id(till, name)}"
    await till.provider.post(f"{at}/card", json={"card": GOOD_CARD if paid else BAD_CARD})
    await till.provider.post(f"{at}/renew", json={})

    bronze = PriceBook.model_validate(BOOK).item("bronze")
    changing = Changing(subscription_id=SubscriptionId(name), item=bronze, order="down")
    changed = await _steps(till).change(changing)
    if not paid:
        # Else what is left of a month that nobody paid would pay for the next three.
        assert (changed.refused, changed.standing.item) == ("past_due", "gold")
        return
    assert (changed.refused, changed.standing.item) == (None, "bronze")
    (told,) = await chronicle.read(
        till.api.parts.store, WorldId(world), kind="subscription.renewed"
    )
    assert (told.data["item"], told.data["amount"]) == ("gold", 2000)
    assert [name for name, _ in await _has(till, world)] == ["gold", "bronze"]


async def test_a_level_is_not_changed_while_the_period_that_runs_is_still_to_be_paid(
    till: Till,
) -> None:
    """The provider calls it active, also for the days that a debit of the renewal takes."""
    world = await till.buyer()
    name = SubscriptionId((await till.subscribed(world, "gold"))["subscription_id"])
    over = update(Subscription).where(Subscription.subscription_id == name)
    async with till.api.parts.store.transaction() as tx:
        await tx.run(over.values(paid_until=datetime.now(UTC) - timedelta(minutes=1)))
    bronze = PriceBook.model_validate(BOOK).item("bronze")
    changing = Changing(subscription_id=name, item=bronze, order="down")
    assert (await _steps(till).change(changing)).refused == "unpaid"
    assert (await till.subscription(name))["item"] == "gold"


async def test_a_period_that_was_paid_back_is_not_taken_to_another_level(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    await _running(till, begun["subscription_id"])
    path = f"/v1/payments/{begun['payment_id']}"
    assert (await till.api.ops.post(f"{path}/refund", json={})).status_code == 202
    await till.until(begun["payment_id"], "refunded")

    up = await _order(till, begun, "change", item="gold")
    assert (up.json()["code"], up.json()["detail"]) == ("payment_refused", "unpaid")
    # Nothing was charged for what would not have been there.
    provider_id = await _provider_id(till, begun["subscription_id"])
    assert len(await till.gateway.recurring.charges(provider_id)) == 1


async def test_what_was_canceled_is_not_held_open_for_a_charge_that_does_not_come(
    till: Till,
) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    await _running(till, begun["subscription_id"])
    await _order(till, begun, "cancel", when="period_end")
    ends = datetime.fromisoformat(begun["paid_until"])
    name = SubscriptionId(begun["subscription_id"])
    await hold_open(till.api.parts.store, name, ends, ends + timedelta(days=7))
    assert await _has(till, world) == [("bronze", begun["paid_until"][:19])]


async def test_what_is_paid_after_all_was_over_is_booked_and_gives_its_period(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    name = SubscriptionId(begun["subscription_id"])
    await till.at_provider(name, "card", card=BAD_CARD)
    await till.at_provider(name, "renew")
    await till.until_it_is(name, state="past_due")
    unpaid = (await till.gateway.recurring.look(await _provider_id(till, name))).open_invoice
    assert unpaid is not None
    # So it was left before a subscription gave up its invoices when it ended.
    lapsed = SubscriptionState.LAPSED
    await settle(till.api.parts.store, name, lapsed, cancel_at_period_end=False)
    await till.at_provider(name, "card", card=GOOD_CARD)
    workflow = till.api.parts.temporal.get_workflow_handle(subscription_workflow_id(name))
    assert await workflow.result() == lapsed

    await till.gateway.recurring.pay(unpaid, "the buyer still has its page")
    await till.at_provider(name, "card", card=GOOD_CARD)
    await till.until_balance({("provider", "USD"): 1000, ("sales", "USD"): -1000})
    late = await till.subscription(name)
    assert (late["state"], late["paid_until"] > begun["paid_until"]) == ("lapsed", True)
    assert (await _has(till, world))[-1] == ("bronze", late["paid_until"][:19])


async def test_what_has_ended_at_the_provider_takes_an_order_to_end_all_the_same(
    till: Till,
) -> None:
    world = await till.buyer()
    name = (await till.subscribed(world, "bronze"))["subscription_id"]
    await till.gateway.recurring.cancel(await _provider_id(till, name))
    ending = Canceling(subscription_id=SubscriptionId(name), when=CancelWhen.PERIOD_END)
    assert (await _steps(till).cancel(ending)).state == "canceled"
    assert (await till.subscription(name))["state"] == "canceled"


async def test_the_second_of_two_paid_checkouts_is_paid_back_and_ended(till: Till) -> None:
    world = await till.buyer()
    first, second = await till.ordered(world, "bronze"), await till.ordered(world, "gold")
    for payment in (first, second):
        await till.pay(payment)
        await till.tell("checkout.session.completed", payment)
        await till.until(payment["payment_id"], "fulfilled", "refunded")
    back = await till.until(second["payment_id"], "refunded")
    assert back["reason"] == "already_owned"
    seen = await till.gateway.look(second["checkout"]["checkout_id"])
    assert seen.subscription is not None
    assert (await till.gateway.recurring.look(seen.subscription)).standing == "ended"
    assert (await till.balance())[("provider", "USD")] == 500


async def test_a_change_to_the_level_that_it_is_at_is_refused_with_a_key_too(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    await _running(till, begun["subscription_id"])
    path = f"/v1/subscriptions/{begun['subscription_id']}/change"
    key = {"Idempotency-Key": "to-where-it-is"}
    same = await till.api.game.post(path, json={"item": "bronze"}, headers=key)
    assert (same.status_code, same.json()["code"]) == (409, "already_owned")
    assert await _told(till, world) == ["subscription.started"]


async def test_a_period_that_was_paid_meanwhile_is_not_cut_to_the_days_of_grace(till: Till) -> None:
    world = await till.buyer()
    begun = await till.subscribed(world, "bronze")
    name = begun["subscription_id"]
    await till.at_provider(name, "renew")
    renewed = await _later(till, begun)
    before = await _has(till, world)
    ended = datetime.fromisoformat(begun["paid_until"])
    await hold_open(till.api.parts.store, SubscriptionId(name), ended, ended + timedelta(days=7))

    assert await _has(till, world) == before
    assert before[-1] == ("bronze", renewed["paid_until"][:19])


async def test_a_refund_takes_back_the_share_of_what_was_really_charged(till: Till) -> None:
    """The provider rounds in its own way: a fifth of 449 is less than a fifth of 450."""
    world = await till.buyer()
    payment = await till.ordered(world, "bronze", coupon="ALWAYS")
    name, store = PaymentId(payment["payment_id"]), till.api.parts.store
    begun = Begun(
        provider_id=f"sub_{name}",
        amount=449,
        paid_until=datetime.now(UTC) + timedelta(days=30),
        start=PlannedStart(workflow_id=f"nobody/{name}", workflow="Nobody", input={}),
    )
    await fulfilments.fulfil(store, name, f"pi_{name}", begun)
    assert (await till.balance())[("creator/wren", "USD")] == -89
    refund_id = RefundId(f"refund_nobody_{name}")
    start = PlannedStart(workflow_id=f"nobody/{refund_id}", workflow="Nobody", input={})
    async with store.transaction() as tx:
        await fulfilments.ask_refund(tx, name, refund_id, None, None, start)
    await fulfilments.book_refund(store, refund_id)
    assert await till.balance() == {("refunds", "USD"): 449, ("sales", "USD"): -449}
