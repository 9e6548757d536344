"""Why a template serves where the step that asks a model did not come to its end."""

import pytest
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    FailureError,
    TimeoutError,
    TimeoutType,
)

from loreloom.activities.signatures.errors import BROKEN, DATABASE, FAULT, NoModel
from loreloom.domain.story import TemplateReason
from loreloom.workflows.no_model import why_no_model


def failed(cause: FailureError) -> ActivityError:
    """The error of an activity that failed by a cause."""
    error = ActivityError(
        "Activity task failed",
        scheduled_event_id=5,
        started_event_id=6,
        identity="a worker",
        activity_type="quest_design",
        activity_id="1",
        retry_state=None,
    )
    error.__cause__ = cause
    return error


def timed_out(kind: TimeoutType, last: ApplicationError | None = None) -> TimeoutError:
    """A time that ran out, after a last try that failed."""
    error = TimeoutError("timed out", type=kind, last_heartbeat_details=())
    error.__cause__ = last
    return error


PLACE = "OperationalError in find_quest, state/quests.py line 1"


@pytest.mark.parametrize(
    ("cause", "reason", "failure"),
    [
        (timed_out(TimeoutType.SCHEDULE_TO_START), TemplateReason.UNSERVED, None),
        (timed_out(TimeoutType.HEARTBEAT), TemplateReason.OUT_OF_TIME, None),
        (timed_out(TimeoutType.SCHEDULE_TO_CLOSE), TemplateReason.OUT_OF_TIME, None),
        (
            timed_out(TimeoutType.SCHEDULE_TO_CLOSE, ApplicationError(PLACE, type=DATABASE)),
            TemplateReason.DATABASE,
            PLACE,
        ),
        (ApplicationError(PLACE, type=FAULT), TemplateReason.FAULT, PLACE),
        (ApplicationError("a sister's lamp", type="KeyError"), TemplateReason.FAULT, "KeyError"),
    ],
)
def test_each_failure_is_told_from_the_others_and_quotes_nobody(
    cause: FailureError, reason: TemplateReason, failure: str | None
) -> None:
    assert why_no_model(failed(cause)) == NoModel(reason=reason, failure=failure)


@pytest.mark.parametrize("cause", [ApplicationError("gone", type=BROKEN), CancelledError()])
def test_what_no_template_can_help_is_not_covered_by_one(cause: FailureError) -> None:
    with pytest.raises(ActivityError):
        why_no_model(failed(cause))
