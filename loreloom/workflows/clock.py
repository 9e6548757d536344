"""A world's clock: it sleeps until the calendar turns a page, tells of it, and sleeps again."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    FailureError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.clock import (
        ChangingClock,
        ClockSteps,
        LookAtClock,
        OfWorld,
        ToldTime,
    )
    from loreloom.activities.signatures.life import LifeSteps, LiveDays
    from loreloom.activities.signatures.weather import LOOK_AGAIN
    from loreloom.domain.clock import Clock, ClockChange, changed
    from loreloom.domain.ids import weather_workflow_id
    from loreloom.workflows import attributes
    from loreloom.workflows.moving_on import NEWEST_BUILD
    from loreloom.workflows.signatures import ClockInput
    from loreloom.workflows.updates import key_of_order, ruled
    from loreloom.workflows.waking import Waking

WRITE_TIME = timedelta(seconds=10)
LIFE_TIME = timedelta(minutes=10)
LIFE_HEARTBEAT = timedelta(seconds=20)
STIRRING_TIME = timedelta(minutes=5)
STIRRING_HEARTBEAT = timedelta(seconds=10)
QUESTS_ARE_STIRRED = "quests-are-stirred"
"""The patch since which a change of the clock is told to quests that have a limit."""

WRITE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=10)
)
LIFE_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
)


@workflow.defn(name="WorldClock")
class WorldClockWorkflow:
    """Wakes at boundaries. What time it is at any moment follows from what is stored."""

    @workflow.init
    def __init__(self, start: ClockInput) -> None:
        self._world_id = start.world_id
        self._lived = start.lived
        self._day = start.lived
        self._clock: Clock | None = None
        self._waking = Waking()
        self._to_signal: tuple[str, ...] = ()
        self._changes, self._stirred = int(start.unheard), 0
        # Changes are made one at a time, and none while it is told how time stands.
        self._turn = asyncio.Lock()

    @workflow.run
    async def run(self, start: ClockInput) -> None:
        """As long as the world: each boundary is told as it comes."""
        if workflow.info().continued_run_id is None:
            workflow.upsert_search_attributes([attributes.WORLD.value_set(self._world_id)])
        self._living = asyncio.create_task(self._live())
        if workflow.patched(QUESTS_ARE_STIRRED):
            self._stirring = asyncio.create_task(self._stir_quests())
        await self._waking.rounds(self._look)
        # A change may begin while the weathers are told of the last: it ends, and they are told.
        while self._to_signal or not workflow.all_handlers_finished():
            await workflow.wait_condition(workflow.all_handlers_finished)
            await self._tell_weathers()
        # What is going on beside this is begun again: a day is lived once, and a quest looks twice.
        unheard = self._stirred != self._changes
        workflow.continue_as_new(
            ClockInput(world_id=self._world_id, lived=self._lived, unheard=unheard),
            initial_versioning_behavior=NEWEST_BUILD,
        )

    @workflow.update
    async def change(self, change: ClockChange) -> Clock:
        """Somebody pauses, resumes, scales or advances the clock; the answer is how it goes on."""
        async with self._turn:
            made = await workflow.execute_local_activity_method(
                ClockSteps.change,
                ChangingClock(
                    world_id=self._world_id,
                    at=workflow.now(),
                    key=key_of_order(),
                    change=change,
                ),
                start_to_close_timeout=WRITE_TIME,
                retry_policy=WRITE_RETRY,
            )
        self._clock = made.clock
        self._to_signal = made.regions
        self._changes += 1
        self._waking.look_again()
        return made.clock

    @change.validator
    def _can_change(self, change: ClockChange) -> None:
        if self._clock is not None:
            ruled(changed, self._clock, change, workflow.now())

    async def _look(self) -> ToldTime:
        told = await self._tell()
        self._day = told.day
        await self._tell_weathers()
        return told

    async def _tell(self) -> ToldTime:
        """Tell what is due. A local activity: it costs the server no task of its own."""
        async with self._turn:
            told = await workflow.execute_local_activity_method(
                ClockSteps.tell,
                LookAtClock(world_id=self._world_id, at=workflow.now()),
                start_to_close_timeout=WRITE_TIME,
                retry_policy=WRITE_RETRY,
            )
        self._clock = told.clock
        workflow.set_current_details(_details(told))
        return told

    async def _tell_weathers(self) -> None:
        """Tell each region's weather that the clock was changed, but for one that is not there."""
        regions, self._to_signal = self._to_signal, ()
        weathers = [
            workflow.get_external_workflow_handle(weather_workflow_id(self._world_id, region))
            for region in regions
        ]
        signals = (weather.signal(LOOK_AGAIN) for weather in weathers)
        for answer in await asyncio.gather(*signals, return_exceptions=True):
            if isinstance(answer, BaseException) and not isinstance(answer, FailureError):
                raise answer

    async def _stir_quests(self) -> None:
        """Let quests that have a limit look at each change. No boundary waits for it."""
        while True:
            await workflow.wait_condition(lambda: self._changes != self._stirred)
            changes = self._changes
            await workflow.execute_activity_method(
                ClockSteps.stir_quests,
                OfWorld(world_id=self._world_id),
                start_to_close_timeout=STIRRING_TIME,
                heartbeat_timeout=STIRRING_HEARTBEAT,
                retry_policy=WRITE_RETRY,
                summary="Let quests with a limit look at the clock",
            )
            self._stirred = changes

    async def _live(self) -> None:
        """Let the world live each day that has begun. No boundary waits for it."""
        while True:
            await workflow.wait_condition(lambda: self._day != self._lived)
            day = self._day
            if day is None:
                continue
            if self._lived is None and day == 0:
                # Nothing has happened yet on the day that a world begins with.
                self._lived = day
                continue
            try:
                await workflow.execute_activity_method(
                    LifeSteps.live,
                    LiveDays(world_id=self._world_id, through_day=day),
                    start_to_close_timeout=LIFE_TIME,
                    heartbeat_timeout=LIFE_HEARTBEAT,
                    retry_policy=LIFE_RETRY,
                    summary=f"Live through day {day}",
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                # A day that cannot be lived is tried again on the next: time goes on.
                workflow.logger.error("day %s cannot be lived: %s", day, error.cause)
            self._lived = day


def _details(told: ToldTime) -> str:
    if told.next_at is None:
        return "**paused**"
    return f"{told.clock.scale:g} game seconds a second; the next boundary at {told.next_at}"
