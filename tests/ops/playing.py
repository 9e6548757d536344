"""Quests played to their end, and the causes of those that failed."""

from typing import Any

from tests.quest.stage import eventually
from tests.support.serving import Api


async def causes_in(api: Api, world: str, count: int) -> list[dict[str, Any]]:
    """The causes of what is wrong in a world, once Temporal's list has so many."""
    found: list[dict[str, Any]] = []

    async def seen() -> bool:
        answer = await api.ops.get("/v1/ops/causes", params={"world_id": world})
        found[:] = answer.json()["items"]
        return len(found) == count

    await eventually(seen, f"{count} causes", 20)
    return found


async def finish(api: Api, quest_id: str) -> None:
    """Gather all of it and choose the way that ends the quest."""
    path = f"/v1/quests/{quest_id}"
    gather = {"action_id": "gather", "objective_id": "gather", "amount": 3}
    assert (await api.game.post(f"{path}/progress", json=gather)).status_code == 200
    choose = {"action_id": "choose", "choice_id": "justice"}
    assert (await api.game.post(f"{path}/choose", json=choose)).status_code == 200
