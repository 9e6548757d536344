"""The embedded stack sells: its own stand-in signs and sends, and no secret shows anywhere."""

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
from typer.testing import CliRunner

from loreloom.workers.cli import app
from loreloom.workers.client import ApiClient
from loreloom.workers.demo_purchase import buy
from loreloom.workers.ports import free_port
from loreloom.workers.stack import PartName, Stack
from tests.support.servers import settings_for_tests


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


def test_a_purchase_on_the_embedded_stack(selling: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
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
        assert "entitled to season-pass until" in told
        assert re.search(r"sale\s+provider\s+1199 USD", told)
        assert re.search(r"sale\s+sales\s+-1199 USD", told)

    monkeypatch.setenv("LORELOOM_HOME", str(settings.loreloom_home))
    monkeypatch.setenv("LORELOOM_PORT", str(settings.loreloom_port))
    answer = CliRunner().invoke(app, ["payments", "reconcile"])
    assert (answer.exit_code, answer.output) == (
        0,
        "0 differences between 4 purchases and 4 payments at the provider\n",
    )
    _assert_silent(selling)


def _assert_silent(selling: Stack) -> None:
    settings = selling.settings
    hidden = [secret.get_secret_value() for secret in settings.stripe_webhook_secrets]
    assert settings.stripe_api_key is not None
    hidden.append(settings.stripe_api_key.get_secret_value())
    assert len(hidden) == 2
    shown = repr(settings) + "".join(log.read_text() for log in settings.logs.glob("*.log"))
    assert [secret for secret in hidden if secret in shown] == []


def _ordered(api: ApiClient, world: str, item: str) -> dict[str, Any]:
    body = {"player_id": "mara", "world_id": world, "item": item}
    return _until(api, api.post("/v1/payments", body), "awaiting_payment")


def _until(api: ApiClient, payment: dict[str, Any], state: str) -> dict[str, Any]:
    path = f"/v1/payments/{payment['payment_id']}"
    return api.wait(path, lambda found: found["state"] == state, state, seconds=45)
