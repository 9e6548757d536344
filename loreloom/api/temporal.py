"""Calls to Temporal from a request: outages and refusals become answers, nothing is hidden."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from loreloom.activities.signatures.errors import REFUSED
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.domain.refusals import RefusalCode

log = logging.getLogger(__name__)

RETRY_SECONDS = 2

ANSWERS = frozenset(
    {RPCStatusCode.NOT_FOUND, RPCStatusCode.ALREADY_EXISTS, RPCStatusCode.INVALID_ARGUMENT}
)
"""What a server that is well says of the request itself; every other status is an outage."""


@contextmanager
def outages() -> Iterator[None]:
    """Turn a Temporal that is away, overloaded or too slow into an ``ApiError`` with its wait."""
    try:
        yield
    except RPCError as error:
        if error.status in ANSWERS:
            raise
        if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
            raise ApiError(
                ErrorCode.TOO_MANY_ACTS, "the story is busy", retry_after=RETRY_SECONDS
            ) from error
        if error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
            raise _unanswered() from error
        raise _away() from error
    except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError) as error:
        raise _unanswered() from error
    except RuntimeError as error:
        # A client that connects on its first call fails so when nobody answers.
        raise _away() from error


def refusal_in(error: WorkflowUpdateFailedError) -> ApiError | None:
    """What the rules said to an Update, or to a step of it; ``None`` if it failed otherwise."""
    cause: BaseException | None = error.cause
    if isinstance(cause, ActivityError):
        cause = cause.cause
    if isinstance(cause, ApplicationError) and cause.type == REFUSED:
        return ApiError(RefusalCode(cause.details[0]), cause.message)
    log.warning("an Update ended without an answer: %s", cause)
    return None


def _away() -> ApiError:
    return ApiError(
        ErrorCode.TEMPORAL_UNAVAILABLE, "Temporal does not answer", retry_after=RETRY_SECONDS
    )


def _unanswered() -> ApiError:
    return ApiError(
        ErrorCode.ACT_UNANSWERED,
        "no worker has answered in time; the act may still be taken",
        retry_after=RETRY_SECONDS,
    )
