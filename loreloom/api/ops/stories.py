"""What runs and what failed: workflows as Temporal lists them, with what is wrong in each."""

import asyncio
import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import HistoryEventFilterType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryRequest,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.client import WorkflowExecution as Execution
from temporalio.client import WorkflowExecutionStatus as Status
from temporalio.service import RPCError, RPCStatusCode

from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import ApiError, ErrorCode, invalid
from loreloom.api.ops.failing import closed_failing, stuck_failing, told_by
from loreloom.api.ops.words import kind_of, type_of
from loreloom.api.schemas.ops import (
    FailingView,
    StoryKind,
    StoryList,
    StoryQuery,
    StoryState,
    StoryView,
)
from loreloom.api.temporal import outages
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.settlements import settled_among
from loreloom.state.store import Store
from loreloom.workflows import attributes
from loreloom.workflows.roles import Role, queue_of

AT_ONCE = 16
LOOKED_AT = 400
"""At most so many workflows are looked at for one page, where most may not be what is asked for."""
MOST_CLOSED = 5_000
"""At most so many that are closed are looked at for what is wrong, the newest."""
MOST_RUNNING = 100
"""At most so many that run are looked at of each kind, half of them the newest, half the oldest:
each has to be asked about by itself, and a clock that is as old as its world must be among them."""
LOOK_HOLDS = timedelta(seconds=5)
"""So long is a look at what is stuck good enough for whoever asks next."""
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
    StoryState.RUNNING: ("Running",),
    StoryState.STUCK: ("Running",),
    StoryState.COMPLETED: ("Completed",),
    StoryState.FAILED: ("Failed",),
    StoryState.TIMED_OUT: ("TimedOut",),
    StoryState.TERMINATED: ("Terminated",),
    StoryState.SETTLED: ("Failed", "TimedOut", "Terminated"),
    StoryState.CANCELED: ("Canceled",),
}
ENDED_BADLY = (StoryState.FAILED, StoryState.TIMED_OUT, StoryState.TERMINATED)
CURRENT = (StoryState.RUNNING, *ENDED_BADLY)
"""What a list holds that names no state: all but what ended well or was superseded."""
BAD = frozenset({*ENDED_BADLY, StoryState.STUCK})


@dataclass(frozen=True, slots=True)
class Look:
    """What is wrong in what was looked at, how much that was, whether it was all, and when."""

    wrong: tuple[StoryView, ...]
    looked_at: int
    complete: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page goes on: in which of its query's lists, and after what of it."""

    number: int
    token: bytes | None


