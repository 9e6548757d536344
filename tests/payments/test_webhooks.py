"""What the provider tells: only its own words count, in any order and as often as they come."""

import asyncio
import json
import random
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from loreloom.payments.webhooks import NotSigned, Signatures
from tests.payments.conftest import OLD_SECRET, SECRET, Till, an_event, signed
from tests.support.whole_store import digests_of

BODY = an_event("checkout.session.completed", "payment_1", "evt_1")
READER = Signatures([SecretStr(SECRET), SecretStr(OLD_SECRET)])
KNOWN = (SECRET, OLD_SECRET)
TELLING = ("checkout.session.completed", "payment_intent.succeeded", "charge.dispute.created")
VISIBLE = st.characters(min_codepoint=0x21, exclude_categories=["Cc", "Cs", "Z"])


def test_each_secret_in_force_is_taken() -> None:
    for secret in KNOWN:
        assert READER.read(BODY, signed(BODY, secret)).event_id == "evt_1"


def test_several_signatures_at_once_are_taken_if_one_holds() -> None:
    good = signed(BODY)
    moment, made = good.split(",")
    assert READER.read(BODY, f"{moment},v1={'0' * 64},{made}").payment_id == "payment_1"


@pytest.mark.parametrize("age", [301, 3600])
def test_a_stale_signature_is_refused(age: int) -> None:
    with pytest.raises(NotSigned):
        READER.read(BODY, signed(BODY, at=time.time() - age))


def test_nothing_is_taken_when_no_secret_is_set() -> None:
    with pytest.raises(NotSigned):
        Signatures([]).read(BODY, signed(BODY, ""))


@st.composite
def mutations(draw: st.DrawFn, payment_id: str) -> tuple[bytes, str]:
    """A body about a purchase and the signature that comes with it: one of them is not good."""
    good = [an_event(kind, payment_id, f"evt_{kind}") for kind in TELLING]
    body = draw(st.sampled_from(good))
    secret = draw(st.sampled_from(KNOWN))
    moment, made = signed(body, secret).split(",v1=")
    match draw(st.sampled_from(MUTATIONS)):
        case "altered body":
            return _altered(draw, body, st.integers(0, 255)), f"{moment},v1={made}"
        case "truncated body":
            return body[: draw(st.integers(0, len(body) - 1))], f"{moment},v1={made}"
        case "lengthened body":
            return body + draw(st.binary(min_size=1, max_size=20)), f"{moment},v1={made}"
        case "body of another":
            other = draw(st.sampled_from([each for each in good if each != body]))
            return other, f"{moment},v1={made}"
        case "forged signature":
            forged = _altered(draw, made.encode(), st.sampled_from(b"0123456789abcdef"))
            return body, f"{moment},v1={forged.decode()}"
        case "truncated signature":
            return body, f"{moment},v1={made}"[: -draw(st.integers(1, 80))].rstrip(",")
        case "no signature":
            return body, draw(st.text(VISIBLE, max_size=40))
        case "another moment":
            shift = draw(st.integers(-(2**40), 2**40).filter(bool))
            return body, f"t={int(moment[2:]) + shift},v1={made}"
        case "another scheme":
            return body, f"{moment},{draw(st.sampled_from(['v0=', 'v2=', 'v1', '']))}{made}"
        case "stale":
            return body, signed(body, secret, at=time.time() - draw(st.integers(301, 10**8)))
        case _:
            unknown = st.text(max_size=20).filter(lambda each: each not in KNOWN)
            return body, signed(body, draw(unknown))


MUTATIONS = (
    "altered body",
    "truncated body",
    "lengthened body",
    "body of another",
    "forged signature",
    "truncated signature",
    "no signature",
    "another moment",
    "another scheme",
    "stale",
    "wrong secret",
)


def _altered(draw: st.DrawFn, text: bytes, alphabet: st.SearchStrategy[int]) -> bytes:
    at = draw(st.integers(0, len(text) - 1))
    byte = draw(alphabet.filter(lambda each: each != text[at]))
    return text[:at] + bytes([byte]) + text[at + 1 :]


