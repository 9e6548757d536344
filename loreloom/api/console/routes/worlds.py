"""Worlds: the list, and one world as it stands now."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from loreloom.api.console.forecast_picture import ForecastPicture, picture_of
from loreloom.api.console.pages import fragment, page
from loreloom.api.console.session import Reader
from loreloom.api.console.tellings import Telling, may_see, telling_of
from loreloom.api.context import context_of
from loreloom.api.forecasts import forecast_view
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.lookups import the_world, view_of
from loreloom.api.schemas.fields import After, WorldIdPath
from loreloom.api.schemas.weather import WeatherNow
from loreloom.api.schemas.worlds import WorldView
from loreloom.api.shaping import world_summary
from loreloom.domain.ids import EntityId, PlayerId, WorldId
from loreloom.domain.living.world import ALLIED, FEUDING, Faction, LivingWorld
from loreloom.state import life, worlds
from loreloom.state.chronicle import read
from loreloom.state.generations import OF_THE_WORLD, tokens_spent
from loreloom.state.keys import KeyIdentity
from loreloom.state.worlds import WorldRecord

PAGE = 50
NEWEST = 120
FORECAST_HOURS = 48

router = APIRouter()


@dataclass(frozen=True, slots=True)
class RegionSeen:
    """A region with its weather now and to come."""

    name: str
    now: WeatherNow
    forecast: ForecastPicture


@dataclass(frozen=True, slots=True)
class FactionSeen:
    """A faction with what it has; ``stands`` is ``None`` of one that does not live by itself."""

    name: str
    entity_id: EntityId | None
    stands: Faction | None
    holds: tuple[str, ...]
    allies: tuple[str, ...]
    foes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorldSeen:
    """A world as it stands; ``spent`` are the tokens that it has used today."""

    world: WorldView
    regions: tuple[RegionSeen, ...]
    factions: tuple[FactionSeen, ...]
    spent: int


@router.get("/worlds")
async def list_worlds(request: Request, reader: Reader, after: After = None) -> Response:
    """All worlds."""
    store = context_of(request).parts.store
    found = await worlds.list_worlds(store, after=from_cursor("worlds", after), limit=PAGE)
    now = datetime.now(UTC)
    return page(
        request,
        "worlds.html",
        worlds=[world_summary(world, now) for world in found.items],
        next=to_cursor("worlds", found.next),
    )


@router.get("/worlds/{world_id}")
async def show_world(request: Request, reader: Reader, world_id: WorldIdPath) -> Response:
    """One world: its time, weather, factions, and what happens now."""
    seen = await _seen(request, world_id)
    entries = await newest(request, reader, world_id, seen.world.chronicle_head)
    return page(request, "world.html", world=seen.world, seen=seen, entries=entries)


@router.get("/worlds/{world_id}/now")
async def show_world_now(request: Request, reader: Reader, world_id: WorldIdPath) -> Response:
    """How the world stands, anew, for a page that is open already."""
    return HTMLResponse(fragment("_world.html", seen=await _seen(request, world_id)))


async def newest(
    request: Request, reader: KeyIdentity, world_id: WorldId, head: int
) -> list[Telling]:
    """The newest entries of a world, the newest first, as far as the reader may see them."""
    entries = await read(
        context_of(request).parts.store, world_id, after=max(0, head - NEWEST), limit=NEWEST
    )
    return [telling_of(entry) for entry in reversed(entries) if may_see(reader, entry)]


async def _seen(request: Request, world_id: WorldId) -> WorldSeen:
    context = context_of(request)
    store = context.parts.store
    view = await view_of(request, world_id)
    record = await the_world(request, world_id)
    now = datetime.now(UTC)
    living = await life.find_living(store, record, context.parts.config.life)
    entities = {faction.name: faction.entity_id for faction in view.factions}
    spent = await tokens_spent(store, world_id, PlayerId(OF_THE_WORLD))
    return WorldSeen(
        world=view,
        # Two days of forty regions are a tenth of a second, in which players wait for the process.
        regions=await asyncio.to_thread(_regions, record, view, now),
        factions=_factions(entities, living),
        spent=spent.by_world,
    )


def _regions(record: WorldRecord, view: WorldView, now: datetime) -> tuple[RegionSeen, ...]:
    return tuple(
        RegionSeen(
            region.region,
            view.weather[region.region],
            picture_of(forecast_view(record, region, now, FORECAST_HOURS)),
        )
        for region in record.regions
    )


def _factions(entities: dict[str, EntityId], living: LivingWorld) -> tuple[FactionSeen, ...]:
    return tuple(
        FactionSeen(
            name=name,
            entity_id=entities.get(name),
            stands=living.factions.get(name),
            holds=living.holdings(name),
            allies=tuple(o for o in _others(living, name) if living.between(name, o) >= ALLIED),
            foes=tuple(o for o in _others(living, name) if living.between(name, o) <= FEUDING),
        )
        for name in sorted({*entities, *living.factions})
    )


def _others(living: LivingWorld, name: str) -> list[str]:
    if name not in living.factions:
        return []
    return [other for other in living.factions if other != name]
