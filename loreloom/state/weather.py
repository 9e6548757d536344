"""Telling of the weather as it changes, and making weather: each change is told once.

What was told last stands in the region's row, which is locked while more is told. So a step that
runs twice, or again after a reset, finds its changes told, and nothing hangs on the memory of the
workflow that runs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Row, func, insert, select, update

from loreloom.domain.calendar import HOUR
from loreloom.domain.clock import Clock
from loreloom.domain.ids import WorldId
from loreloom.domain.imposed import (
    HORIZON_HOURS,
    Change,
    Imposition,
    Standing,
    changes,
    next_change,
    next_look,
    standing_at,
)
from loreloom.domain.sky import Sky, hours_of
from loreloom.domain.weather import Weather
from loreloom.state.regions import imposed_since, sky_of
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.weather import ImposedWeather
from loreloom.state.tables.worlds import Region, World
from loreloom.state.worlds import record_of


class Cause(StrEnum):
    """Why a weather came: by the sky's own course, because it was made, or because that ended."""

    SKY = "sky"
    IMPOSED = "imposed"
    CLEARED = "cleared"


class ToldWeather(BaseModel):
    """A region's weather after all is told: its state, and the clock and moment it goes on from.

    ``next_look`` is the game second at which to look again: that of the next change, or an earlier
    one if it is not in sight. ``None`` if only an order can bring a change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Weather
    next_look: int | None
    clock: Clock


class WeatherOrder(BaseModel):
    """A weather to make, or to clear if ``state`` is ``None``; ``key`` makes it count once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world_id: WorldId
    region: str
    at: AwareDatetime
    key: str
    state: Weather | None
    hours: float | None = None
    by: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A region that is locked, as it was told last and as it stands at a moment."""

    world_id: WorldId
    region: str
    sky: Sky
    clock: Clock
    now: int
    row: Row[Any]
    imposed: tuple[Imposition, ...]


async def tell_weather(
    store: Store, world_id: WorldId, region: str, at: datetime
) -> ToldWeather | None:
    """Tell each change since the last look, in order. ``None`` if there is no such region.

    A region that is more than a day of game time behind is told of as it is now, no more.
    """
    async with store.transaction() as tx:
        place = await _locked(tx, world_id, region, at)
        if place is None:
            return None
        standing = await _tell(tx, place)
    return ToldWeather(
        state=standing.state,
        next_look=next_look(place.sky, place.imposed, place.now),
        clock=place.clock,
    )


async def impose_weather(store: Store, order: WeatherOrder) -> Imposition | None:
    """Make or clear a weather and tell of it, once. ``None`` if there is no such region.

    What is returned for a cleared weather is the sky's own, until its next change.
    """
    async with store.transaction() as tx:
        # Readers have been told otherwise until now, also while the order was on its way.
        now = (await tx.run(select(func.clock_timestamp()))).scalar_one()
        order = order.model_copy(update={"at": max(order.at, now)})
        place = await _locked(tx, order.world_id, order.region, order.at)
        if place is None:
            return None
        await _tell(tx, place)
        if order.state is None:
            return await _clear(tx, place, order)
        made = await _made_before(tx, order)
        return made or await _make(tx, place, order, order.state)


async def _make(tx: Transaction, place: _Place, order: WeatherOrder, state: Weather) -> Imposition:
    await tx.run(
        update(ImposedWeather)
        .where(*_here(order), ImposedWeather.until_seconds.is_(None))
        .values(until_seconds=place.now)
    )
    newest = await tx.run(select(func.max(ImposedWeather.number)).where(*_here(order)))
    made = Imposition(
        number=(newest.scalar_one() or 0) + 1,
        state=state,
        from_seconds=place.now,
        until_seconds=_end(place.now, order.hours),
        by=order.by,
    )
    row = {"world_id": order.world_id, "region": order.region, "key": order.key}
    await tx.run(insert(ImposedWeather).values(**row, **made.model_dump()))
    await _tell_again(tx, place, order.at)
    return made


async def _clear(tx: Transaction, place: _Place, order: WeatherOrder) -> Imposition:
    if await tx.first_time(f"weather/{order.world_id}/{order.region}/{order.key}"):
        lasting = ImposedWeather.until_seconds
        await tx.run(
            update(ImposedWeather)
            .where(*_here(order), lasting.is_(None) | (lasting > place.now))
            .values(until_seconds=place.now, cleared=True)
        )
        place = await _tell_again(tx, place, order.at)
    standing = standing_at(place.sky, place.imposed, place.now)
    following = next_change(place.sky, place.imposed, place.now)
    return standing.imposition or Imposition(
        number=0,
        state=standing.state,
        from_seconds=place.now,
        until_seconds=following.seconds if following else None,
        by=order.by,
    )


async def _made_before(tx: Transaction, order: WeatherOrder) -> Imposition | None:
    query = select(ImposedWeather.__table__).where(*_here(order), ImposedWeather.key == order.key)
    row = (await tx.run(query)).first()
    return None if row is None else Imposition.model_validate(row, from_attributes=True)


async def _tell_again(tx: Transaction, place: _Place, at: datetime) -> _Place:
    """Tell of what an order has just changed."""
    again = await _locked(tx, place.world_id, place.region, at)
    if again is None:
        raise LookupError(f"the region {place.region} is gone")
    await _tell(tx, again)
    return again


async def _locked(tx: Transaction, world_id: WorldId, region: str, at: datetime) -> _Place | None:
    """The region's row, locked until the commit, and all that its weather follows from."""
    of_region = (Region.world_id == world_id, Region.region == region)
    row = (await tx.run(select(Region.__table__).where(*of_region).with_for_update())).first()
    if row is None:
        return None
    found = await tx.run(select(World.__table__).where(World.world_id == world_id))
    world = record_of(found.one())
    # What has been told stays told, whichever clock a look that comes late was sent with.
    now = max(world.clock.game_seconds(at), row.weather_through or 0)
    since = now if row.weather_through is None else row.weather_through
    return _Place(
        world_id=world_id,
        region=region,
        sky=await sky_of(tx.connection, row, world.seed, world.calendar),
        clock=world.clock,
        now=now,
        row=row,
        imposed=await imposed_since(tx.connection, world_id, region, since),
    )


