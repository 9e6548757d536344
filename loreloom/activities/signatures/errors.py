"""The types of the errors by which steps fail, as workflows and callers tell them apart."""

from pydantic import BaseModel, ConfigDict
from temporalio.exceptions import ApplicationError

from loreloom.domain.refusals import Refusal
from loreloom.domain.story import TemplateReason

BROKEN = "BrokenStep"
"""Type of the error of a step that will not succeed by being tried again."""

REFUSED = "Refused"
"""Type of the error by which the rules refuse an act; its first detail is the ``RefusalCode``."""

DATABASE = "DatabaseFailing"
"""Type of the error of a step that asks a model, and that the database failed."""

FAULT = "Fault"
"""Type of the error of a step that asks a model, and that the engine's own code failed."""


class NoModel(BaseModel):
    """Why a step that asks a model did not come to its end, so that a template is to serve.

    ``failure`` is the type and the place of the error. It quotes no prompt and no player.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: TemplateReason
    failure: str | None = None


UNSAID = NoModel(reason=TemplateReason.NO_TIER)
"""What a workflow of an older release means, which does not say why."""


def refused(refusal: Refusal) -> ApplicationError:
    """The error by which an act is refused, be it by a workflow or by one of its steps."""
    return ApplicationError(refusal.message, refusal.code.value, type=REFUSED, non_retryable=True)
