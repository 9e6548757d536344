"""What lies on the engine's task queues, and who works on it, as Temporal counts."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from loreloom.api.schemas.ops_health import QueueView, TaskKind
from loreloom.workflows.roles import Role, queue_of

RPC_TIME = timedelta(seconds=1.5)
POLLING = timedelta(seconds=90)
"""A worker asks anew at least every minute; Temporal remembers one that has gone for longer."""

TYPES = {
    TaskKind.WORKFLOW: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    TaskKind.ACTIVITY: TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}
QUEUES = (
    (Role.STORY, TaskKind.WORKFLOW),
    *((role, TaskKind.ACTIVITY) for role in Role),
)
"""All workflows run on the story queue; each role has activities."""


async def queues_of(client: Client, prefix: str) -> Sequence[QueueView]:
    """Every queue of the engine. Raises ``RPCError`` or ``RuntimeError`` if Temporal is away."""
    return await asyncio.gather(
        *(_queue(client, queue_of(role, prefix), tasks) for role, tasks in QUEUES)
    )


async def _queue(client: Client, name: str, tasks: TaskKind) -> QueueView:
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=name),
            task_queue_type=TYPES[tasks],
            report_stats=True,
        ),
        timeout=RPC_TIME,
    )
    stats = described.stats
    polls = [_polled_at(poller) for poller in described.pollers]
    now = datetime.now(UTC)
    present = [at for at in polls if now - at < POLLING]
    return QueueView(
        queue=name,
        tasks=tasks,
        backlog=stats.approximate_backlog_count,
        backlog_seconds=stats.approximate_backlog_age.ToTimedelta().total_seconds(),
        pollers=len(present),
        builds=_builds(p for p in described.pollers if now - _polled_at(p) < POLLING),
        polled_at=max(polls, default=None),
        added_per_second=stats.tasks_add_rate,
        done_per_second=stats.tasks_dispatch_rate,
    )


def _polled_at(poller: PollerInfo) -> datetime:
    return poller.last_access_time.ToDatetime(tzinfo=UTC)


def _builds(pollers: Iterable[PollerInfo]) -> tuple[str, ...]:
    """The builds that the pollers say they run; workers without one say nothing."""
    named = {p.deployment_options.build_id for p in pollers if p.HasField("deployment_options")}
    return tuple(sorted(named - {""}))
