"""A world's own life: its state, lived day by day, each day in one transaction and once."""

import re
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter
from sqlalchemy import Row, delete, select, tuple_, update
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import FactId, WorldId
from loreloom.domain.living.aftermath import Aftermath, Rumour, aftermath_of, facts_of
from loreloom.domain.living.content import LifeContent
from loreloom.domain.living.day import live_day
from loreloom.domain.living.shifts import FactionShift, shifted
from loreloom.domain.living.world import Happening, LivingWorld, beginning, fitted
from loreloom.state.paging import Page, page_of
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.life import LivingRow, OpeningRow, RumourRow
from loreloom.state.tables.worlds import Fact
from loreloom.state.worlds import WorldRecord

ASLEEP = 3
"""A world that is more days behind than this is told as having slept, not day by day."""

SOURCE = "life/"
"""What the source of every fact begins with that a world's own life has made."""

_STATE = TypeAdapter(LivingWorld)
_PLACE = re.compile(r"(\d{1,9})/(\d{1,9})/(.+)")


class RumourRecord(BaseModel):
    """What is said in some regions. Days are the world's, counted from 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rumour_id: str
    text: str
    about: tuple[str, ...]
    regions: tuple[str, ...]
    day: int
    until_day: int


class RumourPlace(NamedTuple):
    """Where in the list a rumour stands. It stays there when nobody says it any more."""

    day: int
    weight: int
    rumour_id: str

    @classmethod
    def read(cls, cursor: str) -> "RumourPlace":
        """The place that a page's ``next`` tells of. Raises ``ValueError``."""
        found = _PLACE.fullmatch(cursor)
        if found is None:
            raise ValueError(f"{cursor!r} is no place in a list of rumours")
        day, weight, rumour_id = found.groups()
        return cls(int(day), int(weight), rumour_id)

    def __str__(self) -> str:
        return f"{self.day}/{self.weight}/{self.rumour_id}"


def content_of(content: LifeContent, world: WorldRecord) -> LifeContent:
    """The part of the content that lives in a world: none in a world of another canon."""
    regions = [r.region for r in world.regions] if world.canon == content.canon else []
    return content.within(regions)


async def find_living(store: Store, world: WorldRecord, content: LifeContent) -> LivingWorld:
    """Where a world's own life stands; before its first day, as it begins."""
    here = content_of(content, world)
    query = select(LivingRow.state).where(LivingRow.world_id == world.world_id)
    async with store.reading() as connection:
        state = (await connection.execute(query)).scalar_one_or_none()
    return beginning(here) if state is None else fitted(_STATE.validate_python(state), here)


async def live_next_day(
    store: Store, world: WorldRecord, content: LifeContent, through_day: int
) -> int | None:
    """Live the day after the last one lived, with all that comes of it, in one transaction.

    Returns the day, or ``None`` if the world has lived through ``through_day`` already.
    """
    here = content_of(content, world)
    async with store.transaction() as tx:
        row = await _locked(tx, world.world_id, here)
        if row.day >= through_day:
            return None
        day: int = row.day + 1
        season = world.calendar.read(day * world.calendar.seconds_per_day).season
        before = fitted(_STATE.validate_python(row.state), here)
        after, happenings = live_day(before, day, world.seed, here, season)
        left = aftermath_of(after, happenings, world.seed, here)
        await _keep_facts(tx, world.world_id, f"{SOURCE}{day}", facts_of(after, here))
        await _keep_aftermath(tx, world.world_id, day, through_day, left)
        asleep_since, untold = _sleep(row, through_day, left)
        if asleep_since is None:
            tx.tell(*_day_told(world.world_id, day, left))
        elif day == through_day:
            tx.tell(_caught_up(world.world_id, asleep_since, day, untold))
            asleep_since, untold = None, 0
        await tx.run(
            update(LivingRow)
            .where(LivingRow.world_id == world.world_id)
            .values(
                day=day,
                state=_STATE.dump_python(after, mode="json"),
                asleep_since=asleep_since,
                untold=untold,
                updated_at=sql.now(),
            )
        )
        return day


