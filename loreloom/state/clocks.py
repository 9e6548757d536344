"""Telling of time as it passes, and changing clocks: each boundary and change is told once.

Up to which second all is told stands in the world's row, which is locked while more is told. So a
step that runs twice, or again after a reset, finds its boundaries told, and nothing hangs on the
memory of the workflow that runs it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Row, func, select, update

from loreloom.domain.boundaries import Boundary, boundaries, next_boundary, tally
from loreloom.domain.calendar import Calendar
from loreloom.domain.clock import Clock, ClockChange, changed
from loreloom.domain.ids import WorldId, clock_workflow_id
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.worlds import Region, World
from loreloom.state.worlds import clock_of


class TimeTold(BaseModel):
    """A world's time after all is told: its clock, and the game second up to which all is told.

    ``next_seconds`` is the game second of the next boundary.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clock: Clock
    calendar: Calendar
    told: int
    next_seconds: int


class ClockOrder(BaseModel):
    """A change of a world's clock; ``key`` makes it count once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world_id: WorldId
    at: AwareDatetime
    key: str
    change: ClockChange


async def tell_time(store: Store, world_id: WorldId, at: datetime) -> TimeTold | None:
    """Tell every boundary up to a moment that is not told yet. ``None`` if there is no such world.

    A world that is more than a day of game time behind is told of in one entry, which counts them.
    """
    async with store.transaction() as tx:
        row = await _locked(tx, world_id)
        if row is None:
            return None
        calendar, clock = Calendar.model_validate(row.calendar), clock_of(row)
        told = max(row.clock_told, clock.game_seconds(at))
        following = next_boundary(calendar, row.clock_told)
        if following.at <= told:
            slept = told - following.at > calendar.seconds_per_day
            news = _sleep(calendar, row, told) if slept else _news(calendar, row, told)
            tx.tell(*news)
            await tx.run(update(World).where(World.world_id == world_id).values(clock_told=told))
            following = next_boundary(calendar, told)
    return TimeTold(clock=clock, calendar=calendar, told=told, next_seconds=following.at)


async def change_clock(store: Store, order: ClockOrder) -> Clock | None:
    """Change a clock and tell of it, once; returns the clock that counts after it.

    ``None`` if there is no such world. Raises ``Refusal`` if the rules do not allow the change.
    """
    async with store.transaction() as tx:
        row = await _locked(tx, order.world_id)
        if row is None:
            return None
        before, key = clock_of(row), f"{clock_workflow_id(order.world_id)}/{order.key}"
        if not await tx.first_time(key):
            return before
        # Readers have computed with the old clock until now, also while the order was on its way.
        now = (await tx.run(select(func.clock_timestamp()))).scalar_one()
        moment = max(order.at, now)
        after = changed(before, order.change, moment)
        await tx.run(
            update(World)
            .where(World.world_id == order.world_id)
            .values(
                clock_anchor=after.anchor,
                game_anchor=after.game_anchor,
                game_micros=after.game_micros,
                scale=after.scale,
                paused=after.paused,
            )
        )
        tx.tell(
            Event(
                world_id=order.world_id,
                key=key,
                kind="clock.changed",
                subject=order.world_id,
                game_seconds=after.game_anchor,
                data={
                    "scale": after.scale,
                    "paused": after.paused,
                    "skipped_seconds": after.game_anchor - before.game_seconds(moment),
                },
            )
        )
        return after


async def region_names(store: Store, world_id: WorldId) -> tuple[str, ...]:
    """The names of a world's regions, in their order."""
    query = select(Region.region).where(Region.world_id == world_id).order_by(Region.region)
    async with store.reading() as connection:
        return tuple((await connection.execute(query)).scalars())


async def _locked(tx: Transaction, world_id: WorldId) -> Row[Any] | None:
    """The world's row, locked until the commit."""
    query = select(
        World.world_id,
        World.calendar,
        World.clock_anchor,
        World.game_anchor,
        World.game_micros,
        World.scale,
        World.paused,
        World.clock_told,
    )
    return (await tx.run(query.where(World.world_id == world_id).with_for_update())).first()


def _news(calendar: Calendar, row: Row[Any], through: int) -> Iterator[Event]:
    for boundary in boundaries(calendar, row.clock_told, through):
        yield Event(
            world_id=row.world_id,
            key=f"{clock_workflow_id(row.world_id)}/{boundary.at}/{boundary.kind}",
            kind=boundary.kind,
            subject=row.world_id,
            game_seconds=boundary.at,
            data=_said(boundary),
        )


def _said(boundary: Boundary) -> dict[str, Any]:
    return {} if boundary.name is None else {"name": boundary.name}


def _sleep(calendar: Calendar, row: Row[Any], through: int) -> Iterator[Event]:
    yield Event(
        world_id=row.world_id,
        key=f"{clock_workflow_id(row.world_id)}/{through}/clock.caught_up",
        kind="clock.caught_up",
        subject=row.world_id,
        game_seconds=through,
        data={
            "from": calendar.read(row.clock_told).model_dump(mode="json"),
            "to": calendar.read(through).model_dump(mode="json"),
            "counts": dict(tally(calendar, row.clock_told, through)),
        },
    )
