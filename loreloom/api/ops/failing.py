"""What is wrong with a workflow, read from where Temporal keeps it: types, never a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import TimeoutType, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent, WorkflowTaskFailedEventAttributes
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.contrib.pydantic import pydantic_data_converter

from loreloom.api.ops.words import WORKFLOW_TASK, activity_words
from loreloom.api.schemas.ops import FailingView

STUCK_ATTEMPTS = 3
STUCK_TASK = timedelta(seconds=30)
"""So long may a workflow's own task last; one that lasts longer has no worker, or a step within it
is tried again and again."""
MAX_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure, unfolded: the step that failed, if it was one, and the innermost error."""

    step: str
    scheduled_event_id: int
    error: str
    message: str


def fault_of(failure: Failure) -> Fault:
    """Unfold a failure's chain of causes, down to the error of the step that failed."""
    step, event_id, found = WORKFLOW_TASK, 0, failure
    if (activity := _activity_in(failure)) is not None:
        step = activity.activity_failure_info.activity_type.name
        event_id = activity.activity_failure_info.scheduled_event_id
        found = activity.cause
    return Fault(step, event_id, _error(found), found.message[:MAX_MESSAGE])


def closed_failing(kind: str, event: HistoryEvent) -> FailingView | None:
    """What a closing event says went wrong; ``None`` if it is a good end."""
    since = moment(event.event_time)
    if event.HasField("workflow_execution_failed_event_attributes"):
        failure = event.workflow_execution_failed_event_attributes.failure
        return _view(kind, fault_of(failure), since)
    if event.HasField("workflow_execution_terminated_event_attributes"):
        reason = event.workflow_execution_terminated_event_attributes.reason
        return _view(kind, Fault(WORKFLOW_TASK, 0, "Terminated", reason[:MAX_MESSAGE]), since)
    if event.HasField("workflow_execution_timed_out_event_attributes"):
        return _view(kind, Fault(WORKFLOW_TASK, 0, "TimedOut", "its time was up"), since)
    return None


def stuck_failing(
    kind: str, described: DescribeWorkflowExecutionResponse, now: datetime
) -> FailingView | None:
    """What a running workflow does not get past, if so."""
    for pending in described.pending_activities:
        if pending.attempt >= STUCK_ATTEMPTS and pending.HasField("last_failure"):
            return _pending(kind, pending)
    if not described.HasField("pending_workflow_task"):
        return None
    task = described.pending_workflow_task
    since = moment(task.original_scheduled_time)
    if task.attempt < STUCK_ATTEMPTS and now - since < STUCK_TASK:
        return None
    message = f"its task was tried {task.attempt} times and is not done"
    return _view(kind, Fault(WORKFLOW_TASK, 0, "NotDone", message), since, task.attempt)


def told_by(kind: str, failing: FailingView, newest_first: Sequence[HistoryEvent]) -> FailingView:
    """What a running workflow does not get past, with what only its newest events know: the error
    of a task that is not done, and when a step that is tried again was first to be done."""
    if failing.step == WORKFLOW_TASK:
        return _told_by_task(kind, failing, newest_first)
    for event in newest_first:
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_type.name == failing.step:
            return failing.model_copy(update={"since": moment(event.event_time)})
    return failing


def moment(stamp: Timestamp) -> datetime:
    """A protobuf time, aware."""
    return stamp.ToDatetime(tzinfo=UTC)


def _pending(kind: str, pending: PendingActivityInfo) -> FailingView:
    inner = fault_of(pending.last_failure)
    fault = Fault(pending.activity_type.name, 0, inner.error, inner.message)
    # Not when it was scheduled: that is the next attempt, which is still to come.
    return _view(kind, fault, moment(pending.last_started_time), pending.attempt)


def _activity_in(failure: Failure) -> Failure | None:
    while not failure.HasField("activity_failure_info"):
        if not failure.HasField("cause"):
            return None
        failure = failure.cause
    return failure


def _error(failure: Failure) -> str:
    if failure.HasField("application_failure_info"):
        info = failure.application_failure_info
        details = pydantic_data_converter.payload_converter.from_payloads(info.details.payloads)
        said = [detail for detail in details if isinstance(detail, str)][:1]
        return ":".join([info.type, *said])
    if failure.HasField("timeout_failure_info"):
        kind = TimeoutType.Name(failure.timeout_failure_info.timeout_type)
        return f"Timeout:{kind.removeprefix('TIMEOUT_TYPE_').lower()}"
    return "Unknown"


def _told_by_task(
    kind: str, failing: FailingView, newest_first: Sequence[HistoryEvent]
) -> FailingView:
    for event in newest_first:
        if event.HasField("workflow_task_completed_event_attributes"):
            break
        if event.HasField("workflow_task_failed_event_attributes"):
            failed = event.workflow_task_failed_event_attributes
            message = failed.failure.message[:MAX_MESSAGE]
            fault = Fault(WORKFLOW_TASK, 0, _task_error(failed), message)
            return _view(kind, fault, moment(event.event_time), failing.attempts)
    return failing


def _task_error(failed: WorkflowTaskFailedEventAttributes) -> str:
    """The type of the error in the workflow's own code, else Temporal's word for the cause."""
    if failed.cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR:
        return "NonDeterministic"
    if failed.failure.HasField("application_failure_info"):
        return _error(failed.failure)
    cause = WorkflowTaskFailedCause.Name(failed.cause)
    words = cause.removeprefix("WORKFLOW_TASK_FAILED_CAUSE_").split("_")
    return "".join(word.capitalize() for word in words)


def _view(kind: str, fault: Fault, since: datetime, attempts: int | None = None) -> FailingView:
    return FailingView(
        cause=f"{kind}:{fault.step}:{fault.error}",
        step=fault.step,
        told=activity_words(fault.step),
        error=fault.error,
        message=fault.message,
        since=since,
        attempts=attempts,
    )