async def tell_failure(store: Store, world_id: WorldId, through_day: int, error: str) -> None:
    """Tell that a world does not get on with its days, once for each day it is to live through."""
    key = f"life/failed/{through_day}"
    async with store.transaction() as tx:
        if not await tx.first_time(f"{world_id}/{key}"):
            return
        query = select(LivingRow.day).where(LivingRow.world_id == world_id)
        lived = (await tx.run(query)).scalar_one_or_none() or 0
        tx.tell(
            Event(
                world_id=world_id,
                key=key,
                kind="life.failed",
                subject=world_id,
                data={"day": lived + 1, "through_day": through_day, "error": error},
            )
        )


class Shift(BaseModel):
    """What a story changes in a world's own life, by faction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: WorldRecord
    content: LifeContent
    factions: dict[str, FactionShift]


async def shift(tx: Transaction, wanted: Shift, by: str) -> None:
    """Shift factions, between two days; what is so of them by itself changes with it.

    ``by`` says whose doing that is: the facts that come of it have it in their source, and are
    taken back like the world's own when they are over. Raises ``CannotShift`` for what the world
    lacks, and for a seat, which stays with its faction.
    """
    here = content_of(wanted.content, wanted.world)
    world_id = wanted.world.world_id
    row = await _locked(tx, world_id, here)
    before = fitted(_STATE.validate_python(row.state), here)
    after = shifted(before, wanted.factions, here.seats)
    await _keep_facts(tx, world_id, f"{SOURCE}{row.day}/{by}", facts_of(after, here))
    await tx.run(
        update(LivingRow)
        .where(LivingRow.world_id == world_id)
        .values(state=_STATE.dump_python(after, mode="json"), updated_at=sql.now())
    )


async def list_rumours(
    store: Store,
    world_id: WorldId,
    day: int,
    *,
    region: str | None = None,
    after: RumourPlace | None = None,
    limit: int,
) -> Page[RumourRecord]:
    """What is said on a day, everywhere or in one region, the newest first."""
    table = RumourRow.__table__
    query = (
        select(table)
        .where(RumourRow.world_id == world_id, RumourRow.until_day > day)
        .order_by(RumourRow.day.desc(), RumourRow.weight.desc(), RumourRow.rumour_id)
        .limit(limit + 1)
    )
    if region is not None:
        query = query.where(RumourRow.regions.contains([region]))
    if after is not None:
        place = tuple_(-RumourRow.day, -RumourRow.weight, RumourRow.rumour_id)
        query = query.where(place > tuple_(-after.day, -after.weight, after.rumour_id))
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    page = page_of(rows, limit, lambda row: str(RumourPlace(row.day, row.weight, row.rumour_id)))
    return Page(items=tuple(_rumour(row) for row in page.items), next=page.next)


async def _locked(tx: Transaction, world_id: WorldId, content: LifeContent) -> Row[Any]:
    """The world's row, made if it is its first day, and held until the day is lived."""
    fresh = _STATE.dump_python(beginning(content), mode="json")
    await tx.run(
        pg_insert(LivingRow).values(world_id=world_id, day=0, state=fresh).on_conflict_do_nothing()
    )
    table = LivingRow.__table__
    held = await tx.run(select(table).where(LivingRow.world_id == world_id).with_for_update())
    return held.one()


def _sleep(row: Row[Any], through_day: int, left: Aftermath) -> tuple[int | None, int]:
    """Since which day the world sleeps, and how much that is notable it has slept through."""
    asleep_since: int | None = row.asleep_since
    if asleep_since is None and through_day - row.day <= ASLEEP:
        return None, 0
    return (row.day if asleep_since is None else asleep_since), row.untold + len(left.told)


