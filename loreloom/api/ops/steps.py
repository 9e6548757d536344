"""A run's history as the story's steps: each a point that it can be replayed from."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.ops.failing import fault_of, moment
from loreloom.api.ops.words import act_words, activity_words, signal_words
from loreloom.api.schemas.ops import StepView, StoryView
from loreloom.api.temporal import outages

START = "start"
NAME = re.compile(r"step\d+in([0-9a-f]{8})")
LOCAL_ACTIVITY = "core_local_activity"
QUIET = frozenset({"quest_record", "quest_clock", "arc_look", "clock_tell", "weather_tell"})
"""Steps that are told only where nothing else happened."""
POINTS = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    }
)


@dataclass(slots=True)
class Step:
    """One task of a workflow: what it did, and what came of that.

    ``event_id`` is where Temporal resets to, to have the task done again, and ``run`` is the tag
    of the run that this is an event of.
    """

    run: str
    event_id: int
    at: datetime
    first: bool
    doings: list[str] = field(default_factory=list)
    quiet: list[str] = field(default_factory=list)
    acts: int = 0
    error: str | None = None

    @property
    def name(self) -> str:
        """What the step is asked for by."""
        return START if self.first else f"step{self.event_id}in{self.run}"

    @property
    def told(self) -> str:
        """What was done, in words."""
        doings = self.doings or list(dict.fromkeys(self.quiet))
        if self.first:
            doings = ["The story begins", *doings]
        return "; ".join(doings)

    def view(self) -> StepView:
        """The step as it is shown."""
        return StepView(
            step=self.name,
            at=self.at,
            told=self.told,
            failed=self.error is not None,
            error=self.error,
        )


async def history_of(client: Client, story: StoryView) -> WorkflowHistory:
    """The history of a story's run. Raises ``ApiError`` if it is gone or Temporal is away."""
    handle = client.get_workflow_handle(story.workflow_id, run_id=story.run_id)
    with outages():
        try:
            return await handle.fetch_history()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                detail = f"{story.workflow_id} is no longer kept"
                raise ApiError(ErrorCode.UNKNOWN_WORKFLOW, detail) from error
            raise


def run_tag(run_id: str) -> str:
    """What a run is told by in the names of its steps."""
    return run_id[:8]


def is_of_another_run(name: str, run_id: str) -> bool:
    """Whether a step of that name can only be one of another run."""
    found = NAME.fullmatch(name)
    return found is not None and found.group(1) != run_tag(run_id)


def steps_in(events: Sequence[HistoryEvent], run_id: str) -> list[Step]:
    """The steps of a run's history in their order; tasks in which nothing was done are none."""
    reader = _Reader(run_tag(run_id))
    for event in events:
        reader.read(event)
    return [step for step in reader.steps if step.first or step.told]


def points_in(events: Iterable[HistoryEvent]) -> list[int]:
    """The events that a history can be reset to, in their order."""
    return [event.event_id for event in events if event.event_type in POINTS]


def marker_failure(event: HistoryEvent) -> bool:
    """Whether the event tells of a local step that failed for good."""
    attributes = event.marker_recorded_event_attributes
    return attributes.marker_name == LOCAL_ACTIVITY and attributes.HasField("failure")


def failed_locally(events: Sequence[HistoryEvent]) -> str | None:
    """The local step that failed for good last, which a run's own failure does not name."""
    names = [_local_step(event) for event in events if marker_failure(event)]
    return names[-1] if names else None


class _Reader:
    """Reads a history event by event into steps."""

    def __init__(self, run: str) -> None:
        self._run = run
        self.steps: list[Step] = []
        self._scheduled: dict[int, Step] = {}
        self._admitted: dict[str, tuple[str, object]] = {}

    def read(self, event: HistoryEvent) -> None:
        if event.event_type in POINTS:
            at = moment(event.event_time)
            self.steps.append(Step(self._run, event.event_id, at, not self.steps))
        elif event.HasField("workflow_execution_update_admitted_event_attributes"):
            request = event.workflow_execution_update_admitted_event_attributes.request
            self._admitted[request.meta.update_id] = (
                request.input.name,
                _first(request.input.args),
            )
        elif self.steps:
            self._read_doing(event, self.steps[-1])

    def _read_doing(self, event: HistoryEvent, step: Step) -> None:
        if event.HasField("activity_task_scheduled_event_attributes"):
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            step.doings.append(activity_words(name))
            self._scheduled[event.event_id] = step
        elif event.HasField("activity_task_failed_event_attributes"):
            failed = event.activity_task_failed_event_attributes
            fault = fault_of(failed.failure)
            self._scheduled[failed.scheduled_event_id].error = fault.error
        elif event.HasField("activity_task_timed_out_event_attributes"):
            late = event.activity_task_timed_out_event_attributes
            self._scheduled[late.scheduled_event_id].error = "Timeout"
        elif event.HasField("marker_recorded_event_attributes"):
            self._read_marker(event, step)
        elif event.HasField("workflow_execution_update_accepted_event_attributes"):
            step.doings.append(self._act(event))
            step.acts += 1
        elif event.HasField("workflow_execution_signaled_event_attributes"):
            name = event.workflow_execution_signaled_event_attributes.signal_name
            step.quiet.append(f"Afterwards: {signal_words(name)}")
        elif event.HasField("start_child_workflow_execution_initiated_event_attributes"):
            step.doings.append("Start the beat's quest")
        elif event.HasField("workflow_execution_failed_event_attributes"):
            fault = fault_of(event.workflow_execution_failed_event_attributes.failure)
            step.doings.append(f"Say that it failed: {fault.error}")

    def _read_marker(self, event: HistoryEvent, step: Step) -> None:
        attributes = event.marker_recorded_event_attributes
        if attributes.marker_name != LOCAL_ACTIVITY:
            return
        name = _local_step(event)
        if marker_failure(event):
            step.doings.append(activity_words(name))
            step.error = fault_of(attributes.failure).error
        elif name in QUIET:
            step.quiet.append(_written(name, _first(attributes.details["result"])))
        else:
            step.doings.append(activity_words(name))

    def _act(self, event: HistoryEvent) -> str:
        attributes = event.workflow_execution_update_accepted_event_attributes
        request = attributes.accepted_request
        if request.input.name:
            return act_words(request.input.name, _first(request.input.args))
        name, argument = self._admitted.get(attributes.protocol_instance_id, ("act", None))
        return act_words(name, argument)


def _local_step(event: HistoryEvent) -> str:
    data = _first(event.marker_recorded_event_attributes.details["data"])
    return str(data.get("activity_type", "?")) if isinstance(data, dict) else "?"


def _written(name: str, result: object) -> str:
    """A step that was written down, with the state that it says."""
    if isinstance(result, dict) and isinstance(progress := result.get("progress"), dict):
        return f"{activity_words(name)}: {progress.get('state')}"
    return activity_words(name)


def _first(payloads: Payloads) -> object:
    """The first of some values, if it is plain JSON."""
    for payload in payloads.payloads:
        if payload.metadata.get("encoding") == b"json/plain":
            return json.loads(payload.data)
    return None
