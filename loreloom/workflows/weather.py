"""A region's weather: it sleeps until the weather changes, tells of it, and sleeps again."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.weather import (
        Imposed,
        Imposing,
        Look,
        Told,
        WeatherSteps,
    )
    from loreloom.domain.chance import chance
    from loreloom.domain.clock import Clock
    from loreloom.domain.weather import Weather
    from loreloom.workflows import attributes
    from loreloom.workflows.signatures import ClearWeather, ImposeWeather, WeatherInput
    from loreloom.workflows.updates import key_of_order

WRITE_TIME = timedelta(seconds=10)
LONGEST_SLEEP = timedelta(days=30)
WRITE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=10)
)


@workflow.defn(name="RegionWeather")
class RegionWeatherWorkflow:
    """Wakes when the weather changes. What it is at any moment follows from what is stored."""

    @workflow.init
    def __init__(self, start: WeatherInput) -> None:
        self._region = start.region
        self._look_again = False

    @workflow.run
    async def run(self, start: WeatherInput) -> None:
        """As long as the world: each change is told as it comes."""
        if workflow.info().continued_run_id is None:
            region = self._region
            workflow.upsert_search_attributes(
                [
                    attributes.WORLD.value_set(region.world_id),
                    attributes.REGION.value_set(region.region),
                ]
            )
        while not workflow.info().is_continue_as_new_suggested():
            self._look_again = False
            told = await self._tell()
            workflow.set_current_details(
                f"**{told.state}**, until {told.next_at or 'further notice'}"
            )
            await self._sleep(told)
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(start)

    async def _sleep(self, told: Told) -> None:
        """Wait for the next change, or for an order or a clock that makes it another one."""
        if told.next_at is None:
            await workflow.wait_condition(self._woken)
            return
        # Regions of one hour would wake in one instant; a seeded delay keeps them apart.
        place = (self._region.world_id, self._region.region, told.next_at.isoformat())
        late = told.jitter_seconds * chance(0, "weather", *place)
        left = min(told.next_at - workflow.now() + timedelta(seconds=late), LONGEST_SLEEP)
        try:
            await workflow.wait_condition(self._woken, timeout=max(0.001, left.total_seconds()))
        except TimeoutError:
            return

    def _woken(self) -> bool:
        return self._look_again or workflow.info().is_continue_as_new_suggested()

    @workflow.signal
    def clock_changed(self, clock: Clock) -> None:
        """The world's clock goes another way now; what counts of it is read anew."""
        self._look_again = True

    @workflow.update
    async def impose(self, order: ImposeWeather) -> Imposed:
        """Somebody makes a weather now."""
        return await self._made(order.by, order.state, order.hours)

    @workflow.update
    async def clear(self, order: ClearWeather) -> Imposed:
        """Somebody ends what was made; the answer is the sky's own weather."""
        return await self._made(order.by)

    async def _made(
        self, by: str, state: Weather | None = None, hours: float | None = None
    ) -> Imposed:
        made = await workflow.execute_activity_method(
            WeatherSteps.impose,
            Imposing(
                region=self._region,
                at=workflow.now(),
                key=key_of_order(),
                state=state,
                hours=hours,
                by=by,
            ),
            start_to_close_timeout=WRITE_TIME,
            retry_policy=WRITE_RETRY,
            summary="Make a weather" if state else "Clear what was made",
        )
        self._look_again = True
        return made

    async def _tell(self) -> Told:
        return await workflow.execute_local_activity_method(
            WeatherSteps.tell,
            Look(region=self._region, at=workflow.now()),
            start_to_close_timeout=WRITE_TIME,
            retry_policy=WRITE_RETRY,
        )
