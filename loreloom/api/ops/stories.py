"""What runs and what failed: workflows as Temporal lists them, with what is wrong in each."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import HistoryEventFilterType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryRequest,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import (
    Client,
)
from temporalio.client import (
    WorkflowExecution as Execution,
)
from temporalio.client import WorkflowExecutionStatus as Status
from temporalio.service import RPCError, RPCStatusCode

from loreloom.api.cursors import from_cursor, to_cursor
from loreloom.api.errors import ApiError, ErrorCode, invalid
from loreloom.api.ops.failing import closed_failing, stuck_failing, told_by
from loreloom.api.ops.words import kind_of, type_of
from loreloom.api.schemas.ops import FailingView, StoryList, StoryQuery, StoryState, StoryView
from loreloom.api.temporal import outages
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.workflows import attributes
from loreloom.workflows.roles import Role, queue_of

AT_ONCE = 16
LOOKED_AT = 400
"""At most so many workflows are looked at for one page, where most may not be what is asked for."""
REMEMBERED = 20_000
NEWEST_EVENTS = 100
"""What is tried again and again is looked for among so many of the newest events."""

STATES = {
    Status.RUNNING: StoryState.RUNNING,
    Status.COMPLETED: StoryState.COMPLETED,
    Status.FAILED: StoryState.FAILED,
    Status.TIMED_OUT: StoryState.TIMED_OUT,
    Status.TERMINATED: StoryState.TERMINATED,
    Status.CANCELED: StoryState.CANCELED,
}
NAMES = {
    StoryState.RUNNING: "Running",
    StoryState.STUCK: "Running",
    StoryState.COMPLETED: "Completed",
    StoryState.FAILED: "Failed",
    StoryState.TIMED_OUT: "TimedOut",
    StoryState.TERMINATED: "Terminated",
    StoryState.CANCELED: "Canceled",
}
CURRENT = (StoryState.RUNNING, StoryState.FAILED, StoryState.TIMED_OUT, StoryState.TERMINATED)
"""What a list holds that names no state: all but what ended well or was superseded."""
BAD = frozenset({StoryState.FAILED, StoryState.TIMED_OUT, StoryState.TERMINATED, StoryState.STUCK})


class Stories:
    """Reads workflows of one engine: those whose tasks lie on its story queue."""

    def __init__(self, client: Client, queue_prefix: str) -> None:
        self._client = client
        self._queue = queue_of(Role.STORY, queue_prefix)
        self._slots = asyncio.Semaphore(AT_ONCE)
        # What closed runs failed by never changes.
        self._failings: dict[str, FailingView | None] = {}

    async def page(self, query: StoryQuery, limit: int, after: str | None) -> StoryList:
        """A page of what the query asks for, newest first.

        May be shorter than ``limit`` though others follow, where most of what was looked at is not
        what is asked for. Raises ``ApiError`` if Temporal is away.
        """
        token = _token(after)
        found: list[StoryView] = []
        looked = 0
        while len(found) < limit and looked < LOOKED_AT:
            executions, token = await self._listed(_clauses(query), limit - len(found), token)
            looked += len(executions)
            found += [story async for story in self._told(executions) if _fits(story, query)]
            if token is None:
                break
        return StoryList(items=tuple(found), next=_cursor(token))

    async def every(self, query: StoryQuery, most: int) -> tuple[list[StoryView], bool]:
        """What the query asks for among the newest ``most`` workflows; whether that was all."""
        token: bytes | None = None
        found: list[StoryView] = []
        looked = 0
        while looked < most:
            executions, token = await self._listed(_clauses(query), min(200, most - looked), token)
            looked += len(executions)
            found += [story async for story in self._told(executions) if _fits(story, query)]
            if token is None:
                return found, True
        return found, False

    async def find(self, workflow_id: str) -> StoryView:
        """The workflow's present run. Raises ``ApiError`` if there is no such workflow."""
        with outages():
            try:
                described = await self._client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
                    raise _unknown(workflow_id) from error
                raise
        if described.task_queue != self._queue:
            raise _unknown(workflow_id)
        return await self._story(described)

    async def runs(self, story: StoryView, most: int) -> tuple[list[StoryView], bool]:
        """The runs of a story's workflow, the present one first; whether there are others.

        Raises ``ApiError`` if Temporal is away.
        """
        clauses = f"WorkflowId = {_quoted(story.workflow_id)}"
        executions, token = await self._listed(clauses, most, None)
        # The list lags behind a little, and may not have the present run yet.
        earlier = [each for each in executions if each.run_id != story.run_id]
        told = [story, *[await self._story(each) for each in earlier[: most - 1]]]
        return told, token is not None or len(earlier) >= most

    async def _listed(
        self, clauses: str, size: int, token: bytes | None
    ) -> tuple[list[Execution], bytes | None]:
        """One page of Temporal's list, and where the next begins."""
        query = f"TaskQueue = '{self._queue}' AND {clauses}"
        with outages():
            try:
                listing = self._client.list_workflows(query, page_size=size, next_page_token=token)
                await listing.fetch_next_page()
            except RPCError as error:
                if error.status is RPCStatusCode.INVALID_ARGUMENT and token is not None:
                    raise invalid("after", "this is no cursor of this list") from error
                raise
        return list(listing.current_page or ()), listing.next_page_token or None

    async def _told(self, executions: Sequence[Execution]) -> AsyncIterator[StoryView]:
        """The executions as stories, without runs that a replay has superseded."""
        superseded = await self._superseded(executions)
        present = [each for each in executions if each.run_id not in superseded]
        for story in await asyncio.gather(*(self._story(each) for each in present)):
            yield story

    async def _superseded(self, executions: Iterable[Execution]) -> set[str]:
        """The runs among them that have a newer run of the same workflow."""
        closed = [each for each in executions if each.status is not Status.RUNNING]
        if not closed:
            return set()
        ids = ", ".join(_quoted(each.id) for each in closed)
        newest: dict[str, tuple[datetime, str]] = {}
        with outages():
            async for run in self._client.list_workflows(f"WorkflowId IN ({ids})", page_size=1000):
                known = newest.get(run.id)
                if known is None or known[0] < run.start_time:
                    newest[run.id] = (run.start_time, run.run_id)
        return {
            each.run_id
            for each in closed
            if newest.get(each.id, ("", each.run_id))[1] != each.run_id
        }

    async def _story(self, execution: Execution) -> StoryView:
        kind = kind_of(execution.workflow_type)
        state = STATES.get(execution.status or Status.RUNNING, StoryState.COMPLETED)
        failing = None
        if state is StoryState.RUNNING:
            failing = await self._stuck(kind, execution)
            state = StoryState.STUCK if failing else state
        elif state in BAD:
            failing = await self._closed(kind, execution)
        found = execution.typed_search_attributes
        world, player = found.get(attributes.WORLD), found.get(attributes.PLAYER)
        return StoryView(
            workflow_id=execution.id,
            run_id=execution.run_id,
            kind=kind,
            state=state,
            story_state=found.get(attributes.STATE),
            world_id=WorldId(world) if world else None,
            player_id=PlayerId(player) if player else None,
            started_at=execution.start_time,
            closed_at=execution.close_time,
            events=execution.history_length,
            failing=failing,
        )

    async def _stuck(self, kind: str, execution: Execution) -> FailingView | None:
        async with self._slots:
            with outages():
                handle = self._client.get_workflow_handle(execution.id, run_id=execution.run_id)
                described = await handle.describe()
        failing = stuck_failing(kind, described.raw_description, datetime.now(UTC))
        if failing is None:
            return None
        return told_by(kind, failing, await self._newest_events(execution))

    async def _newest_events(self, execution: Execution) -> Sequence[HistoryEvent]:
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=execution.id, run_id=execution.run_id),
            maximum_page_size=NEWEST_EVENTS,
        )
        service = self._client.workflow_service
        async with self._slots:
            with outages():
                answer = await service.get_workflow_execution_history_reverse(request)
        return answer.history.events

    async def _closed(self, kind: str, execution: Execution) -> FailingView | None:
        if execution.run_id not in self._failings:
            if len(self._failings) >= REMEMBERED:
                self._failings.clear()
            self._failings[execution.run_id] = await self._read_close(kind, execution)
        return self._failings[execution.run_id]

    async def _read_close(self, kind: str, execution: Execution) -> FailingView | None:
        request = GetWorkflowExecutionHistoryRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=execution.id, run_id=execution.run_id),
            history_event_filter_type=HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
        )
        async with self._slots:
            with outages():
                answer = await self._client.workflow_service.get_workflow_execution_history(request)
        events = answer.history.events
        return closed_failing(kind, events[-1]) if events else None


