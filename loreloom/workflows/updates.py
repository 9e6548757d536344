"""What every workflow's Updates do alike: refuse by the rules, and count once by their id."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.errors import refused
    from loreloom.domain.refusals import Refusal

P = ParamSpec("P")
R = TypeVar("R")


def ruled(rule: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Apply a rule; its refusal becomes the one error that refuses an Update and nothing else."""
    try:
        return rule(*args, **kwargs)
    except Refusal as refusal:
        raise refused(refusal) from refusal


def key_of_order() -> str:
    """The id of the Update that is being handled: an order that is sent again has the same one."""
    update = workflow.current_update_info()
    if update is None:
        raise RuntimeError("an order is given in an Update only")
    return update.id
