"""What the process does on the side: late starts and events, keys that have had their day."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loreloom.api.events import Events
from loreloom.api.launch import Launcher
from loreloom.api.metrics import Metrics
from loreloom.state.idempotency import expire
from loreloom.state.store import Store

log = logging.getLogger(__name__)

KEY_AGE = timedelta(hours=24)
SWEEPS_BETWEEN_EXPIRIES = 200


@dataclass(slots=True)
class Sweeps:
    """When this process swept last, and when a sweep failed last, by which error."""

    done_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None

    def done(self) -> None:
        """A sweep was done now."""
        self.done_at = datetime.now(UTC)

    def failed(self, error: Exception) -> None:
        """A sweep failed now."""
        self.failed_at, self.failure = datetime.now(UTC), type(error).__name__


async def sweep_forever(
    store: Store,
    launcher: Launcher,
    events: Events,
    metrics: Metrics,
    sweeps: Sweeps,
    seconds: float,
) -> None:
    """Sweep every few seconds until cancelled; a sweep that fails is tried again at the next."""
    count = 0
    while True:
        try:
            await launcher.sweep()
            await events.sweep()
            if count % SWEEPS_BETWEEN_EXPIRIES == 0:
                await expire(store, KEY_AGE)
            count += 1
            sweeps.done()
            metrics.sweeps.labels("done").inc()
        except Exception as error:
            # Whatever part is away now may be back at the next sweep, which does all of it again.
            log.warning("a sweep failed: %s", type(error).__name__)
            sweeps.failed(error)
            metrics.sweeps.labels("failed").inc()
        await asyncio.sleep(seconds)
