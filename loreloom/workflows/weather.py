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
    from loreloom.domain.weather import Weather
    from loreloom.workflows import attributes
    from loreloom.workflows.moving_on import NEWEST_BUILD
    from loreloom.workflows.signatures import ClearWeather, ImposeWeather, WeatherInput
    from loreloom.workflows.updates import key_of_order
    from loreloom.workflows.waking import Waking

WRITE_TIME = timedelta(seconds=10)
WRITE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=10)
)


@workflow.defn(name="RegionWeather")
class RegionWeatherWorkflow:
    """Wakes when the weather changes. What it is at any moment follows from what is stored."""

    @workflow.init
    def __init__(self, start: WeatherInput) -> None:
        self._region = start.region
        self._waking = Waking()

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
        await self._waking.rounds(self._look)
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(start, initial_versioning_behavior=NEWEST_BUILD)

    @workflow.signal
    def look_again(self) -> None:
        """The world's clock, or the weather itself, was changed; what counts is read anew."""
        self._waking.look_again()

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
        self._waking.look_again()
        return made

    async def _look(self) -> Told:
        told = await self._tell()
        workflow.set_current_details(f"**{told.state}**, until {told.next_at or 'further notice'}")
        return told

    async def _tell(self) -> Told:
        return await workflow.execute_local_activity_method(
            WeatherSteps.tell,
            Look(region=self._region, at=workflow.now()),
            start_to_close_timeout=WRITE_TIME,
            retry_policy=WRITE_RETRY,
        )
