"""Purchases while every part is killed in turn, and the provider's words come late or never."""

import asyncio
import random
import secrets
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from loreloom.state.ledger import balances
from loreloom.state.store import Store
from loreloom.workers.client import ApiClient
from loreloom.workers.ports import free_port
from loreloom.workers.stack import PartName, Stack
from tests.chaos.players import Caller
from tests.payments.conftest import SECRET
from tests.payments.shoppers import Json, Market, kill_in_turn
from tests.support.servers import settings_for_tests

SEED = 4
ENGINE = (PartName.POSTGRES, PartName.TEMPORAL, PartName.WORKER, PartName.API)
PRICES = {"coin-300": (299, 300), "coin-1200": (999, 1200), "season-pass": (1199, 0)}


@dataclass(frozen=True)
class Run:
    """How much is bought under which kills."""

    purchases: int
    expiry_seconds: int
    late_seconds: float
    plan: Sequence[PartName]
    answers_between: int


def _all_twice() -> list[PartName]:
    chance = random.Random(SEED)
    turns = [[*ENGINE, PartName.STRIPE] for _ in range(2)]
    for turn in turns:
        chance.shuffle(turn)
    return [name for turn in turns for name in turn]


SMALL = Run(20, 12, 3, (PartName.STRIPE, PartName.WORKER), 25)
LARGE = Run(500, 150, 60, _all_twice(), 120)


@pytest.mark.timeout(150)
async def test_twenty_purchases_survive_a_worker_and_a_provider(
    database_url: str, temporal_address: str, temporal_namespace: str
) -> None:
    await _survives(
        SMALL,
        database_url=database_url,
        temporal_address=temporal_address,
        temporal_namespace=temporal_namespace,
        task_queue_prefix=f"test-{secrets.token_hex(6)}",
    )


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_five_hundred_purchases_survive_everything() -> None:
    await _survives(LARGE)


async def _survives(run: Run, **servers: str) -> None:
    async with _market(run, **servers) as (market, engine, stacks):
        killing = asyncio.create_task(
            kill_in_turn(stacks, run.plan, market.caller, run.answers_between)
        )
        ended = await market.shop(run.purchases)
        assert killing.done(), "every part was killed while purchases were under way"
        killed = await killing
        states = Counter(payment["state"] for payment in ended)
        print(f"\n{dict(states)} with {market.caller.repeated} calls repeated, killed {killed}")
        _assert_paid_is_delivered(engine, market, ended)
        await _assert_the_books_balance(engine, market, ended)


def _assert_paid_is_delivered(engine: Stack, market: Market, ended: list[Json]) -> None:
    assert len({payment["payment_id"] for payment in ended}) == len(ended)
    fulfilled = {p["payment_id"] for p in ended if p["state"] == "fulfilled"}
    assert market.paid >= fulfilled, "nothing is delivered that nobody paid"
    assert engine.keys is not None
    with ApiClient(engine.settings.api_url, engine.keys.ops) as api:
        report = api.post("/v1/payments/reconcile")
        # What the provider took is what was delivered: else it is a difference of the two.
        assert (report["found"], report["theirs"]) == (0, len(fulfilled)), report
        coin = sum(PRICES[p["item"]][1] for p in ended if p["state"] == "fulfilled")
        player = api.get(f"/v1/worlds/{market.world_id}/players/player")
        assert player["coin"] == coin
        passes = [p["payment_id"] for p in ended if p["item"] == "season-pass"]
        held = [each["payment_id"] for each in player["entitlements"]]
        assert sorted(held) == sorted(fulfilled & set(passes))
        entries = list(api.pages(f"/v1/worlds/{market.world_id}/chronicle", limit=200))
    told = Counter(e["data"]["payment_id"] for e in entries if e["kind"] == "payment.fulfilled")
    assert told == dict.fromkeys(fulfilled, 1)


async def _assert_the_books_balance(engine: Stack, market: Market, ended: list[Json]) -> None:
    store = Store(engine.settings.required_database_url())
    held = await balances(store)
    await store.close()
    sums: Counter[str] = Counter()
    for balance in held:
        sums[balance.currency] += balance.amount
    assert not any(sums.values())
    taken = sum(PRICES[p["item"]][0] for p in ended if p["state"] == "fulfilled")
    assert {b.amount for b in held if b.account == "provider"} == {taken}


@asynccontextmanager
async def _market(
    run: Run, **servers: str
) -> AsyncIterator[tuple[Market, Stack, dict[PartName, Stack]]]:
    with ExitStack() as opened:
        # A stand-in of its own sends no webhooks: what is told, and how often, the test decides.
        home = Path(tempfile.mkdtemp(prefix="loreloom-shop-"))
        standin = opened.enter_context(
            Stack(settings_for_tests(home / "provider"), parts=[PartName.STRIPE])
        )
        settings = settings_for_tests(
            home / "engine",
            loreloom_port=free_port(),
            stripe_api_base=standin.settings.stripe_api_base,
            stripe_api_key=standin.settings.stripe_api_key,
            stripe_webhook_secrets=(SecretStr(SECRET),),
            payment_expiry_seconds=run.expiry_seconds,
            **servers,
        )
        engine = opened.enter_context(Stack(settings, parts=ENGINE))
        assert engine.keys is not None
        with ApiClient(engine.settings.api_url, engine.keys.ops) as api:
            world_id = api.post("/v1/worlds", {"name": "Shop", "regions": []})["world_id"]
            body = {"player_id": "player", "name": "Player"}
            api.post(f"/v1/worlds/{world_id}/players", body)
        headers = {"Authorization": f"Bearer {engine.keys.ops}"}
        base = engine.settings.api_url
        async with (
            httpx.AsyncClient(base_url=base, headers=headers, timeout=15) as http,
            httpx.AsyncClient(timeout=15) as provider,
        ):
            market = Market(Caller(http), provider, world_id, SECRET, run.late_seconds, SEED)
            stacks = dict.fromkeys(ENGINE, engine) | {PartName.STRIPE: standin}
            yield market, engine, stacks
