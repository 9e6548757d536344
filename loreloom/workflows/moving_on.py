"""When a workflow that lives for ever begins a new run, and which build serves that run."""

from typing import Final

from temporalio import workflow
from temporalio.workflow import ContinueAsNewVersioningBehavior

NEWEST_BUILD: Final = ContinueAsNewVersioningBehavior.AUTO_UPGRADE
"""For ``continue_as_new``: the new run begins on the build that new stories begin on. Workers that
name no build serve it as they serve everything."""


def should_move_on() -> bool:
    """Whether the history has grown long, or another build has become the current one."""
    info = workflow.info()
    return info.is_continue_as_new_suggested() or info.is_target_worker_deployment_version_changed()
