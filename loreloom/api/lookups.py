"""Finding what an address or a body names, or the error that says it is not there."""

from fastapi import Request

from loreloom.api.context import context_of
from loreloom.api.errors import ApiError, ErrorCode
from loreloom.domain.ids import PlayerId, QuestId, WorldId
from loreloom.state.players import PlayerRecord, find_player
from loreloom.state.quests import QuestRecord, find_quest
from loreloom.state.worlds import RegionRecord, WorldRecord, find_world


async def the_world(request: Request, world_id: WorldId) -> WorldRecord:
    """The world of that id. Raises ``ApiError`` if there is none."""
    world = await find_world(context_of(request).parts.store, world_id)
    if world is None:
        raise ApiError(ErrorCode.UNKNOWN_WORLD, f"there is no world {world_id}")
    return world


async def the_player(request: Request, world_id: WorldId, player_id: PlayerId) -> PlayerRecord:
    """The player of that id in the world. Raises ``ApiError`` if there is none."""
    player = await find_player(context_of(request).parts.store, world_id, player_id)
    if player is None:
        raise ApiError(ErrorCode.UNKNOWN_PLAYER, f"the world {world_id} has no player {player_id}")
    return player


async def the_quest(request: Request, quest_id: QuestId) -> QuestRecord:
    """The quest of that id. Raises ``ApiError`` if there is none."""
    quest = await find_quest(context_of(request).parts.store, quest_id)
    if quest is None:
        raise ApiError(ErrorCode.UNKNOWN_QUEST, f"there is no quest {quest_id}")
    return quest


def the_region(world: WorldRecord, region: str) -> RegionRecord:
    """The region of that name in the world. Raises ``ApiError`` if there is none."""
    for found in world.regions:
        if found.region == region:
            return found
    raise ApiError(ErrorCode.UNKNOWN_REGION, f"the world {world.world_id} has no region {region!r}")
