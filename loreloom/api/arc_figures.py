"""How many arcs there are and what they have come to, as metrics: read when somebody asks."""

import asyncio
import logging
import time

from loreloom.api.metrics import Metrics
from loreloom.domain.arc_walk import ArcState
from loreloom.state.arcs import tally_arcs
from loreloom.state.store import Store

log = logging.getLogger(__name__)

AGE_SECONDS = 5.0
"""How old a count may be, so that many who ask cost Postgres no more than one."""
PATIENCE_SECONDS = 1.0


class ArcFigures:
    """Brings the metrics of arcs up to date from Postgres, which knows those of every process."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self._counted_at = float("-inf")

    async def refresh(self) -> None:
        """Count anew, unless that was done a moment ago; without Postgres the last count stands."""
        if time.monotonic() - self._counted_at < AGE_SECONDS:
            return
        self._counted_at = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await tally_arcs(self._store)
        except Exception as error:
            # Whoever asks for metrics wants the others all the more when a part is away.
            log.warning("the arcs cannot be counted: %s", type(error).__name__)
            return
        for state in ArcState:
            self._metrics.arcs.labels(state.value).set(found.states.get(state, 0))
        for kind, entered in found.beats.items():
            self._metrics.arc_beats.labels(kind).set(entered)
