"""Why a template is to serve, where a step that asks a model did not come to its end."""

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    TimeoutError,
    TimeoutType,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.errors import BROKEN, DATABASE, FAULT, NoModel
    from loreloom.domain.story import TemplateReason


def why_no_model(error: ActivityError) -> NoModel:
    """Why, in what may be kept of it. Raises the error if no template can help: the step is broken
    for good, or cancelled."""
    cause = error.cause
    if is_cancelled_exception(error):
        raise error
    if isinstance(cause, TimeoutError) and isinstance(cause.cause, ApplicationError):
        # Its time ran out while it was tried again and again: the last try says why.
        cause = cause.cause
    if isinstance(cause, ApplicationError):
        if cause.type == BROKEN:
            raise error
        return _failed(cause)
    if isinstance(cause, TimeoutError) and cause.type is TimeoutType.SCHEDULE_TO_START:
        return NoModel(reason=TemplateReason.UNSERVED)
    return NoModel(reason=TemplateReason.OUT_OF_TIME)


def _failed(cause: ApplicationError) -> NoModel:
    # Only of these two is the message our own.
    if cause.type == DATABASE:
        return NoModel(reason=TemplateReason.DATABASE, failure=cause.message)
    if cause.type == FAULT:
        return NoModel(reason=TemplateReason.FAULT, failure=cause.message)
    return NoModel(reason=TemplateReason.FAULT, failure=cause.type)
