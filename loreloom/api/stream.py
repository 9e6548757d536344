"""The chronicle as it happens: one poller a process, each reader at its own pace.

The poller looks for the heads of all watched worlds in one query and reads what is new once into
a short memory. A reader takes from that memory, or from Postgres if it is too far behind, always
by its own cursor: so nothing is missed or doubled, and a slow reader holds up nobody.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.metrics import Metrics
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.chronicle import ABOUT_MONEY, Entry, heads, read
from loreloom.state.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")

REMEMBERED = 1000
BATCH = 200
RETRY_SECONDS = 5
TROUBLE_WAIT_SECONDS = 1.0
CLOSING_SECONDS = 2.0


Seat = Callable[[], None]
"""Gives back the room that one stream took."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries a reader wants; a ``kind`` ending in a dot is a prefix.

    Without ``money``, it gets none that tell of what somebody bought.
    """

    player_id: PlayerId | None = None
    kind: str | None = None
    money: bool = True

    def takes(self, entry: Entry) -> bool:
        """Whether the entry is wanted."""
        if self.player_id is not None and entry.player_id != self.player_id:
            return False
        if not self.money and entry.kind.startswith(ABOUT_MONEY):
            return False
        if self.kind is None:
            return True
        return entry.kind.startswith(self.kind) if self.kind[-1] == "." else entry.kind == self.kind


@dataclass(slots=True)
class Watched:
    """A world that somebody reads. ``recent`` ends with the entry ``head``, without gaps."""

    head: int
    readers: int = 0
    recent: deque[Entry] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, entries: list[Entry]) -> None:
        """Remember what is new and wake the readers."""
        self.recent.extend(entries)
        self.head = entries[-1].id
        self.news.set()
        self.news = asyncio.Event()

    def after(self, cursor: int) -> list[Entry] | None:
        """The next few entries after a cursor; ``None`` if they are no longer remembered."""
        behind = self.head - cursor
        if behind > len(self.recent):
            return None
        start = len(self.recent) - behind
        return list(islice(self.recent, start, start + BATCH))


async def with_beats(items: AsyncGenerator[T], seconds: float) -> AsyncGenerator[T | None]:
    """The items, and ``None`` whenever none has come for so long."""
    coming: asyncio.Future[T] = asyncio.ensure_future(anext(items))
    try:
        while True:
            await asyncio.wait((coming,), timeout=seconds)
            if not coming.done():
                yield None
                continue
            try:
                item = coming.result()
            except StopAsyncIteration:
                return
            coming = asyncio.ensure_future(anext(items))
            yield item
    finally:
        coming.cancel()
        await asyncio.wait((coming,))


class Feed:
    """All streams of this process. ``run`` must be running while there are readers."""

    def __init__(self, store: Store, metrics: Metrics, seconds: float, most: int) -> None:
        self._store = store
        self._metrics = metrics
        self._seconds = seconds
        self._most = most
        self._open = 0
        self._worlds: dict[WorldId, Watched] = {}
        self._closed = False

    async def run(self) -> None:
        """Look for news until cancelled. While Postgres is away, nothing is new."""
        while True:
            try:
                await self._poll()
                await asyncio.sleep(self._seconds)
            except Exception as error:
                # Readers keep their cursors, so that they miss nothing by waiting.
                log.warning("the chronicle cannot be read: %s", type(error).__name__)
                await asyncio.sleep(TROUBLE_WAIT_SECONDS)

    def close(self) -> None:
        """End every stream, for a process that stops; their readers come back elsewhere."""
        self._closed = True
        for world in self._worlds.values():
            world.news.set()

    def seat(self) -> Seat:
        """Room for one stream. Raises ``ApiError`` if this process holds as many as it may.

        It is taken before anything is waited for, so that a burst finds no more room than there is.
        """
        if self._open >= self._most:
            raise ApiError(
                ErrorCode.TOO_MANY_STREAMS,
                f"{self._open} streams are open",
                retry_after=RETRY_SECONDS,
            )
        self._count(1)
        return partial(self._count, -1)

    def _count(self, change: int) -> None:
        self._open += change
        self._metrics.streams.set(self._open)

    async def entries(self, world_id: WorldId, after: int, wanted: Wanted) -> AsyncGenerator[Entry]:
        """Every wanted entry after a cursor, once and in order, and then those that happen.

        Ends when the feed is closed.
        """
        async with self._watching(world_id) as world:
            cursor = after
            while not self._closed:
                news, head = world.news, world.head
                if cursor >= head:
                    await news.wait()
                    continue
                remembered = world.after(cursor)
                if remembered is not None:
                    cursor = remembered[-1].id
                    found = [entry for entry in remembered if wanted.takes(entry)]
                else:
                    found = await self._read(world_id, cursor, wanted)
                    # All up to the head were committed before this read, so a batch that is not
                    # full has seen them all.
                    cursor = found[-1].id if len(found) == BATCH else max(head, cursor)
                for entry in found:
                    yield entry
                    cursor = max(cursor, entry.id)

    async def _read(self, world_id: WorldId, after: int, wanted: Wanted) -> list[Entry]:
        return await read(
            self._store,
            world_id,
            after=after,
            limit=BATCH,
            player_id=wanted.player_id,
            kind=wanted.kind,
            money=wanted.money,
        )

    @asynccontextmanager
    async def _watching(self, world_id: WorldId) -> AsyncIterator[Watched]:
        if world_id not in self._worlds:
            found = await heads(self._store, [world_id])
            self._worlds.setdefault(world_id, Watched(head=found.get(world_id, 0)))
        world = self._worlds[world_id]
        world.readers += 1
        try:
            yield world
        finally:
            world.readers -= 1
            if not world.readers:
                del self._worlds[world_id]

    async def _poll(self) -> None:
        if not self._worlds:
            return
        for world_id, head in (await heads(self._store, list(self._worlds))).items():
            world = self._worlds.get(world_id)
            while world is not None and world.head < head:
                entries = await read(self._store, world_id, after=world.head, limit=BATCH)
                if not entries:
                    break
                world.add(entries)


class SeatedStream(EventSourceResponse):
    """A stream that gives its seat back when it ends, however it ends."""

    def __init__(self, seat: Seat, events: AsyncIterator[ServerSentEvent], **options: Any) -> None:
        super().__init__(events, **options)
        self._give_back = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._give_back()
