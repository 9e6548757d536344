"""Telling arcs what others changed: totals, clocks, and the weather, facts and standing they await.

The truth lies in Postgres; a signal only says that it is worth a look. So one that is lost, or sent
twice, costs nothing but time, and a sweep sends what this process, or another, has not.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loreloom.activities.signatures.arc import Tally as ToldTally
from loreloom.domain.ids import ArcId, arc_workflow_id
from loreloom.state import arc_news, contributions
from loreloom.state.store import Store

log = logging.getLogger(__name__)

BATCH_SECONDS = 1.0
SWEEP_AGE = timedelta(seconds=3)
SWEEP_LIMIT = 100


class _Round:
    """A way through all arcs by their ids, a page at a time: whatever becomes of one page, the
    next one has its turn."""

    def __init__(self) -> None:
        self.after = ""

    def passed(self, page: Sequence[ArcId]) -> None:
        """Go on behind the page, or from the beginning after the last one."""
        self.after = page[-1] if len(page) == SWEEP_LIMIT else ""


class ArcTeller:
    """Tells each arc of its goals' totals at most once a second, and sweeps for what was missed."""

    def __init__(self, store: Store, client: Client, sweep_seconds: float) -> None:
        self._store = store
        self._client = client
        self._sweep_seconds = sweep_seconds
        self._waiting: dict[ArcId, asyncio.Task[None]] = {}
        self._totals, self._news = _Round(), _Round()

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
        """Tell what nobody told, to a page of arcs of each sort; returns to how many arcs."""
        told, page = (
            0,
            await contributions.untold(self._store, SWEEP_AGE, self._totals.after, SWEEP_LIMIT),
        )
        for tally in page:
            told += await self._tell(tally)
        self._totals.passed([tally.arc_id for tally in page])
        return told + await self._stir()

    async def _stir(self) -> int:
        """Let arcs look again whose world has news for them; returns how many were told."""
        told, page = 0, await arc_news.arcs_with_news(self._store, self._news.after, SWEEP_LIMIT)
        for news in page:
            if await self._signal(news.arc_id, "look_again"):
                await arc_news.mark_heard(self._store, news)
                told += 1
        self._news.passed([news.arc_id for news in page])
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
            for tally in await contributions.untold_of(self._store, arc_id):
                await self._tell(tally)
        except Exception as error:
            log.warning("%s waits for a sweep: %s", arc_id, type(error).__name__)

    async def _tell(self, tally: contributions.Tally) -> bool:
        said = ToldTally.model_validate(tally.model_dump(exclude={"arc_id"}))
        told = await self._signal(tally.arc_id, "contributed", said)
        if told:
            await contributions.mark_told(self._store, tally)
        return told

    async def _signal(self, arc_id: ArcId, name: str, *arguments: ToldTally) -> bool:
        """Whether the arc need not be told again: it has the signal, or its process is over."""
        handle = self._client.get_workflow_handle(arc_workflow_id(arc_id))
        try:
            await handle.signal(name, args=arguments)
        except RPCError as error:
            if error.status is RPCStatusCode.UNAVAILABLE:
                raise
            log.info("%s is not told: %s", arc_id, error.status.name)
            return error.status is RPCStatusCode.NOT_FOUND
        return True
