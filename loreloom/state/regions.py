"""The regions of a world: under which sky each lies, and what weather was made there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, insert, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from loreloom.domain.calendar import Calendar
from loreloom.domain.climate import Climate
from loreloom.domain.climates import TEMPERATE
from loreloom.domain.ids import WorldId
from loreloom.domain.imposed import Imposition, standing_at
from loreloom.domain.sky import Sky
from loreloom.domain.weather import Weather
from loreloom.state.store import GAME_SECONDS, Transaction
from loreloom.state.tables.weather import ClimateDefinition, ImposedWeather
from loreloom.state.tables.worlds import Region, World


class RegionRecord(BaseModel):
    """A region, its sky, and the weather that was made there and has not ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    sky: Sky
    imposed: tuple[Imposition, ...] = ()

    def weather_at(self, game_seconds: int) -> Weather:
        """The weather at a moment of game time, now or to come."""
        return standing_at(self.sky, self.imposed, game_seconds).state


# A definition never changes under its digest, so one that was read need not be read again.
_known: dict[str, Climate] = {TEMPERATE.digest: TEMPERATE}


async def add_regions(tx: Transaction, world_id: WorldId, regions: Sequence[RegionRecord]) -> None:
    """Add regions to a world, with the climates that they have."""
    if not regions:
        return
    climates = {region.sky.climate.digest: region.sky.climate for region in regions}
    for digest, climate in sorted(climates.items()):
        definition = climate.model_dump(mode="json")
        await tx.run(
            pg_insert(ClimateDefinition)
            .values(digest=digest, definition=definition)
            .on_conflict_do_nothing()
        )
    await tx.run(
        insert(Region),
        [
            {
                "world_id": world_id,
                "region": region.region,
                "climate": region.sky.climate.digest,
                "sky": region.sky.name,
            }
            for region in regions
        ],
    )


async def regions_of(
    connection: AsyncConnection, world_id: WorldId, seed: int, calendar: Calendar
) -> tuple[RegionRecord, ...]:
    """The regions of a world by their names, with what was made and has not ended."""
    query = select(Region.region, Region.climate, Region.sky).where(Region.world_id == world_id)
    rows = (await connection.execute(query.order_by(Region.region))).all()
    if not rows:
        return ()
    climates = await _climates(connection, {row.climate for row in rows if row.climate})
    imposed = await _imposed(connection, world_id)
    return tuple(
        RegionRecord(
            region=row.region,
            sky=_sky(row, climates, seed, calendar),
            imposed=tuple(imposed[row.region]),
        )
        for row in rows
    )


async def sky_of(connection: AsyncConnection, row: Any, seed: int, calendar: Calendar) -> Sky:
    """The sky of a region's row, in a world of that seed and calendar."""
    climates = await _climates(connection, {row.climate} if row.climate else ())
    return _sky(row, climates, seed, calendar)


async def imposed_since(
    connection: AsyncConnection, world_id: WorldId, region: str, seconds: int
) -> tuple[Imposition, ...]:
    """What was made in a region and was in force after a moment of game time."""
    query = (
        select(ImposedWeather.__table__)
        .where(
            ImposedWeather.world_id == world_id,
            ImposedWeather.region == region,
            or_(ImposedWeather.until_seconds.is_(None), ImposedWeather.until_seconds >= seconds),
        )
        .order_by(ImposedWeather.number)
    )
    return tuple(_imposition(row) for row in (await connection.execute(query)).all())


async def _imposed(
    connection: AsyncConnection, world_id: WorldId
) -> Mapping[str, list[Imposition]]:
    now: ColumnElement[int] = literal_column(GAME_SECONDS)
    query = (
        select(ImposedWeather.__table__)
        .join(World, World.world_id == ImposedWeather.world_id)
        .where(
            ImposedWeather.world_id == world_id,
            or_(ImposedWeather.until_seconds.is_(None), ImposedWeather.until_seconds > now),
        )
        .order_by(ImposedWeather.number)
    )
    by_region: dict[str, list[Imposition]] = defaultdict(list)
    for row in (await connection.execute(query)).all():
        by_region[row.region].append(_imposition(row))
    return by_region


async def _climates(connection: AsyncConnection, digests: Iterable[str]) -> Mapping[str, Climate]:
    missing = [digest for digest in digests if digest not in _known]
    if missing:
        query = select(ClimateDefinition.__table__).where(ClimateDefinition.digest.in_(missing))
        for row in (await connection.execute(query)).all():
            _known[row.digest] = Climate.model_validate(row.definition)
    return _known


def _sky(row: Any, climates: Mapping[str, Climate], seed: int, calendar: Calendar) -> Sky:
    # A region of before there were climates has none.
    climate = climates[row.climate] if row.climate else TEMPERATE
    return Sky(name=row.sky or row.region, seed=seed, climate=climate, calendar=calendar)


def _imposition(row: object) -> Imposition:
    return Imposition.model_validate(row, from_attributes=True)
