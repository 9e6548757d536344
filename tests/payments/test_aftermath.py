"""Disputes, and the nightly comparison of the books with the provider's list."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from loreloom.activities.reconciliation import fill
from loreloom.domain import reconciliation
from loreloom.domain.ids import PaymentId, PlayerId, RefundId, WorldId, payment_workflow_id
from loreloom.domain.reconciliation import DifferenceKind, differences
from loreloom.domain.rewards import Reward
from loreloom.state import fulfilments
from loreloom.state.listings import listing
from loreloom.state.players import grant
from tests.payments.conftest import Till, an_event
from tests.payments.disputing import decide, disputed, fail_last_refund
from tests.quest.stage import eventually


async def _reconciled(till: Till) -> list[tuple[str, str]]:
    answer = await till.api.ops.post("/v1/payments/reconcile")
    assert answer.status_code == 200, answer.text
    return [(each["kind"], each["payment_id"]) for each in answer.json()["differences"]]


NOW, HOUR = timedelta(), timedelta(hours=1)
Found = list[tuple[DifferenceKind, str | None]]


@asynccontextmanager
async def _listed(till: Till) -> AsyncIterator[Callable[[timedelta], Awaitable[Found]]]:
    """What the provider lists now, to be compared as if it were listed so much later."""

    async def compared(later: timedelta) -> Found:
        sides = theirs.sides(datetime.now(UTC) + later)
        # The stand-in serves the whole test run: what other tests bought there is not ours.
        return [
            (each.kind, each.payment_id)
            async for ours, listed in sides
            for each in differences(ours, listed)
            if each.kind is not DifferenceKind.UNKNOWN_TO_US
        ]

    async with listing(till.api.parts.store) as theirs:
        await fill(theirs, till.gateway)
        yield compared


@pytest.mark.parametrize(("how", "state"), [("won", "fulfilled"), ("lost", "dispute_lost")])
async def test_a_dispute_holds_what_was_bought_then_returns_or_takes_it(
    till: Till, how: str, state: str
) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat")
    dispute_id = await disputed(till, payment)
    assert (await till.player(world))["entitlements"] == []

    await decide(till, payment, dispute_id, how)
    await till.until(payment["payment_id"], state)
    had = [e["entitlement"] for e in (await till.player(world))["entitlements"]]
    assert had == (["coat"] if how == "won" else [])
    side = "provider" if how == "won" else "disputes_lost"
    assert await till.balance() == {(side, "USD"): 599, ("sales", "USD"): -599}
    assert await _reconciled(till) == []


async def test_books_that_agree_show_no_difference(till: Till) -> None:
    world = await till.buyer()
    await till.bought(world, "coin-300")
    coat = await till.bought(world, "coat")
    path = f"/v1/payments/{coat['payment_id']}/refund"
    await till.api.ops.post(path, json={})
    await till.until(coat["payment_id"], "refunded")
    await till.ordered(world, "chapter")
    assert await _reconciled(till) == []


async def test_what_happens_while_it_is_compared_is_no_difference(till: Till) -> None:
    world = await till.buyer()
    coin = await till.bought(world, "coin-300")
    async with _listed(till) as compared:
        coat = await till.bought(world, "coat")
        await till.api.ops.post(f"/v1/payments/{coin['payment_id']}/refund", json={})
        await till.until(coin["payment_id"], "refunded")

        assert await compared(NOW) == []
        assert sorted(await compared(HOUR)) == [
            ("refunded", coin["payment_id"]),
            ("unknown_to_provider", coat["payment_id"]),
        ]


class TestMoneyThatNobodyToldOf:
    @pytest.fixture
    def look(self) -> timedelta:
        """Nothing but the reconciliation may make the workflow look."""
        return timedelta(hours=6)

    @pytest.fixture(autouse=True)
    def long_ago(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The payment was begun long before, as a debit is."""
        monkeypatch.setattr(reconciliation, "GRACE", timedelta(0))

    async def test_it_is_looked_for_and_no_difference_while_the_workflow_waits(
        self, till: Till
    ) -> None:
        payment = await till.ordered(await till.buyer(), "coat")
        await till.pay(payment)
        assert await _reconciled(till) == []
        await till.until(payment["payment_id"], "fulfilled")

    async def test_it_is_a_difference_while_it_cannot_be_delivered(self, till: Till) -> None:
        payment = await till.ordered(await till.buyer(), "coat")
        async with till.api.parts.store.transaction() as tx:
            await tx.run(text("ALTER TABLE receipts RENAME TO receipts_away"))
        await till.pay(payment)

        async def reported() -> bool:
            return await _reconciled(till) == [("paid_not_delivered", payment["payment_id"])]

        await eventually(reported, "its delivery was tried again and again")
        async with till.api.parts.store.transaction() as tx:
            await tx.run(text("ALTER TABLE receipts_away RENAME TO receipts"))
        await till.until(payment["payment_id"], "fulfilled")
        assert await _reconciled(till) == []

    async def test_it_is_a_difference_when_nobody_waits_for_it_any_more(self, till: Till) -> None:
        payment = await till.ordered(await till.buyer(), "coat")
        await till.pay(payment)
        workflow_id = payment_workflow_id(PaymentId(payment["payment_id"]))
        await till.api.parts.temporal.get_workflow_handle(workflow_id).terminate()
        assert await _reconciled(till) == [("paid_not_delivered", payment["payment_id"])]


