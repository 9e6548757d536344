"""Replaying: a workflow is reset to a point of its history and goes on from there.

Nothing that was written is written again: each writing step has its key of workflow id and step.
docs/decisions/0006 says what a replay does and what it does not.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.ops.failing import fault_of
from loreloom.api.ops.steps import (
    START,
    Step,
    history_of,
    is_of_another_run,
    marker_failure,
    points_in,
    steps_in,
)
from loreloom.api.ops.stories import BAD, Stories
from loreloom.api.schemas.ops import (
    MAX_AT_ONCE,
    Outcome,
    ReplayAnswer,
    ReplayAnswers,
    ReplayView,
    StoryQuery,
    StoryState,
    StoryView,
)
from loreloom.api.temporal import outages
from loreloom.domain.ids import ArcId
from loreloom.state import replays
from loreloom.state.replays import AskedReplay, KeptReplay
from loreloom.state.settlements import settled_among
from loreloom.state.store import Store

AT_ONCE = 8
FAILURE = "failure"
MOST_AGAIN = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of each story: from where, why, and by whom."""

    from_point: str
    reason: str
    by: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a run is reset to, and what is done again then."""

    story: StoryView
    event_id: int
    told: str
    again: tuple[str, ...]
    acts: int


class Replays:
    """Plans and makes replays, one or many at a time."""

    def __init__(self, client: Client, store: Store, stories: Stories) -> None:
        self._client = client
        self._store = store
        self._stories = stories
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def plan(self, workflow_id: str, from_point: str) -> Plan:
        """What a replay would do. Raises ``ApiError`` if there is nothing to replay."""
        story = await self._stories.find(workflow_id)
        if story.state is StoryState.SETTLED:
            raise _settled(workflow_id)
        if from_point == FAILURE and story.state not in BAD:
            raise ApiError(ErrorCode.NOTHING_FAILED, f"{workflow_id} is {story.state}")
        events = (await history_of(self._client, story)).events
        return _plan(story, events, await self._point(story, events, from_point))

    async def replay(
        self, workflow_id: str, wish: Wish, replay_id: str, batch_id: str | None = None
    ) -> ReplayAnswer:
        """Replay one workflow, or say what that would do. Raises ``ApiError`` if it cannot be."""
        before = None if wish.dry_run else await replays.find(self._store, replay_id)
        if before is not None:
            return await self._resumed(before)
        plan = await self.plan(workflow_id, wish.from_point)
        if wish.dry_run:
            return _answer(plan, wish, Outcome.WOULD_REPLAY, None)
        asked = AskedReplay(
            replay_id=replay_id,
            batch_id=batch_id,
            workflow_id=workflow_id,
            run_id=plan.story.run_id,
            from_point=wish.from_point,
            event_id=plan.event_id,
            told=plan.told,
            reason=wish.reason,
            by=wish.by,
        )
        kept = await replays.keep(self._store, asked)
        made = kept if kept.new_run_id else await self._make(kept)
        if kept.replay_id != replay_id:
            said = f"{workflow_id} was replayed by {kept.by}, from {kept.from_point}"
            raise ApiError(ErrorCode.MOVED_ON, said)
        return _answer(plan, wish, Outcome.REPLAYED, made)

    async def replay_many(
        self, workflow_ids: Sequence[str], wish: Wish, batch_id: str
    ) -> list[ReplayAnswer]:
        """Replay each; what cannot be replayed is answered with the reason."""
        asked = (
            self._told(each, wish, self.replay(each, wish, f"{batch_id}_{number}", batch_id))
            for number, each in enumerate(dict.fromkeys(workflow_ids))
        )
        return list(await asyncio.gather(*asked))

    async def replay_found(self, query: StoryQuery, wish: Wish, batch_id: str) -> ReplayAnswers:
        """Replay what a query finds, a hundred at most.

        A batch that is resumed is answered with what it replayed before, too.
        """
        begun = await replays.of_batch(self._store, batch_id)
        before = await asyncio.gather(
            *(self._told(kept.workflow_id, wish, self._resumed(kept)) for kept in begun)
        )
        found, whole = await self._found(query, MAX_AT_ONCE + 1 - len(before))
        room = max(0, MAX_AT_ONCE - len(before))
        # Numbers of its own, so that none meets one of an earlier run of this batch.
        part = f"{batch_id}_{secrets.token_hex(3)}" if before else batch_id
        made = await self.replay_many([s.workflow_id for s in found[:room]], wish, part)
        return answers([*before, *made], more=len(found) > room or not whole)

    async def _found(self, query: StoryQuery, most: int) -> tuple[list[StoryView], bool]:
        """What is to be replayed; whether all was looked at."""
        found: list[StoryView] = []
        whole = True
        for state in _states(query):
            if len(found) >= most:
                return found, False
            asked = query.model_copy(update={"state": state})
            more, _, all_of_it = await self._stories.every(asked, most - len(found))
            found += more
            whole = whole and all_of_it
        return found, whole

    async def _told(
        self, workflow_id: str, wish: Wish, made: Awaitable[ReplayAnswer]
    ) -> ReplayAnswer:
        """The answer in its turn, be it a refusal."""
        async with self._slots:
            try:
                return await made
            except ApiError as error:
                return ReplayAnswer(
                    workflow_id=workflow_id,
                    outcome=Outcome.REFUSED,
                    from_=wish.from_point,
                    code=error.code,
                    detail=error.detail,
                )

    async def _resumed(self, kept: KeptReplay) -> ReplayAnswer:
        """What came of a replay that was asked for before; one that was not made yet is made."""
        return _made(kept if kept.new_run_id else await self._make(kept))

    async def _make(self, kept: KeptReplay) -> KeptReplay:
        if kept.workflow_id.startswith("arc/"):
            await replays.revive_arc(self._store, ArcId(kept.workflow_id.removeprefix("arc/")))
        request = ResetWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=kept.workflow_id, run_id=kept.run_id),
            reason=f"{kept.by}: {kept.reason}",
            workflow_task_finish_event_id=kept.event_id,
            # The same replay asked for again is the same reset to Temporal.
            request_id=kept.replay_id,
        )
        with outages():
            try:
                answer = await self._client.workflow_service.reset_workflow_execution(request)
            except RPCError as error:
                if error.status not in (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.NOT_FOUND):
                    raise
                await replays.forget(self._store, kept.replay_id)
                raise ApiError(ErrorCode.MOVED_ON, error.message) from error
        made = await replays.mark_made(self._store, kept.replay_id, answer.run_id)
        if await settled_among(self._store, [kept.workflow_id]):
            # Ops ended the quest after the replay was planned: nobody may play on what it began.
            await self._terminate(kept.workflow_id, answer.run_id)
            raise _settled(kept.workflow_id)
        return made

    async def _terminate(self, workflow_id: str, run_id: str) -> None:
        with outages():
            try:
                handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
                await handle.terminate(reason="ops ended the quest")
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def _point(
        self, story: StoryView, events: Sequence[HistoryEvent], from_point: str
    ) -> int:
        """The event to reset to. Raises ``ApiError`` if there is none."""
        points = points_in(events)
        if not points:
            raise ApiError(ErrorCode.NOTHING_FAILED, "it has not begun: no worker has taken it")
        if from_point == START:
            return points[0]
        if from_point == FAILURE:
            return await self._failing_point(story, events) or points[-1]
        found = [step for step in steps_in(events, story.run_id) if step.name == from_point]
        if not found and is_of_another_run(from_point, story.run_id):
            detail = f"{from_point} lies in another run of {story.workflow_id} than the present one"
            raise ApiError(ErrorCode.MOVED_ON, detail)
        if not found:
            raise ApiError(ErrorCode.UNKNOWN_STEP, f"there is no step {from_point}")
        return found[0].event_id

    async def _failing_point(self, story: StoryView, events: Sequence[HistoryEvent]) -> int | None:
        """The task by which the failing step was begun."""
        if story.state is StoryState.STUCK:
            return await self._stuck_point(story, events)
        last = events[-1]
        if not last.HasField("workflow_execution_failed_event_attributes"):
            return None
        fault = fault_of(last.workflow_execution_failed_event_attributes.failure)
        if fault.scheduled_event_id:
            return _task_of(events[fault.scheduled_event_id - 1])
        markers = [event for event in events if marker_failure(event)]
        return _task_of(markers[-1]) if markers else None

    async def _stuck_point(self, story: StoryView, events: Sequence[HistoryEvent]) -> int | None:
        with outages():
            handle = self._client.get_workflow_handle(story.workflow_id, run_id=story.run_id)
            described = (await handle.describe()).raw_description
        pending = {activity.activity_id for activity in described.pending_activities}
        for event in events:
            if event.activity_task_scheduled_event_attributes.activity_id in pending:
                return _task_of(event)
        return None


def answers(made: Sequence[ReplayAnswer], *, more: bool) -> ReplayAnswers:
    """The answers for many, with their sums."""
    return ReplayAnswers(
        items=tuple(made),
        replayed=sum(each.outcome is Outcome.REPLAYED for each in made),
        refused=sum(each.outcome is Outcome.REFUSED for each in made),
        more=more,
    )


def replay_view(kept: KeptReplay) -> ReplayView:
    """A replay as it is shown."""
    return ReplayView(
        replay_id=kept.replay_id,
        workflow_id=kept.workflow_id,
        run_id=kept.run_id,
        new_run_id=kept.new_run_id,
        from_=kept.from_point,
        told=kept.told,
        reason=kept.reason,
        by=kept.by,
        at=kept.at,
    )


def _settled(workflow_id: str) -> ApiError:
    return ApiError(ErrorCode.SETTLED, f"ops ended {workflow_id}, with its compensation")


def _states(query: StoryQuery) -> tuple[StoryState, ...]:
    """The states that a query finds what is wrong in. What somebody terminated is among it only
    if its cause is named, since it may have been meant."""
    if query.state is not None:
        return (query.state,)
    meant = () if query.cause is None else (StoryState.TERMINATED,)
    return (StoryState.FAILED, StoryState.TIMED_OUT, *meant, StoryState.STUCK)


def _plan(story: StoryView, events: Sequence[HistoryEvent], event_id: int) -> Plan:
    after: list[Step] = [
        step for step in steps_in(events, story.run_id) if step.event_id >= event_id
    ]
    return Plan(
        story=story,
        event_id=event_id,
        told=after[0].told if after else "Go on with the story",
        again=tuple(step.told for step in after[:MOST_AGAIN]),
        acts=sum(step.acts for step in after),
    )


def _task_of(event: HistoryEvent) -> int:
    """The task that a history's event was decided by."""
    if event.HasField("marker_recorded_event_attributes"):
        return event.marker_recorded_event_attributes.workflow_task_completed_event_id
    return event.activity_task_scheduled_event_attributes.workflow_task_completed_event_id


def _answer(plan: Plan, wish: Wish, outcome: Outcome, kept: KeptReplay | None) -> ReplayAnswer:
    return ReplayAnswer(
        workflow_id=plan.story.workflow_id,
        outcome=outcome,
        from_=wish.from_point,
        told=plan.told,
        again=plan.again,
        acts=plan.acts,
        replay=None if kept is None else replay_view(kept),
    )


def _made(kept: KeptReplay) -> ReplayAnswer:
    return ReplayAnswer(
        workflow_id=kept.workflow_id,
        outcome=Outcome.REPLAYED,
        from_=kept.from_point,
        told=kept.told,
        replay=replay_view(kept),
    )