def _fits(story: StoryView, query: StoryQuery) -> bool:
    if query.state is not None and story.state is not query.state:
        return False
    return query.cause is None or (story.failing is not None and story.failing.cause == query.cause)


def _clauses(query: StoryQuery) -> str:
    """The query as Temporal's own; what Temporal does not know is looked for afterwards."""
    states = CURRENT if query.state is None else (query.state,)
    wanted = ", ".join(f"'{NAMES[state]}'" for state in states)
    clauses = [f"ExecutionStatus IN ({wanted})"]
    if query.kind is not None:
        clauses.append(f"WorkflowType = '{type_of(query.kind)}'")
    if query.world_id is not None:
        clauses.append(f"{attributes.WORLD.name} = {_quoted(query.world_id)}")
    if query.player_id is not None:
        clauses.append(f"{attributes.PLAYER.name} = {_quoted(query.player_id)}")
    return " AND ".join(clauses)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _cursor(token: bytes | None) -> str | None:
    return to_cursor("stories", None if token is None else base64.b64encode(token).decode())


def _token(after: str | None) -> bytes | None:
    text = from_cursor("stories", after)
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except ValueError:
        raise invalid("after", "this is no cursor of this list") from None


def _unknown(workflow_id: str) -> ApiError:
    return ApiError(ErrorCode.UNKNOWN_WORKFLOW, f"there is no workflow {workflow_id}")
