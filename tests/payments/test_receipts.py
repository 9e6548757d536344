"""A receipt as operators see it: at the command line, and on the console's page of a purchase."""

import json
import re

import httpx
import pytest

from loreloom.state.keys import Scope
from tests.console.signing_in import sign_in
from tests.payments.conftest import Till
from tests.support.commands import loreloom


async def test_the_command_line_shows_receipt_and_ledger(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORELOOM_PORT", till.api.url.rpartition(":")[2])
    monkeypatch.setenv("LORELOOM_KEY", till.api.secrets[Scope.OPS])
    world = await till.buyer()
    payment = await till.ordered(world, "coat", coupon="WREN")
    shown = await loreloom("payments", "show", payment["payment_id"])
    assert (shown.exit_code, "no receipt" in shown.output) == (0, True)

    await till.pay(payment)
    await till.tell("checkout.session.completed", payment)
    await till.until(payment["payment_id"], "fulfilled")
    shown = await loreloom("payments", "show", payment["payment_id"])
    assert "Coat: 5.99 USD, less 0.59 USD, is 5.40 USD" in shown.output
    assert re.search(r"sale +provider +5.40 USD", shown.output)
    asked = await loreloom("payments", "show", payment["payment_id"], "--json")
    assert json.loads(asked.output)["receipt"]["total"] == {"amount": 540, "currency": "USD"}
    assert (await loreloom("payments", "show", "payment_none")).exit_code == 1


async def test_the_consoles_page_of_a_purchase_shows_receipt_and_ledger(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat", coupon="WREN")
    path = f"/v1/payments/{payment['payment_id']}/receipt"
    number = (await till.api.ops.get(path)).json()["number"]
    page = f"/console/ops/payments/{payment['payment_id']}"
    async with httpx.AsyncClient(base_url=till.api.url) as client:
        await sign_in(client, till.api.secrets[Scope.OPS])
        shown = (await client.get(page)).text
        told = (await client.get(f"/console/worlds/{world}")).text
        player = (await client.get(f"/console/worlds/{world}/players/mara")).text
        workflow = (await client.get(f"/console/ops/workflows/{payment['workflow_id']}")).text
        found = await client.get("/console/find", params={"q": payment["workflow_id"]})
    async with httpx.AsyncClient(base_url=till.api.url) as client:
        await sign_in(client, till.api.secrets[Scope.DESIGNER])
        assert (await client.get(page)).status_code == 403
    for other in (told, player, workflow):
        assert page in other
    assert found.headers["location"] == page
    assert f"No. {number}," in shown
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))
    assert "Coat 5.99 0.59 5.40 USD" in words
    assert "WREN, for wren" in words
    assert re.search(r"provider 5.40 USD", words)
    assert re.search(r"creator/wren [-−]0.27 USD", words)
