"""What the process does on the side: late starts and events, keys that have had their day."""

import asyncio
import logging
from datetime import timedelta

from loreloom.api.events import Events
from loreloom.api.launch import Launcher
from loreloom.api.metrics import Metrics
from loreloom.state.idempotency import expire
from loreloom.state.store import Store

log = logging.getLogger(__name__)

KEY_AGE = timedelta(hours=24)
SWEEPS_BETWEEN_EXPIRIES = 200


async def sweep_forever(
    store: Store, launcher: Launcher, events: Events, metrics: Metrics, seconds: float
) -> None:
    """Sweep every few seconds until cancelled; a sweep that fails is tried again at the next."""
    sweeps = 0
    while True:
        try:
            await launcher.sweep()
            await events.sweep()
            if sweeps % SWEEPS_BETWEEN_EXPIRIES == 0:
                await expire(store, KEY_AGE)
            sweeps += 1
            metrics.sweeps.labels("done").inc()
        except Exception as error:
            # Whatever part is away now may be back at the next sweep, which does all of it again.
            log.warning("a sweep failed: %s", type(error).__name__)
            metrics.sweeps.labels("failed").inc()
        await asyncio.sleep(seconds)
