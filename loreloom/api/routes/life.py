"""What a world does by itself and remembers: factions, prices, rumours, characters and facts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import ApiError, ErrorCode, invalid
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import the_player, the_region, the_world
from loreloom.api.schemas.fields import ID, NAME, After, Limit, RegionPath, WorldIdPath
from loreloom.api.schemas.life import (
    CharacterPath,
    CharacterView,
    FactionLife,
    FactionList,
    FactList,
    FactView,
    MakeKnown,
    MemoryView,
    PriceList,
    PriceView,
    RumourList,
    RumourView,
)
from loreloom.domain.calendar import GameTime
from loreloom.domain.ids import FactId, PlayerId
from loreloom.domain.living.aftermath import facts_of
from loreloom.domain.living.characters import mood_in_words, place_of
from loreloom.domain.living.content import LifeContent
from loreloom.domain.living.markets import price_of
from loreloom.domain.living.memories import recall
from loreloom.domain.living.world import LivingWorld
from loreloom.state import facts, life, memories
from loreloom.state.facts import FactRecord
from loreloom.state.worlds import WorldRecord

MEMORY_TOKENS = 1000
"""About so many tokens of memories are given at most."""

router = APIRouter(tags=["life"])
OfPlayer = Annotated[PlayerId | None, Query(pattern=ID, description="The player that is meant.")]


@router.get(
    "/v1/worlds/{world_id}/factions",
    operation_id="list_factions",
    response_model=FactionList,
    responses=problems(404),
)
async def list_factions(request: Request, caller: AnyCaller, world_id: WorldIdPath) -> Response:
    """The factions of a world: what they have, hold and want, and how they regard each other."""
    _, content, living = await _living(request, world_id)
    return answer(
        FactionList(
            day=living.day,
            items=tuple(
                FactionLife(
                    name=faction.name,
                    goals=living.wants(faction),
                    wealth=living.factions[faction.name].wealth,
                    strength=living.factions[faction.name].strength,
                    seat=faction.seat,
                    holds=living.holdings(faction.name),
                    relations={
                        other: living.between(faction.name, other)
                        for other in living.factions
                        if other != faction.name
                    },
                )
                for faction in content.factions
            ),
        )
    )


@router.get(
    "/v1/worlds/{world_id}/rumours",
    operation_id="list_rumours",
    response_model=RumourList,
    responses=problems(404, 422),
)
async def list_rumours(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    region: Annotated[str | None, Query(max_length=100, pattern=NAME)] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """What is said now, everywhere or in one region, the newest first."""
    world = await the_world(request, world_id)
    if region is not None:
        the_region(world, region)
    page = await life.list_rumours(
        context_of(request).parts.store,
        world_id,
        _now(world).seconds // world.calendar.seconds_per_day,
        region=region,
        after=_rumour_after(after),
        limit=limit,
    )
    return answer(
        RumourList(
            items=tuple(RumourView(**rumour.model_dump()) for rumour in page.items),
            next=to_cursor("rumours", page.next),
        )
    )


def _rumour_after(after: str | None) -> life.RumourPlace | None:
    cursor = from_cursor("rumours", after)
    try:
        return None if cursor is None else life.RumourPlace.read(cursor)
    except ValueError:
        raise invalid("after", "this is no cursor of this list") from None


@router.get(
    "/v1/worlds/{world_id}/regions/{region}/prices",
    operation_id="list_prices",
    response_model=PriceList,
    responses=problems(404),
)
async def list_prices(
    request: Request, caller: AnyCaller, world_id: WorldIdPath, region: RegionPath
) -> Response:
    """What is sold in a region, and for how much."""
    world, content, living = await _living(request, world_id)
    the_region(world, region)
    stalls = living.markets.get(region, {})
    return answer(
        PriceList(
            world_id=world_id,
            region=region,
            day=living.day,
            items=tuple(
                PriceView(
                    good=good.name,
                    price=price_of(good, stalls[good.name]),
                    usual_price=good.price,
                    stock=stalls[good.name].stock,
                )
                for good in content.goods
                if good.name in stalls
            ),
        )
    )


@router.get(
    "/v1/worlds/{world_id}/characters/{name}",
    operation_id="get_character",
    response_model=CharacterView,
    responses=problems(404, 422),
)
async def get_character(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    name: CharacterPath,
    player_id: OfPlayer = None,
) -> Response:
    """Where a character is now, how it feels, and what it remembers of a player."""
    world, content, living = await _living(request, world_id)
    character = next((c for c in content.characters if c.name == name), None)
    if character is None:
        raise ApiError(
            ErrorCode.UNKNOWN_CHARACTER, f"the world {world_id} has no character {name!r}"
        )
    remembered: tuple[MemoryView, ...] = ()
    now = _now(world)
    if player_id is not None:
        await the_player(request, world_id, player_id)
        store = context_of(request).parts.store
        known = await memories.memories_of(store, world_id, name, player_id)
        remembered = tuple(
            MemoryView(importance=m.importance, text=m.text, **m.model_dump(exclude=_INNER))
            for m in recall(known, now.seconds, character.home, MEMORY_TOKENS)
        )
    return answer(
        CharacterView(
            name=name,
            faction=character.faction,
            home=character.home,
            temper=character.temper,
            place=place_of(character, now.part, living),
            mood=living.moods[name],
            feels=mood_in_words(living.moods[name]),
            memories=remembered,
        )
    )


@router.get(
    "/v1/worlds/{world_id}/facts",
    operation_id="list_facts",
    response_model=FactList,
    responses=problems(404, 422),
)
async def list_facts(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    player_id: OfPlayer = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """What is so in the world and, with a player, what that player knows beside it."""
    _, content, living = await _living(request, world_id)
    if player_id is not None:
        await the_player(request, world_id, player_id)
    page = await facts.list_facts(
        context_of(request).parts.store,
        world_id,
        player_id=player_id,
        after=from_cursor("facts", after),
        limit=limit,
    )
    sentences = _sentences(content, living)
    return answer(
        FactList(
            items=tuple(_fact(fact, sentences) for fact in page.items),
            next=to_cursor("facts", page.next),
        )
    )


@router.post(
    "/v1/worlds/{world_id}/facts",
    operation_id="make_known",
    status_code=201,
    response_model=FactView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(MakeKnown),
)
async def make_known(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    body: Annotated[MakeKnown, Depends(JsonBody(MakeKnown))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Make a fact known to a player or to everyone; one that is known stands as it is."""
    store = context_of(request).parts.store

    async def make(attempt: Attempt) -> Answer:
        _, content, living = await _living(request, world_id)
        if body.player_id is not None:
            await the_player(request, world_id, body.player_id)
        made = await facts.make_known(
            store, world_id, body.player_id, body.fact, f"api/{caller.key_id}"
        )
        return Answer(201, _fact(made, _sentences(content, living)))

    return await once(store, caller, idempotency_key, request, said_by(body), make)


_INNER = {"about", "quest_kind"}


async def _living(
    request: Request, world_id: WorldIdPath
) -> tuple[WorldRecord, LifeContent, LivingWorld]:
    """A world, the content that lives in it, and where its own life stands."""
    world = await the_world(request, world_id)
    parts = context_of(request).parts
    content = life.content_of(parts.config.life, world)
    return world, content, await life.find_living(parts.store, world, parts.config.life)


def _now(world: WorldRecord) -> GameTime:
    return world.calendar.read(world.clock.game_seconds(datetime.now(UTC)))


def _sentences(content: LifeContent, living: LivingWorld) -> Mapping[FactId, str]:
    return {**facts_of(living, content), **content.facts}


def _fact(fact: FactRecord, sentences: Mapping[FactId, str]) -> FactView:
    return FactView(text=sentences.get(fact.fact), **fact.model_dump())
