"""The types of the errors by which steps fail, as workflows and callers tell them apart."""

from temporalio.exceptions import ApplicationError

from loreloom.domain.refusals import Refusal

BROKEN = "BrokenStep"
"""Type of the error of a step that will not succeed by being tried again."""

REFUSED = "Refused"
"""Type of the error by which the rules refuse an act; its first detail is the ``RefusalCode``."""


def refused(refusal: Refusal) -> ApplicationError:
    """The error by which an act is refused, be it by a workflow or by one of its steps."""
    return ApplicationError(refusal.message, refusal.code.value, type=REFUSED, non_retryable=True)