async def _tell(tx: Transaction, place: _Place) -> Standing:
    """Tell what has changed since the last look, and keep what was told."""
    told, standing = 0, standing_at(place.sky, place.imposed, place.now)
    if place.row.weather_through is not None:
        news = _news(place)
        for number, change in enumerate(news):
            until = news[number + 1].seconds if number + 1 < len(news) else None
            tx.tell(_event(place, change, number, until))
        told = len(news)
    await tx.run(
        update(Region)
        .where(Region.world_id == place.world_id, Region.region == place.region)
        .values(
            weather=standing.state.value,
            weather_imposition=standing.imposition.number if standing.imposition else None,
            weather_through=place.now,
            weather_told=place.row.weather_told + told,
        )
    )
    return standing


def _news(place: _Place) -> list[Change]:
    """What is to be told: the changes since the last look, or the present after a long sleep."""
    through: int = place.row.weather_through
    first = _standing_from(place, through)
    due = next_look(place.sky, place.imposed, through)
    if due is None or due > place.now:
        return [first] if _is_news(place, first) else []
    if place.now - due <= place.sky.calendar.seconds_per_day:
        news = [*changes(place.sky, place.imposed, through, place.now)]
        return [first, *news] if _is_news(place, first) else news
    # Only how it stands now, and since when.
    since = max(through, place.now - HORIZON_HOURS * HOUR)
    first = _standing_from(place, since)
    (last,) = [first, *changes(place.sky, place.imposed, since, place.now)][-1:]
    return [last] if _is_news(place, last) else []


def _standing_from(place: _Place, seconds: int) -> Change:
    return Change(seconds=seconds, standing=standing_at(place.sky, place.imposed, seconds))


def _is_news(place: _Place, change: Change) -> bool:
    made = change.standing.imposition
    told = (place.row.weather, place.row.weather_imposition)
    return told != (change.standing.state.value, made.number if made else None)


def _event(place: _Place, change: Change, number: int, until: int | None) -> Event:
    standing, told = change.standing, place.row.weather_told + number + 1
    if until is None:
        following = next_change(place.sky, place.imposed, change.seconds)
        until = following.seconds if following else None
    (hour,) = hours_of(place.sky, change.seconds // HOUR, [standing.state])
    made = standing.imposition
    return Event(
        world_id=place.world_id,
        key=f"weather/{place.region}/{told}",
        kind="weather.changed",
        subject=f"region/{place.region}",
        game_seconds=change.seconds,
        data={
            "region": place.region,
            "cause": _cause(place.imposed, change),
            "since": change.seconds,
            "until": until,
            **hour.model_dump(mode="json", exclude={"hour"}),
            **({"by": made.by} if made else {}),
        },
    )


def _cause(imposed: Sequence[Imposition], change: Change) -> Cause:
    if change.standing.imposition is not None:
        return Cause.IMPOSED
    ended = any(i.cleared and i.until_seconds == change.seconds for i in imposed)
    return Cause.CLEARED if ended else Cause.SKY


def _here(order: WeatherOrder) -> tuple[Any, ...]:
    return (ImposedWeather.world_id == order.world_id, ImposedWeather.region == order.region)


def _end(now: int, hours: float | None) -> int | None:
    return None if hours is None else now + max(1, round(hours * HOUR))
