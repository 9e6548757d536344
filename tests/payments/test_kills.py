"""Purchases while every part is killed in turn, and the provider's words come late or never."""

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from loreloom.domain.ids import WorldId
from loreloom.state.ledger import balances
from loreloom.state.payments import stock_taken
from loreloom.state.store import Store
from loreloom.state.tables.payments import CouponUse
from loreloom.workers.client import ApiClient
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import PartName, Stack
from tests.chaos.players import Caller
from tests.payments.conftest import SECRET
from tests.payments.shoppers import COUPON, PIN, Json, Market, kill_in_turn
from tests.support.servers import settings_for_tests

SEED = 4
ENGINE = (PartName.POSTGRES, PartName.TEMPORAL, PartName.WORKER, PartName.API)
COIN = {"coin-300": 300, "coin-1200": 1200}
PRICES = {"coin-300": 299, "coin-1200": 999, "season-pass": 1199, PIN: 1499}
COUPON_PERCENT = 20


@dataclass(frozen=True)
class Run:
    """How much is bought under which kills."""

    purchases: int
    at_once: int
    expiry_seconds: int
    late_seconds: float
    plan: Sequence[PartName]
    answers_between: int


def _shuffled(times: int) -> list[PartName]:
    chance = random.Random(SEED)
    turns = [[*ENGINE, PartName.STRIPE] for _ in range(times)]
    for turn in turns:
        chance.shuffle(turn)
    return [name for turn in turns for name in turn]


# A step that was cut off is tried again half a minute later: what cuts off most goes first.
ONCE = (PartName.TEMPORAL, PartName.WORKER, PartName.POSTGRES, PartName.API, PartName.STRIPE)
SMALL = Run(12, 5, 8, 3, ONCE, 15)
LARGE = Run(500, 12, 150, 60, _shuffled(2), 120)


@pytest.mark.timeout(150)
async def test_purchases_survive_everything() -> None:
    await _survives(SMALL)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_five_hundred_purchases_survive_everything() -> None:
    await _survives(LARGE)


async def _survives(run: Run) -> None:
    async with _market(run) as (market, engine, stacks):
        killing = asyncio.create_task(
            kill_in_turn(stacks, run.plan, market.caller, run.answers_between)
        )
        ended = await market.shop(run.purchases, run.at_once, killing)
        killed = await killing
        assert set(killed) == {*ENGINE, PartName.STRIPE}
        states = Counter(payment["state"] for payment in ended)
        print(f"\n{dict(states)} with {market.caller.repeated} calls repeated, killed {killed}")
        assert states.keys() == {"fulfilled", "refunded", "expired"}
        assert {payment["item"] for payment in ended} == PRICES.keys()
        _assert_paid_is_delivered(engine, market, ended)
        await _assert_the_books_balance(engine, market, ended)


def _assert_paid_is_delivered(engine: Stack, market: Market, ended: list[Json]) -> None:
    assert len({payment["payment_id"] for payment in ended}) == len(ended)
    kept = [payment for payment in ended if payment["state"] == "fulfilled"]
    back = {payment["payment_id"] for payment in ended if payment["state"] == "refunded"}
    delivered = back | {payment["payment_id"] for payment in kept}
    assert market.paid >= delivered, "nothing is delivered that nobody paid"
    assert engine.keys is not None
    with ApiClient(engine.settings.api_url, engine.keys.ops) as api:
        report = api.post("/v1/payments/reconcile")
        # What the provider took is what was delivered: else it is a difference of the two.
        assert (report["found"], report["theirs"]) == (0, len(delivered)), report
        player = api.get(f"/v1/worlds/{market.world_id}/players/player")
        assert player["coin"] == sum(COIN.get(payment["item"], 0) for payment in kept)
        players = {payment["player_id"] for payment in ended}
        paths = [f"/v1/worlds/{market.world_id}/players/{each}" for each in sorted(players)]
        held = [has["payment_id"] for path in paths for has in api.get(path)["entitlements"]]
        assert sorted(held) == sorted(p["payment_id"] for p in kept if p["item"] not in COIN)
        entries = list(api.pages(f"/v1/worlds/{market.world_id}/chronicle", limit=200))
    for kind, those in (("payment.fulfilled", delivered), ("payment.refunded", back)):
        told = Counter(e["data"]["payment_id"] for e in entries if e["kind"] == kind)
        assert told == dict.fromkeys(those, 1)


async def _assert_the_books_balance(engine: Stack, market: Market, ended: list[Json]) -> None:
    store = Store(engine.settings.required_database_url())
    held, pins = await balances(store), await stock_taken(store, WorldId(market.world_id))
    async with store.reading() as connection:
        redeemed = (await connection.execute(select(CouponUse.taken))).scalar_one()
    await store.close()
    sums: Counter[str] = Counter()
    for balance in held:
        sums[balance.currency] += balance.amount
    assert not any(sums.values())
    kept = [payment for payment in ended if payment["state"] == "fulfilled"]
    assert {b.amount for b in held if b.account == "provider"} == {sum(map(_price, kept))}
    assert pins[PIN] == sum(payment["item"] == PIN for payment in kept)
    delivered = [payment for payment in ended if payment["state"] != "expired"]
    # What is paid back is for sale again; the coupon that it was bought with stays redeemed.
    assert redeemed == sum(payment["coupon"] == COUPON for payment in delivered)


def _price(payment: Json) -> int:
    price = PRICES[payment["item"]]
    return price - (price * COUPON_PERCENT // 100 if payment["coupon"] else 0)


@asynccontextmanager
async def _market(run: Run) -> AsyncIterator[tuple[Market, Stack, dict[PartName, Stack]]]:
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
