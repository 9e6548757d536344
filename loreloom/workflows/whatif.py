"""Asking "what if": texts asked for again with something otherwise, where no player sees them."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.whatif import (
        Compared,
        TextOfSet,
        WhatIfRef,
        WhatIfSteps,
    )
    from loreloom.domain.ids import GenerationId
    from loreloom.workflows.roles import Role, sibling_queue
    from loreloom.workflows.signatures import WHATIF, WHATIF_SET, SetProgress

ASK_TIME = timedelta(minutes=3)
PICK_TIME = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=10)
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=2)
AT_ONCE = 2
"""Of a set: so many that players' own texts still find free places at a tier."""
LAST = Priority(priority_key=5)
"""Where a queue has a backlog, whatever a player waits for goes first."""


@workflow.defn(name=WHATIF)
class WhatIfWorkflow:
    """One text, asked for again."""

    @workflow.run
    async def run(self, whatif: WhatIfRef) -> None:
        """Ask, and have kept what comes this time."""
        await workflow.execute_activity_method(
            WhatIfSteps.ask,
            whatif,
            task_queue=_tier_queue(),
            start_to_close_timeout=ASK_TIME,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RETRY,
            priority=LAST,
            summary="Ask for the text again",
        )


@workflow.defn(name=WHATIF_SET)
class WhatIfSetWorkflow:
    """Many texts, each asked for again with the same thing otherwise."""

    @workflow.init
    def __init__(self, whatif: WhatIfRef) -> None:
        self._whatif_id = whatif.whatif_id
        self._picked: int | None = None
        self._compared: list[Compared] = []
        self._lost: list[GenerationId] = []
        self._places = asyncio.Semaphore(AT_ONCE)

    @workflow.run
    async def run(self, whatif: WhatIfRef) -> SetProgress:
        """Every text of the set, then and now."""
        picked = await workflow.execute_activity_method(
            WhatIfSteps.pick,
            whatif,
            start_to_close_timeout=PICK_TIME,
            retry_policy=RETRY,
            summary="Find the texts",
        )
        self._picked = len(picked)
        await asyncio.gather(*map(self._compare, picked))
        return self.progress()

    @workflow.query
    def progress(self) -> SetProgress:
        """How far it is."""
        return SetProgress(
            picked=self._picked, compared=tuple(self._compared), lost=tuple(self._lost)
        )

    async def _compare(self, generation_id: GenerationId) -> None:
        text = TextOfSet(whatif_id=self._whatif_id, generation_id=generation_id)
        async with self._places:
            try:
                compared = await workflow.execute_activity_method(
                    WhatIfSteps.compare,
                    text,
                    task_queue=_tier_queue(),
                    start_to_close_timeout=ASK_TIME,
                    heartbeat_timeout=HEARTBEAT,
                    retry_policy=RETRY,
                    priority=LAST,
                    summary="Ask for a text again and count",
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                self._lost.append(generation_id)
            else:
                self._compared.append(compared)


def _tier_queue() -> str:
    return sibling_queue(workflow.info().task_queue, Role.SILVER)
