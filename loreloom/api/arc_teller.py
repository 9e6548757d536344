"""Telling arcs what others changed: totals that grew, and clocks that go otherwise than before.

The truth lies in Postgres; a signal only says that it is worth a look. So one that is lost, or sent
twice, costs nothing but time, and a sweep sends what this process, or another, has not.
"""

import asyncio
import logging
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loreloom.activities.signatures.arc import Tally as ToldTally
from loreloom.domain.ids import ArcId, arc_workflow_id
from loreloom.state import contributions
from loreloom.state.store import Store

log = logging.getLogger(__name__)

BATCH_SECONDS = 1.0
SWEEP_AGE = timedelta(seconds=3)
SWEEP_LIMIT = 100


class ArcTeller:
    """Tells each arc of its goals' totals at most once a second, and sweeps for what was missed."""

    def __init__(self, store: Store, client: Client, sweep_seconds: float) -> None:
        self._store = store
        self._client = client
        self._sweep_seconds = sweep_seconds
        self._waiting: dict[ArcId, asyncio.Task[None]] = {}

    def counted(self, arc_id: ArcId) -> None:
        """Players have pushed on a goal: its arc hears of it within a second."""
        if arc_id not in self._waiting:
            telling = asyncio.create_task(self._tell_soon(arc_id))
            self._waiting[arc_id] = telling

    async def run(self) -> None:
        """Sweep every few seconds until cancelled; what fails is tried again at the next sweep."""
        while True:
            try:
                await self.sweep()
            except Exception as error:
                log.warning("a sweep of the arcs failed: %s", type(error).__name__)
            await asyncio.sleep(self._sweep_seconds)

    async def sweep(self) -> int:
        """Tell what nobody told; returns to how many arcs."""
        told = await self._tell_totals(None, SWEEP_AGE)
        for arc_id in await contributions.arcs_to_stir(self._store, SWEEP_LIMIT):
            await self._signal(arc_id, "look_again")
            told += 1
        return told

    async def close(self) -> None:
        """Give up what is waiting; another sweep tells it."""
        for task in tuple(self._waiting.values()):
            task.cancel()
        await asyncio.gather(*self._waiting.values(), return_exceptions=True)

    async def _tell_soon(self, arc_id: ArcId) -> None:
        await asyncio.sleep(BATCH_SECONDS)
        # What is counted from here on begins a batch of its own.
        del self._waiting[arc_id]
        try:
            await self._tell_totals(arc_id, timedelta(0))
        except Exception as error:
            log.warning("%s waits for a sweep: %s", arc_id, type(error).__name__)

    async def _tell_totals(self, arc_id: ArcId | None, age: timedelta) -> int:
        found = await contributions.untold(self._store, arc_id, age, SWEEP_LIMIT)
        for tally in found:
            said = ToldTally.model_validate(tally.model_dump(exclude={"arc_id"}))
            await self._signal(tally.arc_id, "contributed", said)
            await contributions.mark_told(self._store, tally)
        return len(found)

    async def _signal(self, arc_id: ArcId, name: str, *arguments: ToldTally) -> None:
        handle = self._client.get_workflow_handle(arc_workflow_id(arc_id))
        try:
            await handle.signal(name, args=arguments)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            log.info("%s is over", arc_id)
