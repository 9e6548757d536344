"""Faults inside activities: seeded ones before their transaction, after it or slow, and delays."""

import asyncio
import random
from collections import Counter
from enum import StrEnum
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)


class Fault(StrEnum):
    """What goes wrong with one attempt of an activity."""

    BEFORE = "before"
    AFTER = "after"
    SLOW = "slow"


class SeededFaults(Interceptor):
    """Lets a share of all attempts go wrong, the same ones for the same seed and order.

    ``slow_seconds`` is longer than the activity may take, so that its answer comes too late.
    """

    def __init__(self, seed: int, share: float, slow_seconds: float) -> None:
        self._chance = random.Random(seed)
        self._share = share
        self._slow_seconds = slow_seconds
        self.done: Counter[Fault] = Counter()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Faulty(next, self)

    def draw(self) -> Fault | None:
        """The fault of the next attempt, if it has one."""
        if self._chance.random() >= self._share:
            return None
        fault = self._chance.choices(list(Fault), weights=(10, 10, 1))[0]
        self.done[fault] += 1
        return fault

    async def dawdle(self) -> None:
        """Wait for longer than anybody waits for this activity."""
        await asyncio.sleep(self._slow_seconds)


class HeldBack(Interceptor):
    """Holds every attempt of one activity back until it is let go, or only each ``answer``."""

    def __init__(self, activity_type: str, *, answer: bool = False) -> None:
        self.activity_type = activity_type
        self.answer = answer
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Held(next, self)


class _Held(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, held: HeldBack) -> None:
        super().__init__(next)
        self._held = held

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if activity.info().activity_type != self._held.activity_type:
            return await self.next.execute_activity(input)
        if self._held.answer:
            answer = await self.next.execute_activity(input)
            await self._hold()
            return answer
        await self._hold()
        return await self.next.execute_activity(input)

    async def _hold(self) -> None:
        self._held.begun.set()
        await self._held.let_go.wait()


class _Faulty(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, faults: SeededFaults) -> None:
        super().__init__(next)
        self._faults = faults

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        fault = self._faults.draw()
        if fault is Fault.BEFORE:
            raise ConnectionError("seeded: before the transaction")
        answer = await self.next.execute_activity(input)
        if fault is Fault.AFTER:
            raise ConnectionError("seeded: after the transaction")
        if fault is Fault.SLOW:
            await self._faults.dawdle()
        return answer
