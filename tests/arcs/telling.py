"""Stands in for the models that tell an arc's beats: one line, or no model that could."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from loreloom.activities.arc import of_arc
from loreloom.activities.signatures.arc import TellingOwn, TellingSteps, Writing
from loreloom.domain.arc import ToldBy
from loreloom.state import arc_steps
from loreloom.state.arc_steps import Words
from loreloom.state.store import Store

WRITTEN = "It was the talk of the quay by noon."


class GivenTelling(TellingSteps):
    """Tells one line for every brief; unless it ``writes``, the models' part of it fails."""

    def __init__(self, store: Store, *, writes: bool = True) -> None:
        self._store = store
        self._writes = writes

    @activity.defn(name="arc_write")
    async def write(self, step: Writing) -> None:
        if not self._writes:
            raise ApplicationError("no model is there", non_retryable=True)
        await self._tell(step, WRITTEN, ToldBy.GENERATED)

    @activity.defn(name="arc_tell_own")
    async def tell_own(self, step: TellingOwn) -> None:
        await self._tell(step, step.beat.text, ToldBy.TEMPLATE)

    async def _tell(self, step: Writing, text: str, source: ToldBy) -> None:
        await arc_steps.tell(self._store, of_arc(step), Words(text=text, source=source))
