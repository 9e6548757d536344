"""One address of a model server: its free places, and whether it is well.

The circuit is our own for one reason: the libraries for it (purgatory, aiobreaker, pybreaker) find
out by a caller's own request whether a server is well again, so a server that hangs makes that
caller wait, and with some of them every caller of that moment. Here a probe finds out, and no
caller waits for it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from loreloom.generation.tiers import Bounds

Probe = Callable[[], Awaitable[bool]]


class Signal:
    """Wakes all who wait for something to have changed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Wake those who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return at the next ``tell``, or after that many seconds."""
        event = self._event
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


class Endpoint:
    """The places and the health of one address. Not shared between event loops.

    ``recoveries`` counts how often it was well again after a failure.
    """

    def __init__(
        self, url: str, at_once: int, reading_at_once: int, bounds: Bounds, signal: Signal
    ) -> None:
        self.url = url
        self._at_once = at_once
        self._bounds = bounds
        self._signal = signal
        self._busy = 0
        self._reading = asyncio.Semaphore(min(reading_at_once, at_once))
        self._prober: asyncio.Task[None] | None = None
        self._failed_at = 0.0
        self.recoveries = 0

    @property
    def well(self) -> bool:
        """Whether the last call, or the probe since, was answered."""
        return self._prober is None

    @property
    def hopeful(self) -> bool:
        """Whether it is worth waiting for: well, or failed only a moment ago."""
        return self.well or time.monotonic() - self._failed_at < self._bounds.hope_s

    @property
    def free(self) -> int:
        """How many more calls it takes now; 0 while it is not well."""
        return self._at_once - self._busy if self.well else 0

    def take(self) -> None:
        """Take a place; only while one is ``free``."""
        self._busy += 1

    def leave(self) -> None:
        """Give a place back and wake those who wait for one."""
        self._busy -= 1
        self._signal.tell()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Callable[[], None]]:
        """Wait to be among the calls whose prompt the server reads now.

        Gives the function that lets the next one in, to be called at the first token; what was
        not called by the end is done then.
        """
        await self._reading.acquire()
        held = True

        def let_next() -> None:
            nonlocal held
            if held:
                held = False
                self._reading.release()

        try:
            yield let_next
        finally:
            let_next()

    def failed(self, probe: Probe) -> None:
        """Take the address out of use until a probe is answered."""
        if self._prober is None:
            self._failed_at = time.monotonic()
            self._prober = asyncio.create_task(self._until_well(probe))
            self._signal.tell()

    async def close(self) -> None:
        """Stop probing."""
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)

    async def _until_well(self, probe: Probe) -> None:
        wait = self._bounds.probe_first_s
        await asyncio.sleep(wait)
        while not await probe():
            wait = min(wait * 2, self._bounds.probe_most_s)
            await asyncio.sleep(wait)
        self._prober = None
        self.recoveries += 1
        self._signal.tell()
