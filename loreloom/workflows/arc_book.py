"""What an arc writes down and looks up, each as one local activity.

Local, because they are short and frequent: none costs the server a task of its own.
"""

from datetime import timedelta
from typing import TypedDict

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.arc import (
        ArcRef,
        ArcSteps,
        Asked,
        Asking,
        Changing,
        Choosing,
        Chosen,
        Closing,
        Entered,
        Entering,
        Looking,
        Moving,
        Opening,
        Seen,
        Stopping,
        Tally,
        Telling,
    )
    from loreloom.domain import arc_wait
    from loreloom.domain.arc import ArcDefinition, Beat, ChangeBeat, EndBeat, GoalBeat, QuestBeat
    from loreloom.domain.arc_walk import ArcProgress, ArcState, Way
    from loreloom.workflows.signatures import ChooseAct

WRITE_TIME = timedelta(seconds=5)
WRITE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=5)
)


class _Limits(TypedDict):
    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


LIMITS = _Limits(start_to_close_timeout=WRITE_TIME, retry_policy=WRITE_RETRY)


class ArcBook:
    """The steps of one arc, each at its entry's number and at the workflow's own time."""

    def __init__(self, arc: ArcRef) -> None:
        self._arc = arc

    async def enter(self, definition: ArcDefinition, seq: int, way: Way) -> Entered:
        """Enter a beat; answered with what was written the first time."""
        beat = definition.beats[way.to]
        end = beat if isinstance(beat, EndBeat) else None
        step = Entering(
            arc=self._arc,
            seq=seq,
            beat=way.to,
            kind=beat.kind,
            digest=definition.digest,
            reason=way.reason,
            at=workflow.now(),
            outcome=end.outcome if end else None,
            text=end.text if end else None,
        )
        return await workflow.execute_local_activity_method(ArcSteps.enter, step, **LIMITS)

    async def look(self, beat: Beat, progress: ArcProgress) -> Seen:
        """See what is so, as far as the present beat asks."""
        quest = arc_wait.awaited_quest(beat, progress)
        where = Looking(
            arc=self._arc,
            asked=arc_wait.asked_conditions(beat, progress),
            awaited=arc_wait.awaited_conditions(beat, progress),
            quest_id=quest.quest_id if quest is not None and quest.outcome is None else None,
            at=workflow.now(),
        )
        return await workflow.execute_local_activity_method(ArcSteps.look, where, **LIMITS)

    async def ask_quest(self, seq: int, beat: QuestBeat) -> Asked:
        """Keep the request for a quest."""
        step = Asking(arc=self._arc, seq=seq, at=workflow.now(), beat=beat)
        return await workflow.execute_local_activity_method(ArcSteps.ask_quest, step, **LIMITS)

    async def change(self, seq: int, title: str, beat: ChangeBeat) -> None:
        """Change the world; ``title`` is the arc's."""
        step = Changing(arc=self._arc, seq=seq, at=workflow.now(), title=title, change=beat)
        await workflow.execute_local_activity_method(ArcSteps.change, step, **LIMITS)

    async def tell(self, seq: int, text: str) -> None:
        """Tell a text."""
        step = Telling(arc=self._arc, seq=seq, at=workflow.now(), text=text)
        await workflow.execute_local_activity_method(ArcSteps.tell, step, **LIMITS)

    async def open_goal(self, seq: int, beat: GoalBeat) -> Tally:
        """Open a goal, or see where it stands."""
        step = Opening(arc=self._arc, seq=seq, at=workflow.now(), goal=beat)
        return await workflow.execute_local_activity_method(ArcSteps.open_goal, step, **LIMITS)

    async def close_goal(self, seq: int, goal: str) -> Tally:
        """Close a goal."""
        step = Closing(arc=self._arc, seq=seq, at=workflow.now(), goal=goal)
        return await workflow.execute_local_activity_method(ArcSteps.close_goal, step, **LIMITS)

    async def choose(self, seq: int, act: ChooseAct) -> Chosen:
        """Write a choice down."""
        step = Choosing(
            arc=self._arc,
            seq=seq,
            at=workflow.now(),
            action_id=act.action_id,
            choice_id=act.choice_id,
        )
        return await workflow.execute_local_activity_method(ArcSteps.choose, step, **LIMITS)

    async def move(self, seq: int, definition: ArcDefinition) -> None:
        """Give the arc another definition."""
        step = Moving(arc=self._arc, seq=seq, at=workflow.now(), definition=definition)
        await workflow.execute_local_activity_method(ArcSteps.move, step, **LIMITS)

    async def stop(self, seq: int, state: ArcState, reason: str | None) -> None:
        """Write down that the arc stops without an end."""
        step = Stopping(arc=self._arc, seq=seq, at=workflow.now(), state=state, reason=reason)
        await workflow.execute_local_activity_method(ArcSteps.stop, step, **LIMITS)
