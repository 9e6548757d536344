"""A quest that broke, and what its player has."""

from typing import Any

from sqlalchemy import update

from loreloom.state.tables.worlds import Player
from tests.ops.playing import finish
from tests.support.serving import Api

Json = dict[str, Any]


async def player_of(api: Api, world_id: str) -> Json:
    found: Json = (await api.game.get(f"/v1/worlds/{world_id}/players/mara")).json()
    return found


async def kinds_of(api: Api, quest: Json, world_id: str) -> list[str]:
    """What the chronicle tells of the quest."""
    query = {"subject": quest["workflow_id"], "limit": 200}
    page = (await api.designer.get(f"/v1/worlds/{world_id}/chronicle", params=query)).json()
    return [entry["kind"] for entry in page["items"]]


async def world_of_mara(api: Api) -> str:
    world_id: str = (await api.world())["world_id"]
    await api.player(world_id)
    return world_id


async def broken(api: Api, world_id: str) -> Json:
    """A quest whose reward could not be granted; by now it could."""
    quest = await api.accepted(world_id)
    async with api.parts.store.transaction() as tx:
        await tx.run(update(Player).values(coin=2**63 - 1))
    await finish(api, quest["quest_id"])
    await api.until_state(quest["quest_id"], "broken")
    async with api.parts.store.transaction() as tx:
        await tx.run(update(Player).values(coin=0))
    return quest