class TestForgeries:
    @pytest.fixture
    def look(self) -> timedelta:
        """Nothing but a word that is believed may deliver what was paid."""
        return timedelta(hours=6)

    @pytest.fixture
    async def paid(self, till: Till) -> dict[str, Any]:
        """A purchase that is paid, and waits to hear of it."""
        payment = await till.ordered(await till.buyer(), "coin-300")
        await till.pay(payment)
        return payment

    @pytest.fixture
    async def before(self, till: Till, paid: dict[str, Any]) -> dict[str, str | None]:
        return await digests_of(till.api.parts.store)

    # Whatever was believed has changed the store for good: the same again would show no less.
    @settings(
        max_examples=10,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(data=st.data())
    async def test_no_mutation_of_a_good_webhook_is_taken_or_changes_anything(
        self,
        till: Till,
        paid: dict[str, Any],
        before: dict[str, str | None],
        data: st.DataObject,
    ) -> None:
        forged = mutations(paid["payment_id"])
        for body, signature in data.draw(st.lists(forged, min_size=8, max_size=12)):
            answer = await till.deliver(body, signature)
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
        assert await digests_of(till.api.parts.store) == before

    async def test_a_webhook_that_is_replayed_is_counted_and_later_refused(
        self, till: Till, paid: dict[str, Any]
    ) -> None:
        body = an_event(TELLING[0], paid["payment_id"], "evt_replayed")
        signature = signed(body)
        await till.deliver(body, signature)
        await till.until(paid["payment_id"], "fulfilled")
        before = await digests_of(till.api.parts.store)

        assert (await till.deliver(body, signature)).status_code == 200
        after = await digests_of(till.api.parts.store)
        assert {table for table in after if after[table] != before[table]} == {"provider_events"}
        kept = await till.api.ops.get("/v1/webhooks/stripe/events/evt_replayed")
        assert kept.json()["deliveries"] == 2

        stale = await till.deliver(body, signed(body, at=time.time() - 301))
        assert (stale.status_code, stale.json()["code"]) == (400, "bad_signature")
        assert await digests_of(till.api.parts.store) == after


class TestWhatIsClaimed:
    @pytest.fixture
    def look(self) -> timedelta:
        """Nothing but what it is told may make the workflow look."""
        return timedelta(hours=6)

    async def test_a_signed_word_of_a_payment_that_was_not_made_delivers_nothing(
        self, till: Till
    ) -> None:
        """The provider is asked: what an event claims is of no matter."""
        world = await till.buyer()
        payment = await till.ordered(world, "coat")
        for kind in ("checkout.session.completed", "payment_intent.succeeded"):
            await till.tell(kind, payment)
            await till.until_looked(payment)
            found = await till.api.game.get(f"/v1/payments/{payment['payment_id']}")
            assert found.json()["state"] == "awaiting_payment"
            assert (await till.player(world))["entitlements"] == []
            assert await till.balance() == {}

        await till.pay(payment)
        await till.tell("checkout.session.completed", payment)
        await till.until(payment["payment_id"], "fulfilled")
        assert (await till.kinds(world)).count("payment.fulfilled") == 1

    async def test_ops_can_have_an_event_handled_again(self, till: Till) -> None:
        world = await till.buyer()
        payment = await till.ordered(world, "coat")
        await till.tell("checkout.session.completed", payment, "evt_early")
        await till.until_looked(payment)
        await till.pay(payment)
        again = "/v1/webhooks/stripe/events/evt_early/resend"
        assert (await till.api.game.post(again)).status_code == 403
        assert (await till.api.ops.post(again)).status_code == 200
        await till.until(payment["payment_id"], "fulfilled")


async def test_repeated_and_shuffled_words_deliver_once(till: Till) -> None:
    world = await till.buyer()
    payments = [await till.ordered(world, "coin-300") for _ in range(4)]
    for payment in payments:
        await till.pay(payment)
    kinds = ("payment_intent.succeeded", "checkout.session.completed", "charge.succeeded")
    words = [
        (kind, payment, f"evt_{kind}_{payment['payment_id']}")
        for payment in payments
        for kind in kinds
        for _ in range(3)
    ]
    random.Random(4).shuffle(words)
    await asyncio.gather(*(till.tell(*word) for word in words))
    for payment in payments:
        await till.until(payment["payment_id"], "fulfilled")

    assert (await till.player(world))["coin"] == 1200
    assert (await till.balance())[("provider", "USD")] == 4 * 299
    event = f"evt_{kinds[0]}_{payments[0]['payment_id']}"
    kept = (await till.api.ops.get(f"/v1/webhooks/stripe/events/{event}")).json()
    assert (kept["deliveries"], kept["outcome"]) == (3, "told")


async def test_unknown_kinds_are_kept_and_acknowledged(till: Till) -> None:
    body = an_event("product.created", "payment_unknown", "evt_unknown")
    assert (await till.deliver(body)).json() == {"event_id": "evt_unknown", "handled": True}
    kept = (await till.api.ops.get("/v1/webhooks/stripe/events/evt_unknown")).json()
    assert (kept["kind"], kept["outcome"]) == ("product.created", "unknown_kind")


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b"7", json.dumps({"id": "x"}).encode()])
async def test_what_is_signed_and_no_event_is_refused(till: Till, body: bytes) -> None:
    answer = await till.deliver(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