async def test_a_dispute_that_nobody_told_us_of_is_a_difference(till: Till) -> None:
    world = await till.buyer()
    coat, coin = await till.bought(world, "coat"), await till.bought(world, "coin-300")
    seen = await till.gateway.look(coat["checkout"]["checkout_id"])
    await till.provider.post("/_config/disputes", json={"payment_intent": seen.intent})
    await disputed(till, coin)
    async with _listed(till) as compared:
        assert await compared(NOW) == [], "its word may be on its way"
        assert await compared(HOUR) == [("dispute", coat["payment_id"])]


async def test_what_is_owed_and_not_paid_back_is_a_difference(till: Till) -> None:
    world = await till.buyer()
    first, second = await till.ordered(world, "coat"), await till.ordered(world, "coat")
    await till.pay(first)
    await till.tell("checkout.session.completed", first)
    await till.until(first["payment_id"], "fulfilled")
    await till.pay(second)
    seen = await till.gateway.look(second["checkout"]["checkout_id"])
    await till.gateway.refund(str(seen.intent), 599, "paid back by hand")
    await till.tell("checkout.session.completed", second)
    await till.until_refund(second["payment_id"], "failed")

    async with _listed(till) as compared:
        assert ("owed", second["payment_id"]) in await compared(HOUR)


async def test_each_difference_is_told_with_both_sides(till: Till) -> None:
    world = await till.buyer()
    coin, coat = await till.bought(world, "coin-300"), await till.bought(world, "coat")
    seen = await till.gateway.look(coin["checkout"]["checkout_id"])
    await till.gateway.refund(str(seen.intent), 99, "in the provider's dashboard")
    async with till.api.parts.store.transaction() as tx:
        await tx.run(text("UPDATE entitlements SET taken_at = now()"))

    assert sorted(await _reconciled(till)) == [
        ("entitlement", coat["payment_id"]),
        ("refunded", coin["payment_id"]),
    ]


async def test_coin_that_quests_pay_is_booked_and_any_other_coin_is_a_difference(
    till: Till,
) -> None:
    world = await till.buyer()
    await till.bought(world, "coin-300")
    store = till.api.parts.store
    async with store.transaction() as tx:
        reward = Reward(experience=5, coin=40)
        await grant(tx, "quest/one/reward", WorldId(world), PlayerId("mara"), reward)
    balance = await till.balance()
    assert (balance[("coin_granted", "COIN")], balance[(f"coin/{world}", "COIN")]) == (-40, 340)
    assert await _reconciled(till) == []

    async with store.transaction() as tx:
        await tx.run(text("UPDATE players SET coin = coin + 1"))
    (found,) = (await till.api.ops.post("/v1/payments/reconcile")).json()["differences"]
    assert (found["kind"], found["payment_id"]) == ("coin", None)
    assert found["ours"].startswith("341 held")
    assert found["theirs"] == "340 in the ledger"


async def test_a_refund_made_in_the_providers_pages_is_taken_over(till: Till) -> None:
    world = await till.buyer()
    coat = await till.bought(world, "coat", coupon="WREN")
    seen = await till.gateway.look(coat["checkout"]["checkout_id"])
    await till.gateway.refund(str(seen.intent), 40, "a part of it, by hand")
    assert await _reconciled(till) == [("refunded", coat["payment_id"])]
    assert (await till.until(coat["payment_id"], "partly_refunded"))["refunded"]["amount"] == 40
    await till.gateway.refund(str(seen.intent), 500, "the rest of it, by hand")
    assert await _reconciled(till) == [("refunded", coat["payment_id"])]

    back = await till.until(coat["payment_id"], "refunded")
    assert [each["reason"] for each in back["refunds"]] == ["at_provider", "at_provider"]
    assert (await till.player(world))["entitlements"] == []
    assert await till.balance() == {("refunds", "USD"): 540, ("sales", "USD"): -540}
    assert await _reconciled(till) == []


async def test_a_refund_that_was_taken_over_is_not_booked_again_when_it_is_told_of(
    till: Till,
) -> None:
    coat = await till.bought(await till.buyer(), "coat")
    seen = await till.gateway.look(coat["checkout"]["checkout_id"])
    await till.gateway.refund(str(seen.intent), 40, "a part, and told of")
    assert await _reconciled(till) == [("refunded", coat["payment_id"])]
    back = await till.until(coat["payment_id"], "partly_refunded")
    books = await till.balance()

    told = an_event("refund.updated", "", "evt_told", object="refund", payment_intent=seen.intent)
    assert (await till.deliver(told)).json()["handled"]
    event = (await till.api.ops.get("/v1/webhooks/stripe/events/evt_told")).json()
    assert event["outcome"] == "nobody_waits"
    await fulfilments.book_refund(till.api.parts.store, RefundId(back["refunds"][0]["refund_id"]))
    assert await till.balance() == books


async def test_a_refund_that_failed_untold_is_found_and_owed(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await till.buyer()
    coat = await till.bought(world, "coat")
    await till.api.ops.post(f"/v1/payments/{coat['payment_id']}/refund", json={})
    await till.until(coat["payment_id"], "refunded")
    await fail_last_refund(till, coat)
    assert await _reconciled(till) == [], "it was booked just now"

    monkeypatch.setattr(reconciliation, "GRACE", timedelta(0))
    assert await _reconciled(till) == [("refunded", coat["payment_id"])]
    await till.until(coat["payment_id"], "unfulfilled")
    assert await _reconciled(till) == [("owed", coat["payment_id"])]


async def test_only_ops_reconcile(till: Till) -> None:
    answers = await asyncio.gather(
        till.api.game.post("/v1/payments/reconcile"),
        till.api.nobody.post("/v1/payments/reconcile"),
    )
    assert [answer.status_code for answer in answers] == [403, 401]
