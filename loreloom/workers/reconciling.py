"""The nightly reconciliation, as a schedule of Temporal's: made once, and kept as it is set."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from loreloom.workers.settings import Settings
from loreloom.workers.temporal_connection import connect
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import RECONCILIATION

JITTER = timedelta(minutes=5)


async def ensure_nightly_reconciliation(settings: Settings) -> None:
    """Have Temporal start a reconciliation every night at the hour of the settings."""
    await ensure_schedule(await connect(settings), settings)


def schedule_id(settings: Settings) -> str:
    """The schedule's id: one for each set of task queues."""
    return f"reconciliation/nightly/{settings.task_queue_prefix}"


async def ensure_schedule(client: Client, settings: Settings) -> None:
    """Make the schedule, or bring the one that is there to the hour of the settings."""
    wanted = _schedule(settings)
    try:
        await client.create_schedule(schedule_id(settings), wanted)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(schedule_id(settings))
        await handle.update(lambda found: _changed(found, wanted))


def _changed(found: ScheduleUpdateInput, wanted: Schedule) -> ScheduleUpdate:
    # What ops have paused stays paused.
    wanted.state = found.description.schedule.state
    return ScheduleUpdate(schedule=wanted)


def _schedule(settings: Settings) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            RECONCILIATION,
            id=schedule_id(settings),
            task_queue=queue_of(Role.STORY, settings.task_queue_prefix),
        ),
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(settings.reconciliation_hour)])],
            jitter=JITTER,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
