"""Shoppers at a store whose parts are killed in turn, and a provider that is a bad messenger."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from loreloom.workers.stack import PartName, Stack
from tests.chaos.players import Caller
from tests.payments.conftest import an_event, signed

KINDS = ("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded")
ITEMS = ("coin-300", "coin-300", "coin-1200", "season-pass")
AT_ONCE = 12
NEVER_PAYS = 0.2
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
    words: list[asyncio.Task[None]] = field(default_factory=list)

    async def shop(self, purchases: int) -> list[Json]:
        """So many purchases from order to end; each as it ended."""
        waiting = iter(range(purchases))
        asked: list[str] = []

        async def shopper() -> None:
            for number in waiting:
                asked.append(await self._buy(number))  # noqa: PERF401

        await asyncio.gather(*(shopper() for _ in range(AT_ONCE)))
        await asyncio.gather(*self.words)
        return [await self._until(payment_id, ENDED) for payment_id in asked]

    async def _buy(self, number: int) -> str:
        chance = random.Random(f"{self.seed}/{number}")
        order = {
            "world_id": self.world_id,
            "player_id": "player",
            "item": chance.choice(ITEMS),
        }
        key = {"Idempotency-Key": f"purchase-{number}"}
        made = await self.caller.call("POST", "/v1/payments", json=order, headers=key)
        assert made.status_code == 202, made.text
        payment = await self._until(made.json()["payment_id"], {"awaiting_payment", *ENDED})
        name: str = payment["payment_id"]
        if chance.random() < NEVER_PAYS or not await self._pay(payment["checkout"]["url"]):
            return name
        self.paid.add(name)
        events = [an_event(kind, name) for kind in KINDS]
        for _ in range(chance.randint(0, 5)):
            word = self._tell(chance.choice(events), chance.uniform(0, self.late_seconds))
            self.words.append(asyncio.create_task(word))
        return name

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
