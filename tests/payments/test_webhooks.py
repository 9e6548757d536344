"""What the provider tells: only its own words count, in any order and as often as they come."""

import asyncio
import json
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from loreloom.payments.webhooks import NotSigned, Signatures
from tests.payments.conftest import OLD_SECRET, SECRET, Till, an_event, signed

BODY = an_event("checkout.session.completed", "payment_1", "evt_1")
READER = Signatures([SecretStr(SECRET), SecretStr(OLD_SECRET)])


def test_each_secret_in_force_is_taken() -> None:
    for secret in (SECRET, OLD_SECRET):
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


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_mutation_of_a_good_webhook_is_taken(data: st.DataObject) -> None:
    body, signature = BODY, signed(BODY)
    what = data.draw(st.sampled_from(["body", "cut", "signature", "time", "scheme", "secret"]))
    if what == "body":
        at = data.draw(st.integers(0, len(body) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda b: b != body[at]))
        body = body[:at] + bytes([byte]) + body[at + 1 :]
    elif what == "cut":
        body = body[: data.draw(st.integers(0, len(body) - 1))]
    elif what == "signature":
        signature = signature[:-1] + data.draw(
            st.text(max_size=4).filter(lambda text: text != signature[-1])
        )
    elif what == "time":
        moment, made = signature.split(",")
        shift = data.draw(st.integers(-(2**40), 2**40).filter(bool))
        signature = f"t={int(moment[2:]) + shift},{made}"
    elif what == "scheme":
        signature = signature.replace("v1=", data.draw(st.sampled_from(["v0=", "v2=", "v1", ""])))
    else:
        signature = signed(body, data.draw(st.text(max_size=20).filter(lambda s: s not in KNOWN)))
    with pytest.raises(NotSigned):
        READER.read(body, signature)


KNOWN = (SECRET, OLD_SECRET)


async def test_what_is_not_signed_changes_nothing(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "coat")
    body = an_event("checkout.session.completed", payment["payment_id"], "evt_forged")
    for signature in ("", "t=1,v1=00", signed(body, "wrong"), signed(body, at=time.time() - 400)):
        answer = await till.deliver(body, signature)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
    kept = await till.api.ops.get("/v1/webhooks/stripe/events/evt_forged")
    assert kept.status_code == 404


async def test_a_signed_word_of_a_payment_that_was_not_made_delivers_nothing(till: Till) -> None:
    """The provider is asked: what an event claims is of no matter."""
    world = await till.buyer()
    payment = await till.ordered(world, "coat")
    await till.tell("checkout.session.completed", payment)
    await till.tell("payment_intent.succeeded", payment)
    await till.pay(payment)
    await till.tell("checkout.session.completed", payment)
    await till.until(payment["payment_id"], "fulfilled")
    assert (await till.kinds(world)).count("payment.fulfilled") == 1


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


async def test_ops_can_have_an_event_handled_again(till: Till) -> None:
    world = await till.buyer()
    payment = await till.ordered(world, "coat")
    await till.tell("checkout.session.completed", payment, "evt_early")
    await till.pay(payment)
    again = "/v1/webhooks/stripe/events/evt_early/resend"
    assert (await till.api.game.post(again)).status_code == 403
    assert (await till.api.ops.post(again)).status_code == 200
    await till.until(payment["payment_id"], "fulfilled")


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b"7", json.dumps({"id": "x"}).encode()])
async def test_what_is_signed_and_no_event_is_refused(till: Till, body: bytes) -> None:
    answer = await till.deliver(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
