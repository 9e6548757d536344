"""Builds of the workers side by side: a running story stays with the build that it began on."""

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

from loreloom.workers.settings import Settings


class BuildRefused(Exception):
    """Temporal does not take a build as the current one; the message says why."""


def deployment_of(settings: Settings) -> WorkerDeploymentConfig | None:
    """How a worker of a named build shares its queues with other builds; None without a name.

    The builds of one task queue prefix are one deployment. A story is pinned to its build; a
    workflow that lives for ever moves on as it continues as new.
    """
    if settings.worker_build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.task_queue_prefix, settings.worker_build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


async def make_current(client: Client, settings: Settings, build_id: str) -> str | None:
    """Let new stories begin on a build; returns the build that they began on until now.

    Raises ``BuildRefused`` if no worker of it has polled, or if it lacks a queue of the last one.
    """
    try:
        answer = await client.workflow_service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=client.namespace,
                deployment_name=settings.task_queue_prefix,
                build_id=build_id,
                identity=client.identity,
            )
        )
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
            raise BuildRefused(error.message) from error
        raise
    return answer.previous_deployment_version.build_id or None
