"""Shoppers at a store whose parts are killed in turn, and a provider that is a bad messenger."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from loreloom.workers.embedded.stack import PartName, Stack
from tests.chaos.players import Caller
from tests.payments.conftest import an_event, signed

KINDS = ("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded")
PIN, COUPON = "founders-chair-pin", "FIRSTCROSSING"
"""Both are counted: of the one there are a hundred, the other counts a thousand times."""
ITEMS = ("coin-300", "coin-1200", "season-pass", PIN, "coin-300")
EACH_WITH_COUPON, EACH_PAID_BACK, EACH_UNPAID = 3, 4, 7
ENDED = {"fulfilled", "expired"}

Json = dict[str, Any]


@dataclass
class Market:
    """Where it is shopped: an engine, the stand-in, and how late its words may come."""

    caller: Caller
    provider: httpx.AsyncClient
    world_id: str
    secret: str
    late_seconds: float
    seed: int
    paid: set[str] = field(default_factory=set)
    later: list[asyncio.Task[None]] = field(default_factory=list)
    """What the provider says late, and what is paid back."""

    async def shop(self, purchases: int, at_once: int, trouble: asyncio.Task[Any]) -> list[Json]:
        """So many purchases from order to end, and more while there is trouble; as they ended."""
        waiting = itertools.takewhile(
            lambda number: number < purchases or not trouble.done(), itertools.count()
        )
        asked: list[str] = []

        async def shopper() -> None:
            for number in waiting:
                asked.append(await self._buy(number))  # noqa: PERF401

        await asyncio.gather(*(shopper() for _ in range(at_once)))
        await asyncio.gather(*self.later)
        return [await self._until(payment_id, {*ENDED, "refunded"}) for payment_id in asked]

    async def _buy(self, number: int) -> str:
        chance = random.Random(f"{self.seed}/{number}")
        item = ITEMS[number % len(ITEMS)]
        order = {
            "world_id": self.world_id,
            # Everybody can have one pin.
            "player_id": await self._collector(number) if item == PIN else "player",
            "item": item,
        }
        if number % EACH_WITH_COUPON == 0:
            order["coupon"] = COUPON
        key = {"Idempotency-Key": f"purchase-{number}"}
        made = await self.caller.call("POST", "/v1/payments", json=order, headers=key)
        assert made.status_code == 202, made.text
        payment = await self._until(made.json()["payment_id"], {"awaiting_payment", *ENDED})
        name: str = payment["payment_id"]
        never = number % EACH_UNPAID == 3
        if never or not await self._pay(payment["checkout"]["url"]):
            return name
        self.paid.add(name)
        events = [an_event(kind, name) for kind in KINDS]
        for _ in range(chance.randint(0, 5)):
            word = self._tell(chance.choice(events), chance.uniform(0, self.late_seconds))
            self.later.append(asyncio.create_task(word))
        if number % EACH_PAID_BACK == 0:
            self.later.append(asyncio.create_task(self._pay_back(name)))
        return name

    async def _collector(self, number: int) -> str:
        body = {"player_id": f"collector-{number}", "name": "Collector"}
        made = await self.caller.call("POST", f"/v1/worlds/{self.world_id}/players", json=body)
        # It was made before the answer was cut off.
        assert made.status_code in (201, 409), made.text
        return body["player_id"]

    async def _pay_back(self, name: str) -> None:
        """All of it, if it was delivered at all."""
        if (await self._until(name, ENDED))["state"] == "fulfilled":
            key = {"Idempotency-Key": f"refund-{name}"}
            path = f"/v1/payments/{name}/refund"
            asked = await self.caller.call("POST", path, json={}, headers=key)
            assert asked.status_code == 202, asked.text
            await self._until(name, {"refunded"})

    async def _pay(self, url: str) -> bool:
        """Whether the provider took it; a call that was cut off is made again."""
        for attempt in itertools.count():
            try:
                answer = await self.provider.post(url)
            except httpx.TransportError:
                assert attempt < 300
                await asyncio.sleep(0.2)
                continue
            # Not open any more: it was paid before the answer was cut off, or it expired.
            return answer.status_code == 200 or attempt > 0
        raise AssertionError("unreachable")

    async def _tell(self, event: bytes, seconds: float) -> None:
        """Say it once, late. Whether anybody hears it is of no matter."""
        await asyncio.sleep(seconds)
        headers = {"Stripe-Signature": signed(event, self.secret)}
        try:
            await self.caller.http.post("/v1/webhooks/stripe", content=event, headers=headers)
        except httpx.TransportError:
            return

    async def _until(self, payment_id: str, states: set[str], seconds: float = 240) -> Json:
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            found: Json = (await self.caller.call("GET", f"/v1/payments/{payment_id}")).json()
            if found["state"] in states:
                return found
            assert asyncio.get_running_loop().time() < deadline, found
            await asyncio.sleep(0.3)


async def kill_in_turn(
    stacks: dict[PartName, Stack], plan: Sequence[PartName], caller: Caller, every: int
) -> list[PartName]:
    """Kill and restart one part after so many answers each; those that were killed."""
    for number, name in enumerate(plan, start=1):
        await caller.answers_reach(number * every)
        await asyncio.to_thread(stacks[name].kill, name)
        await asyncio.to_thread(stacks[name].restart, name)
    return list(plan)
