"""What a new world begins with: its regions under their skies, and its workflows."""

from collections.abc import Iterable, Sequence

from loreloom.activities.signatures.weather import RegionRef
from loreloom.domain.calendar import Calendar
from loreloom.domain.climates import ClimateBook
from loreloom.domain.ids import WorldId, clock_workflow_id, weather_workflow_id
from loreloom.domain.sky import Sky
from loreloom.state.regions import RegionRecord
from loreloom.state.starts import PlannedStart
from loreloom.state.worlds import WorldRecord
from loreloom.workflows.signatures import REGION_WEATHER, WORLD_CLOCK, ClockInput, WeatherInput


def new_regions(
    book: ClimateBook, names: Iterable[str], seed: int, calendar: Calendar
) -> tuple[RegionRecord, ...]:
    """Regions of a new world of that seed, in the climates that the content gives them."""
    return tuple(
        RegionRecord(
            region=name,
            sky=Sky(
                name=book.sky_of(name),
                seed=seed,
                climate=book.climate_of(name),
                calendar=calendar,
            ),
        )
        for name in names
    )


def world_starts(world: WorldRecord) -> Sequence[PlannedStart]:
    """The workflows of a new world: its clock and its weathers."""
    return [clock_start(world.world_id), *weather_starts(world)]


def clock_start(world_id: WorldId) -> PlannedStart:
    """The workflow of a world's clock."""
    return PlannedStart(
        workflow_id=clock_workflow_id(world_id),
        workflow=WORLD_CLOCK,
        input=ClockInput(world_id=world_id).model_dump(mode="json"),
    )


def weather_starts(world: WorldRecord) -> Sequence[PlannedStart]:
    """One workflow for each region of a world."""
    return [weather_start(world.world_id, region.region) for region in world.regions]


def weather_start(world_id: WorldId, region: str) -> PlannedStart:
    """The workflow of a region's weather."""
    start = WeatherInput(region=RegionRef(world_id=world_id, region=region))
    return PlannedStart(
        workflow_id=weather_workflow_id(world_id, region),
        workflow=REGION_WEATHER,
        input=start.model_dump(mode="json"),
    )