class Stories:
    """Reads workflows of one engine: those whose tasks lie on its story queue."""

    def __init__(self, client: Client, store: Store, queue_prefix: str) -> None:
        self._client = client
        self._store = store
        self._queue = queue_of(Role.STORY, queue_prefix)
        self._of_engine = f"TaskQueue = '{self._queue}'"
        self._slots = asyncio.Semaphore(AT_ONCE)
        # What closed runs failed by never changes.
        self._failings: dict[str, FailingView | None] = {}
        self._looks: dict[StoryQuery, asyncio.Task[Look]] = {}
        # Few of what runs began before these moments, and never more than did when it was found.
        self._few_before: dict[tuple[str, int], datetime] = {}

    async def page(self, query: StoryQuery, limit: int, after: str | None) -> StoryList:
        """A page of what the query asks for: what runs, the last begun first, then what has ended,
        the last ended first. By a cause, which is mostly one of failing, what has ended is first.

        May be shorter than ``limit`` though others follow, where most of what was looked at is not
        what is asked for. Raises ``ApiError`` if Temporal is away.
        """
        lists = _lists(query)
        place: _Place | None = _place(after, len(lists))
        found: list[StoryView] = []
        looked = 0
        # Half a page is one: the last of it would be asked for one by one.
        while place is not None and 2 * len(found) < limit and looked < LOOKED_AT:
            executions, token = await self._listed(
                lists[place.number], limit - len(found), place.token
            )
            looked += len(executions)
            found += [story for story in await self._told(executions) if _fits(story, query)]
            place = _next(place, token, len(lists))
        return StoryList(items=tuple(found), next=_cursor(place))

    async def every(
        self, query: StoryQuery, enough: int | None = None
    ) -> tuple[list[StoryView], int, bool]:
        """What the query asks for among those that are looked at; their number; whether they are
        all. Once there are ``enough``, no more is looked at.

        The query names a state. Raises ``ApiError`` if Temporal is away.
        """
        if query.state in (StoryState.RUNNING, StoryState.STUCK):
            return await self._running(query)
        token: bytes | None = None
        found: list[StoryView] = []
        looked = 0
        while looked < MOST_CLOSED:
            executions, token = await self._listed(_clauses(query), 200, token)
            looked += len(executions)
            found += [story for story in await self._told(executions) if _fits(story, query)]
            if token is None:
                return found, looked, True
            if enough is not None and len(found) >= enough:
                break
        return found, looked, False

    async def stuck(self, query: StoryQuery) -> Look:
        """What is stuck of what the query asks for; the same to all who ask within a few seconds.

        Raises ``ApiError`` if Temporal is away.
        """
        if query not in self._looks:
            self._looks[query] = asyncio.create_task(self._look_for_stuck(query))
        # Whoever asked first may go away; the others wait for the same look.
        return await asyncio.shield(self._looks[query])

    async def _look_for_stuck(self, query: StoryQuery) -> Look:
        at = datetime.now(UTC)
        try:
            asked = query.model_copy(update={"state": StoryState.STUCK})
            found, looked, whole = await self._running(asked)
        except BaseException:
            del self._looks[query]
            raise
        # From its end: one that took long, as where much is wrong, must not be too old at once.
        asyncio.get_running_loop().call_later(
            LOOK_HOLDS.total_seconds(), self._looks.pop, query, None
        )
        return Look(tuple(found), looked, whole, at)

    async def ends(self, query: StoryQuery, most: int) -> tuple[list[StoryView], bool]:
        """What runs of what the query asks for, stuck or not: all of it, or the newest and the
        oldest half; whether it is all.

        Raises ``ApiError`` if Temporal is away.
        """
        clauses = _clauses(query.model_copy(update={"state": StoryState.RUNNING}))
        newest, token = await self._listed(clauses, most, None)
        if token is None:
            return await self._told(newest), True
        oldest = await self._oldest(clauses, most // 2, newest)
        both = {each.run_id: each for each in (*newest[: most - most // 2], *oldest)}
        return await self._told(list(both.values())), False

    async def _running(self, query: StoryQuery) -> tuple[list[StoryView], int, bool]:
        asked = _kind_in(query)
        kinds = list(StoryKind) if asked is None else [asked]
        ends = await asyncio.gather(
            *(self.ends(query.model_copy(update={"kind": kind}), MOST_RUNNING) for kind in kinds)
        )
        looked = [story for stories, _ in ends for story in stories]
        found = [story for story in looked if _fits(story, query)]
        return found, len(looked), all(whole for _, whole in ends)

    async def _oldest(
        self, clauses: str, most: int, newest: Sequence[Execution]
    ) -> list[Execution]:
        """The first that began. Temporal lists the newest first only, so the moment before which
        no more than these began is felt for by counting, from where it was the last time."""
        end = newest[-1].start_time
        begin = self._few_before.get((clauses, most))
        if begin is None:
            begin, end = await self._few_began(clauses, most, newest[0].start_time, end)
        count = await self._count(f"{clauses} AND {_began_before(begin)}")
        while count <= most // 2 and end - begin > timedelta(milliseconds=1):
            middle = begin + (end - begin) / 2
            found = await self._count(f"{clauses} AND {_began_before(middle)}")
            if found > most:
                end = middle
            else:
                begin, count = middle, found
        if len(self._few_before) >= REMEMBERED:
            self._few_before.clear()
        self._few_before[clauses, most] = begin
        oldest, _ = await self._listed(f"{clauses} AND {_began_before(begin)}", most)
        return oldest

    async def _few_began(
        self, clauses: str, most: int, newest: datetime, end: datetime
    ) -> tuple[datetime, datetime]:
        """A moment before which no more than these began, and a later one before which more did:
        found by steps back, each twice as long as the one before it."""
        step = max(newest - end, timedelta(milliseconds=1))
        while await self._count(f"{clauses} AND {_began_before(end - step)}") > most:
            end -= step
            step *= 2
        return end - step, end

    async def _count(self, clauses: str) -> int:
        with outages():
            counted = await self._client.count_workflows(f"{self._of_engine} AND {clauses}")
        return counted.count

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
        return (await self._stories([described]))[0]

    async def runs(self, story: StoryView, most: int) -> tuple[list[StoryView], bool]:
        """The runs of a story's workflow, the present one first; whether there are others.

        Raises ``ApiError`` if Temporal is away.
        """
        clauses = f"WorkflowId = {_quoted(story.workflow_id)}"
        executions, token = await self._listed(clauses, most, None)
        # The list lags behind a little, and may not have the present run yet.
        earlier = [each for each in executions if each.run_id != story.run_id]
        told = [story, *await self._stories(earlier[: most - 1])]
        return told, token is not None or len(earlier) >= most

    async def of_player(self, world_id: WorldId, player_id: PlayerId) -> list[str]:
        """The ids of all workflows that name the player.

        Raises ``ApiError`` if Temporal is away.
        """
        world, player = attributes.WORLD.name, attributes.PLAYER.name
        clauses = f"{world} = {_quoted(world_id)} AND {player} = {_quoted(player_id)}"
        found: dict[str, None] = {}
        token: bytes | None = None
        while True:
            executions, token = await self._listed(clauses, 1000, token)
            found |= dict.fromkeys(each.id for each in executions)
            if token is None:
                return list(found)

    async def _listed(
        self, clauses: str, size: int, token: bytes | None = None
    ) -> tuple[list[Execution], bytes | None]:
        """One page of Temporal's list, and where the next begins."""
        query = f"{self._of_engine} AND {clauses}"
        with outages():
            try:
                listing = self._client.list_workflows(query, page_size=size, next_page_token=token)
                await listing.fetch_next_page()
            except RPCError as error:
                if error.status is RPCStatusCode.INVALID_ARGUMENT and token is not None:
                    raise invalid("after", "this is no cursor of this list") from error
                raise
        return list(listing.current_page or ()), listing.next_page_token or None

    async def _told(self, executions: Sequence[Execution]) -> list[StoryView]:
        """The executions as stories, without runs that a replay has superseded."""
        superseded = await self._superseded(executions)
        return await self._stories([each for each in executions if each.run_id not in superseded])

    async def _stories(self, executions: Iterable[Execution]) -> list[StoryView]:
        stories = await asyncio.gather(*(self._story(each) for each in executions))
        bad = {story.workflow_id for story in stories if story.state in BAD}
        settled = await settled_among(self._store, bad)
        put_right = {"state": StoryState.SETTLED, "failing": None}
        return [
            story.model_copy(update=put_right) if story.workflow_id in settled else story
            for story in stories
        ]

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
        failing, events = None, execution.history_length
        if state is StoryState.RUNNING:
            described = await self._described(execution)
            failing = await self._stuck(kind, described)
            state = StoryState.STUCK if failing else state
            # Temporal's list knows the length of what is closed only.
            events = described.history_length
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
            events=events,
            failing=failing,
        )

    async def _described(self, execution: Execution) -> WorkflowExecutionDescription:
        handle = self._client.get_workflow_handle(execution.id, run_id=execution.run_id)
        async with self._slots:
            with outages():
                return await handle.describe()

    async def _stuck(
        self, kind: str, described: WorkflowExecutionDescription
    ) -> FailingView | None:
        failing = stuck_failing(kind, described.raw_description, datetime.now(UTC))
        if failing is None:
            return None
        return told_by(kind, failing, await self._newest_events(described))

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


def _began_before(moment: datetime) -> str:
    return f"StartTime < '{moment.isoformat()}'"


def _lists(query: StoryQuery) -> tuple[str, ...]:
    """The query as the lists that are gone through one after another."""
    if query.cause is None or query.state is not None:
        return (_clauses(query),)
    # Temporal lists what runs first, and before what failed there may be any number of it.
    return (_clauses(query, ENDED_BADLY), _clauses(query, (StoryState.RUNNING,)))


def _clauses(query: StoryQuery, states: Sequence[StoryState] = ()) -> str:
    """The query as Temporal's own; what Temporal does not know is looked for afterwards."""
    states = states or (CURRENT if query.state is None else (query.state,))
    wanted = ", ".join(f"'{name}'" for state in states for name in NAMES[state])
    clauses = [f"ExecutionStatus IN ({wanted})"]
    if (kind := _kind_in(query)) is not None:
        clauses.append(f"WorkflowType = '{type_of(kind)}'")
    if query.world_id is not None:
        clauses.append(f"{attributes.WORLD.name} = {_quoted(query.world_id)}")
    if query.player_id is not None:
        clauses.append(f"{attributes.PLAYER.name} = {_quoted(query.player_id)}")
    return " AND ".join(clauses)


def _kind_in(query: StoryQuery) -> StoryKind | None:
    """The kind that is asked for, be it only as the first word of a cause."""
    if query.kind is not None or query.cause is None:
        return query.kind
    named, _, _ = query.cause.partition(":")
    return next((kind for kind in StoryKind if kind == named), None)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _next(place: _Place, token: bytes | None, lists: int) -> _Place | None:
    """The place after a part of a list: further on in it, else where the next list begins."""
    if token is not None:
        return _Place(place.number, token)
    return _Place(place.number + 1, None) if place.number + 1 < lists else None


def _cursor(place: _Place | None) -> str | None:
    if place is None:
        return None
    return to_cursor("stories", f"{place.number}.{base64.b64encode(place.token or b'').decode()}")


def _place(after: str | None, lists: int) -> _Place:
    if (text := from_cursor("stories", after)) is None:
        return _Place(0, None)
    number, _, token = text.partition(".")
    try:
        place = _Place(range(lists)[int(number)], base64.b64decode(token, validate=True) or None)
    except (ValueError, IndexError):
        raise invalid("after", "this is no cursor of this list") from None
    return place


def _unknown(workflow_id: str) -> ApiError:
    return ApiError(ErrorCode.UNKNOWN_WORKFLOW, f"there is no workflow {workflow_id}")
