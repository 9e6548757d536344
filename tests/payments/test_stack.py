"""The embedded stack sells: its own stand-in signs and sends, and no secret or card shows."""

import asyncio
import re
import secrets
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from temporalio.client import Client
from typer.testing import CliRunner

from loreloom.state.store import Store
from loreloom.workers.cli import app
from loreloom.workers.client import ApiClient
from loreloom.workers.demo_purchase import buy
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import Settings
from loreloom.workflows.roles import Role, queue_of
from tests.histories.payments import BAD, GOOD
from tests.payments.conftest import an_event, signed
from tests.support.servers import settings_for_tests
from tests.support.whole_history import histories_with
from tests.support.whole_store import rows_with

FORGED, GUESSED = "whsec_of_a_forger", "a_key_that_was_guessed"


@pytest.fixture
def selling(
    database_url: str, temporal_address: str, temporal_namespace: str, tmp_path: Path
) -> Iterator[Stack]:
    settings = settings_for_tests(
        tmp_path / "home",
        database_url=database_url,
        temporal_address=temporal_address,
        temporal_namespace=temporal_namespace,
        task_queue_prefix=f"test-{secrets.token_hex(6)}",
        loreloom_port=free_port(),
    )
    parts = [PartName.STRIPE, PartName.WORKER, PartName.API]
    with Stack(settings, parts=parts) as stack:
        yield stack


async def test_a_purchase_on_the_embedded_stack(
    selling: Stack, monkeypatch: pytest.MonkeyPatch, temporal_client: Client
) -> None:
    await asyncio.to_thread(_bought, selling)
    monkeypatch.setenv("LORELOOM_HOME", str(selling.settings.loreloom_home))
    monkeypatch.setenv("LORELOOM_PORT", str(selling.settings.loreloom_port))
    answer = CliRunner().invoke(app, ["payments", "reconcile"])
    assert (answer.exit_code, answer.output) == (
        0,
        "0 differences between 4 purchases and 4 payments at the provider\n",
    )
    answers = await asyncio.to_thread(_refused, selling)
    await _assert_silent(selling, temporal_client, answers)


def _bought(selling: Stack) -> None:
    settings, keys = selling.settings, selling.keys
    assert keys is not None
    with ApiClient(settings.api_url, keys.ops) as api:
        world = api.post("/v1/worlds", {"name": "Shard"})["world_id"]
        api.post(f"/v1/worlds/{world}/players", {"player_id": "mara", "name": "Mara"})
        first, second = (_ordered(api, world, item) for item in ("coin-300", "grey-lamp-coat"))
        httpx.post(first["checkout"]["url"]).raise_for_status()
        began = time.monotonic()
        _until(api, first, "fulfilled")
        # Long before the workflow looks by itself: the stand-in's own webhook told it.
        assert time.monotonic() - began < 20

        # What is known outlives the stand-in.
        selling.kill(PartName.STRIPE)
        selling.restart(PartName.STRIPE)
        httpx.post(second["checkout"]["url"]).raise_for_status()
        _until(api, second, "fulfilled")
        assert api.get(f"/v1/worlds/{world}/players/mara")["coin"] == 300

        chapter = _ordered(api, world, "chapter-the-second-copy")
        httpx.post(chapter["checkout"]["url"]).raise_for_status()
        _until(api, chapter, "fulfilled")
        opened = api.get(f"/v1/worlds/{world}/arcs", player_id="mara")["items"]
        assert [arc["arc_id"] for arc in opened] == [f"arc_of_{chapter['payment_id']}"]
        api.wait(
            f"/v1/arcs/{opened[0]['arc_id']}", lambda arc: arc["beat"] is not None, "the first beat"
        )

        shown = Console(record=True, width=120, file=StringIO())
        buy(api, shown, world, "mara")
        told = shown.export_text()
        assert re.search(r"receipt \d+: 11\.99 USD", told)
        assert "entitled to season-pass until" in told
        assert re.search(r"sale\s+provider\s+11\.99 USD", told)
        assert re.search(r"sale\s+sales\s+-11\.99 USD", told)


def _refused(selling: Stack) -> str:
    """What is answered to a charge that fails, a forged webhook and two requests with secrets."""
    settings, keys = selling.settings, selling.keys
    assert keys is not None
    with ApiClient(settings.api_url, keys.ops) as api:
        world = api.post("/v1/worlds", {"name": "Shard"})["world_id"]
        api.post(f"/v1/worlds/{world}/players", {"player_id": "odo", "name": "Odo"})
        order = {"player_id": "odo", "world_id": world, "item": "coin-300"}
        payment = _until(api, api.post("/v1/payments", order), "awaiting_payment")
    assert httpx.post(payment["checkout"]["url"], json={"card": BAD}).status_code == 402
    card: dict[str, Any] = {"last_payment_error": {"payment_method": {"card": {"number": BAD}}}}
    told = an_event("payment_intent.payment_failed", payment["payment_id"], **card)
    (secret,) = settings.stripe_webhook_secrets
    with httpx.Client(base_url=settings.api_url) as http:
        webhook = "/v1/webhooks/stripe"
        answers = [
            http.post(webhook, content=told, headers=_signature(told, secret.get_secret_value())),
            http.post(webhook, content=told, headers=_signature(told, FORGED)),
            http.post("/v1/payments", json=order, headers={"Authorization": f"Bearer {GUESSED}"}),
            http.post(
                "/v1/payments",
                json={**order, "card": BAD},
                headers={"Authorization": f"Bearer {keys.game}"},
            ),
        ]
    assert [answer.status_code for answer in answers] == [200, 400, 401, 422]
    return payment["payment_id"] + "".join(answer.text for answer in answers)


def _signature(body: bytes, secret: str) -> dict[str, str]:
    return {"Stripe-Signature": signed(body, secret)}


async def _assert_silent(selling: Stack, temporal: Client, answers: str) -> None:
    settings, keys = selling.settings, selling.keys
    assert keys is not None
    assert settings.stripe_api_key is not None
    (secret,) = settings.stripe_webhook_secrets
    hidden = {
        "the provider's key": settings.stripe_api_key.get_secret_value(),
        "what it signs with": secret.get_secret_value(),
        "a card": BAD,
        "another card": GOOD,
        "a forger's secret": FORGED,
        "a guessed key": GUESSED,
        **keys.model_dump(),
    }
    shown = "".join(log.read_text() for log in settings.logs.glob("*.log"))
    shown += repr(settings) + str(settings.model_dump()) + answers
    for name, word in hidden.items():
        assert word not in shown, name
        assert await _kept(settings, temporal, word) == set(), name
    # The search itself finds what is there.
    a_payment = answers[: answers.index("{")]
    assert await _kept(settings, temporal, a_payment) > {"payments", f"payment/{a_payment}"}


async def _kept(settings: Settings, temporal: Client, word: str) -> set[str]:
    """The tables and the workflows that hold a word."""
    store = Store(settings.required_database_url(), pool_size=1)
    tables = await rows_with(store, word)
    await store.close()
    queue = queue_of(Role.STORY, settings.task_queue_prefix)
    return {*tables, *await histories_with(temporal, f"TaskQueue = '{queue}'", word)}


def _ordered(api: ApiClient, world: str, item: str) -> dict[str, Any]:
    body = {"player_id": "mara", "world_id": world, "item": item}
    return _until(api, api.post("/v1/payments", body), "awaiting_payment")


def _until(api: ApiClient, payment: dict[str, Any], state: str) -> dict[str, Any]:
    path = f"/v1/payments/{payment['payment_id']}"
    return api.wait(path, lambda found: found["state"] == state, state, seconds=45)
