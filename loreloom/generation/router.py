"""Which server a request goes to, and when to go on to the next."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from openai import AsyncOpenAI

from loreloom.generation.calls import Call, Reply, ask, probe
from loreloom.generation.endpoints import Endpoint, Signal
from loreloom.generation.records import AttemptRecord
from loreloom.generation.tiers import PREFERENCE, Bounds, Purpose, Tier, TierName


@dataclass(frozen=True, slots=True)
class Only:
    """The one tier that is asked, and the name that its model is asked by; ``None`` as ever."""

    tier: TierName | None = None
    model: str | None = None


AS_EVER = Only()


@dataclass(frozen=True, slots=True)
class Request:
    """A call for a purpose. ``total_s`` bounds it over all tiers and all waiting."""

    purpose: Purpose
    call: Call
    total_s: float
    only: Only = AS_EVER

    @property
    def order(self) -> tuple[TierName, ...]:
        """The tiers in the order in which they are asked."""
        return PREFERENCE[self.purpose] if self.only.tier is None else (self.only.tier,)


@dataclass(frozen=True, slots=True)
class Generated:
    """A whole answer; the last attempt is the one that gave it."""

    text: str
    attempts: tuple[AttemptRecord, ...]


@dataclass(frozen=True, slots=True)
class NoneAvailable:
    """No server gave a whole answer within the bounds."""

    attempts: tuple[AttemptRecord, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """One address as one tier uses it."""

    tier: Tier
    index: int
    endpoint: Endpoint
    client: AsyncOpenAI

    @property
    def key(self) -> tuple[TierName, int]:
        return (self.tier.name, self.index)


class Router:
    """Sends requests to tiers by purpose, health and free places.

    One for an event loop; use it as an async context manager, or call ``aclose``. Two tiers that
    share an address share its places and its health.
    """

    def __init__(self, tiers: Sequence[Tier], bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._signal = Signal()
        self._endpoints: dict[str, Endpoint] = {}
        self._clients: list[AsyncOpenAI] = []
        self._ways: dict[TierName, list[_Way]] = {}
        self._heard = 0.0
        for tier in tiers:
            self._ways[tier.name] = [self._way(tier, i) for i in range(len(tier.urls))]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop probing and close the connections."""
        for endpoint in self._endpoints.values():
            await endpoint.close()
        for client in self._clients:
            await client.close()

    def health(self) -> dict[TierName, tuple[bool, ...]]:
        """For each tier, whether each of its addresses is in use."""
        return {name: tuple(way.endpoint.well for way in ways) for name, ways in self._ways.items()}

    async def generate(self, request: Request) -> Generated | NoneAvailable:
        """Ask the tiers in the purpose's order until one gives a whole answer.

        Ends within ``request.total_s``; within ``Bounds.silence_s`` while every server is silent.
        """
        started = time.monotonic()
        end_by = started + request.total_s
        attempts: list[AttemptRecord] = []
        tried: dict[tuple[TierName, int], int] = {}
        while True:
            asked = time.monotonic()
            way = await self._free_way(request.order, tried, started, end_by)
            if way is None:
                return NoneAvailable(tuple(attempts))
            tried[way.key] = way.endpoint.recoveries
            asks = _as_asked(way, request.only)
            attempt = await self._attempt(asks, request.call, started, end_by, asked)
            if attempt is None:
                continue
            attempts.append(attempt[0])
            if attempt[0].accepted:
                return Generated(attempt[1].text, tuple(attempts))

    async def _free_way(
        self,
        order: Sequence[TierName],
        tried: Mapping[tuple[TierName, int], int],
        started: float,
        end_by: float,
    ) -> _Way | None:
        """A place at the best address that has one, taken.

        Waits while well ones are full, or one that failed a moment ago is probed. One that was
        tried is tried again only once it has recovered.
        """
        queue_by = min(end_by, time.monotonic() + self._bounds.queue_s)
        while True:
            ways = [
                way
                for way in self._in_order(order)
                if way.endpoint.recoveries > tried.get(way.key, -1)
                or (way.key in tried and not way.endpoint.well)
            ]
            free = next((way for way in ways if way.endpoint.free > 0), None)
            hopeful = any(way.endpoint.hopeful for way in ways)
            left = min(queue_by, self._silence_by(started)) - time.monotonic()
            if not hopeful or left <= 0:
                return None
            if free is not None:
                free.endpoint.take()
                return free
            await self._signal.wait(left)

    def _in_order(self, order: Sequence[TierName]) -> list[_Way]:
        return [
            way
            for name in order
            for way in sorted(self._ways.get(name, ()), key=lambda way: -way.endpoint.free)
        ]

    async def _attempt(
        self, way: _Way, call: Call, started: float, end_by: float, asked: float
    ) -> tuple[AttemptRecord, Reply] | None:
        """Use a place that was taken; nothing if the address failed before our turn came."""
        try:
            async with way.endpoint.reading() as let_next:
                if not way.endpoint.well:
                    return None
                sent = time.monotonic()
                if sent >= min(end_by, self._silence_by(started)):
                    return None
                moment = datetime.now(UTC)

                def on_token() -> None:
                    self._heard = time.monotonic()
                    let_next()

                reply = await ask(
                    way.client,
                    way.tier,
                    call,
                    answer_by=self._silence_by(started),
                    first_token_by=self._first_token_by(way.tier, started, sent),
                    end_by=end_by,
                    on_token=on_token,
                )
        finally:
            way.endpoint.leave()
        if reply.outcome.blames_server:
            way.endpoint.failed(lambda: probe(way.client, way.tier, way.tier.first_token_s))
        return _recorded(way, call, reply, moment, round((sent - asked) * 1000)), reply

    def _first_token_by(self, tier: Tier, started: float, sent: float) -> float:
        """A tier that is known to be slow is not taken for a silent one."""
        if tier.first_token_s > self._bounds.silence_s:
            return sent + tier.first_token_s
        return self._silence_by(started)

    def _silence_by(self, started: float) -> float:
        return max(started, self._heard) + self._bounds.silence_s

    def _way(self, tier: Tier, index: int) -> _Way:
        url = tier.urls[index]
        endpoint = self._endpoints.setdefault(
            url, Endpoint(url, tier.at_once, tier.reading_at_once, self._bounds, self._signal)
        )
        key = tier.api_key.get_secret_value() if tier.api_key is not None else "none"
        client = AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=tier.total_s)
        self._clients.append(client)
        return _Way(tier, index, endpoint, client)


def _as_asked(way: _Way, only: Only) -> _Way:
    """The way, with the tier's model by the name that is asked for."""
    if only.model is None:
        return way
    return replace(way, tier=way.tier.model_copy(update={"model": only.model}))


def _recorded(
    way: _Way, call: Call, reply: Reply, moment: datetime, queued_ms: int
) -> AttemptRecord:
    return AttemptRecord(
        tier=way.tier.name,
        url_index=way.index,
        model=way.tier.model,
        seed=call.sampling.seed,
        started_at=moment,
        queued_ms=queued_ms,
        first_token_ms=reply.first_token_ms,
        total_ms=reply.total_ms,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        outcome=reply.outcome,
        error=reply.error,
        text=reply.text or None,
    )