async def _keep_facts(
    tx: Transaction, world_id: WorldId, source: str, facts: dict[FactId, str]
) -> None:
    """Make the world's own facts what they are now; what others made known is left alone."""
    own = (Fact.world_id == world_id, Fact.player_id == "", Fact.source.startswith(SOURCE))
    were = {row.fact for row in await tx.run(select(Fact.fact).where(*own))}
    over = sorted(were - set(facts))
    if over:
        await tx.run(delete(Fact).where(*own, Fact.fact.in_(over)))
    new = [
        {"world_id": world_id, "player_id": "", "fact": fact, "source": source}
        for fact in facts
        if fact not in were
    ]
    if new:
        await tx.run(pg_insert(Fact).on_conflict_do_nothing(), new)


async def _keep_aftermath(
    tx: Transaction, world_id: WorldId, day: int, through_day: int, left: Aftermath
) -> None:
    """Keep the rumours and openings that outlast the days to be lived; drop what is over."""
    await tx.run(
        delete(RumourRow).where(RumourRow.world_id == world_id, RumourRow.until_day <= day)
    )
    await tx.run(
        delete(OpeningRow).where(
            OpeningRow.world_id == world_id,
            OpeningRow.until_day <= day,
            OpeningRow.quest_id.is_(None),
        )
    )
    rumours = [r for r in left.rumours if r.until_day > through_day]
    openings = [o for o in left.openings if o.until_day > through_day]
    if rumours:
        await tx.run(
            pg_insert(RumourRow).on_conflict_do_nothing(),
            [
                {
                    "world_id": world_id,
                    "rumour_id": r.rumour_id,
                    "text": r.text,
                    "about": list(r.about),
                    "regions": list(r.regions),
                    "day": r.day,
                    "until_day": r.until_day,
                    "weight": r.weight,
                }
                for r in rumours
            ],
        )
    if openings:
        await tx.run(
            pg_insert(OpeningRow).on_conflict_do_nothing(),
            [
                {
                    "world_id": world_id,
                    "opening_id": o.opening_id,
                    "kind": o.kind,
                    "giver": o.giver,
                    "region": o.region,
                    "reason": o.reason,
                    "why": o.why,
                    "day": o.day,
                    "until_day": o.until_day,
                    "weight": o.weight,
                }
                for o in openings
            ],
        )


def _day_told(world_id: WorldId, day: int, left: Aftermath) -> list[Event]:
    whispered = left.rumours[len(left.told) :]
    return [
        *(_happened(world_id, n, happening) for n, happening in enumerate(left.told)),
        *(_whispered(world_id, day, rumour) for rumour in whispered),
    ]


def _happened(world_id: WorldId, number: int, happening: Happening) -> Event:
    subject = f"faction/{happening.who[0]}" if happening.who else f"region/{happening.region}"
    return Event(
        world_id=world_id,
        key=f"life/{happening.day}/{number}",
        kind=happening.kind,
        subject=subject,
        data={
            "day": happening.day,
            "who": list(happening.who),
            "region": happening.region,
            "told": happening.told,
            "why": happening.why,
        },
    )


def _whispered(world_id: WorldId, day: int, rumour: Rumour) -> Event:
    return Event(
        world_id=world_id,
        key=f"life/{day}/rumour/{rumour.rumour_id}",
        kind="rumour.begun",
        subject=f"region/{rumour.regions[0]}",
        data={
            "rumour_id": rumour.rumour_id,
            "text": rumour.text,
            "regions": list(rumour.regions),
            "until_day": rumour.until_day,
        },
    )


def _caught_up(world_id: WorldId, since: int, day: int, notable: int) -> Event:
    return Event(
        world_id=world_id,
        key=f"life/caught_up/{day}",
        kind="life.caught_up",
        subject=world_id,
        data={"from_day": since + 1, "through_day": day, "notable": notable},
    )


def _rumour(row: Row[Any]) -> RumourRecord:
    return RumourRecord(
        rumour_id=row.rumour_id,
        text=row.text,
        about=tuple(row.about),
        regions=tuple(row.regions),
        day=row.day,
        until_day=row.until_day,
    )
