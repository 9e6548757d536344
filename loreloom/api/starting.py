"""What a new world or arc begins with: regions under their skies, and workflows."""

from collections.abc import Iterable, Sequence

from loreloom.activities.signatures.arc import ArcRef
from loreloom.activities.signatures.weather import RegionRef
from loreloom.domain.arc import ArcDefinition
from loreloom.domain.calendar import Calendar
from loreloom.domain.climates import ClimateBook
from loreloom.domain.ids import (
    ArcId,
    PlayerId,
    WorldId,
    arc_workflow_id,
    clock_workflow_id,
    weather_workflow_id,
)
from loreloom.domain.sky import Sky
from loreloom.state.regions import RegionRecord
from loreloom.state.starts import PlannedStart
from loreloom.state.worlds import WorldRecord
from loreloom.workflows.signatures import (
    ARC,
    REGION_WEATHER,
    WORLD_CLOCK,
    ArcInput,
    ClockInput,
    WeatherInput,
)


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


def arc_start(
    arc_id: ArcId, world_id: WorldId, player_id: PlayerId | None, definition: ArcDefinition
) -> PlannedStart:
    """The workflow of an arc."""
    ref = ArcRef(arc_id=arc_id, world_id=world_id, player_id=player_id)
    return PlannedStart(
        workflow_id=arc_workflow_id(arc_id),
        workflow=ARC,
        input=ArcInput(arc=ref, definition=definition).model_dump(mode="json"),
    )
