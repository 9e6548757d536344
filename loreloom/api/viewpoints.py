"""From where a caller sees a canon: which canon it is, and what of it may be told."""

from dataclasses import dataclass

from loreloom.api.context import Context
from loreloom.api.http.auth import is_designer
from loreloom.api.http.errors import ApiError, ErrorCode, invalid
from loreloom.domain.canon import Viewpoint
from loreloom.domain.ids import CanonName, PlayerId, WorldId
from loreloom.knowledge.models import DEFAULT_CANON
from loreloom.state.facts import facts_of
from loreloom.state.keys import KeyIdentity
from loreloom.state.players import find_player, worlds_of_player
from loreloom.state.worlds import WorldRecord, find_world


@dataclass(frozen=True, slots=True)
class SeenFrom:
    """A canon, and what of it may be told."""

    canon: CanonName
    viewpoint: Viewpoint


async def viewpoint_of(
    context: Context,
    caller: KeyIdentity,
    canon: CanonName | None,
    world_id: WorldId | None,
    player_id: PlayerId | None,
) -> SeenFrom:
    """What the caller sees: as the player that it names, else by its key's scopes.

    A game's key that names nobody sees what may be told to all. Raises ``ApiError`` if the world
    or the player is not there, or the canon is not the world's.
    """
    world = await _named_world(context, world_id, player_id)
    if world is not None and canon not in (None, world.canon):
        raise invalid("canon", f"the world tells its stories from the canon {world.canon}")
    chosen = world.canon if world is not None else canon or DEFAULT_CANON
    if player_id is None and is_designer(caller):
        return SeenFrom(chosen, Viewpoint(sees_all=True))
    if world is None:
        return SeenFrom(chosen, Viewpoint(rating=context.parts.config.world_rating))
    if player_id is None:
        return SeenFrom(chosen, Viewpoint(rating=world.rating))
    async with context.parts.store.reading() as connection:
        facts = await facts_of(connection, world.world_id, player_id)
    return SeenFrom(chosen, Viewpoint(rating=world.rating, facts=facts))


async def _named_world(
    context: Context, world_id: WorldId | None, player_id: PlayerId | None
) -> WorldRecord | None:
    if player_id is not None:
        return await _world_of_player(context, world_id, player_id)
    return await _world(context, world_id) if world_id is not None else None


async def _world_of_player(
    context: Context, world_id: WorldId | None, player_id: PlayerId
) -> WorldRecord:
    store = context.parts.store
    if world_id is None:
        found = await worlds_of_player(store, player_id, limit=2)
        if len(found) > 1:
            raise invalid("world_id", f"several worlds have a player {player_id}; name one")
        if not found:
            raise ApiError(ErrorCode.UNKNOWN_PLAYER, f"no world has a player {player_id}")
        return await _world(context, found[0])
    world = await _world(context, world_id)
    if await find_player(store, world_id, player_id) is None:
        raise ApiError(ErrorCode.UNKNOWN_PLAYER, f"the world {world_id} has no player {player_id}")
    return world


async def _world(context: Context, world_id: WorldId) -> WorldRecord:
    world = await find_world(context.parts.store, world_id)
    if world is None:
        raise ApiError(ErrorCode.UNKNOWN_WORLD, f"there is no world {world_id}")
    return world
