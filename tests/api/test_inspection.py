"""Where a story stands, as an inspector reads it in Temporal's UI."""

import pytest

from loreloom.domain.ids import WorldId, clock_workflow_id, weather_workflow_id
from tests.api.designs import small_design
from tests.quest.stage import eventually
from tests.support.inspecting import Inspected, inspected, shows
from tests.support.serving import REGIONS, Api


@pytest.mark.usefixtures("worker")
async def test_an_inspector_reads_where_a_quest_stands_from_its_offer_to_its_end(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    design = small_design()
    plan = design.plan.model_copy(update={"region": REGIONS[0]})
    quest = await api.offered(world_id, design.model_copy(update={"plan": plan}))
    path, client = f"/v1/quests/{quest['quest_id']}", api.parts.temporal

    async def reads(state: str, revision: int, *lines: str) -> None:
        expected = Inspected(
            summary="A side quest of mara",
            found_by={
                "World": world_id,
                "Player": "mara",
                "Kind": "side",
                "State": state,
                "Region": REGIONS[0],
            },
            details="\n".join([f"**{state}** (revision {revision})", *lines]),
        )
        await shows(client, quest["workflow_id"], expected)

    undone = ("- choose Old Hest: 0 of 1", "- talk Old Hest: 0 of 1")
    await reads("offered", 1, "- collect the Lantern: 0 of 3", *undone)
    await api.game.post(f"{path}/accept")
    act = {"action_id": "one", "objective_id": "gather", "amount": 3}
    await api.game.post(f"{path}/progress", json=act)
    await reads("active", 3, "- collect the Lantern: 3 of 3", *undone)
    choice = {"action_id": "two", "choice_id": "justice"}
    ended = await api.game.post(f"{path}/choose", json=choice)
    assert ended.json()["state"] == "completed"
    await client.get_workflow_handle(quest["workflow_id"]).result()
    done = ("- choose Old Hest: 1 of 1", "- talk Old Hest: 0 of 1", "- chosen: justice")
    await reads("completed", 5, "- collect the Lantern: 3 of 3", *done)

    async def listed() -> bool:
        query = f"LoreloomRegion = '{REGIONS[0]}' AND LoreloomState = 'completed'"
        query += f" AND LoreloomWorld = '{world_id}'"
        return [w.id async for w in client.list_workflows(query)] == [quest["workflow_id"]]

    await eventually(listed, "it is found by where it plays and its state")


@pytest.mark.usefixtures("worker")
async def test_an_inspector_reads_how_a_worlds_clock_and_weather_stand(api: Api) -> None:
    world_id = WorldId((await api.world())["world_id"])
    clock, weather = clock_workflow_id(world_id), weather_workflow_id(world_id, REGIONS[0])
    client = api.parts.temporal

    async def told() -> bool:
        seen = [await inspected(client, workflow_id) for workflow_id in (clock, weather)]
        return all(one.details for one in seen)

    await eventually(told, "both have looked")
    ticking = await inspected(client, clock)
    assert ticking.found_by == {"World": world_id}
    assert ticking.details.startswith("60 game seconds a second; the next boundary at ")
    paused = await api.designer.patch(f"/v1/worlds/{world_id}/clock", json={"paused": True})
    assert paused.status_code == 200

    async def stands() -> bool:
        return (await inspected(client, clock)).details == "**paused**"

    await eventually(stands, "it says that it is paused")
    sky = await inspected(client, weather)
    assert sky.found_by == {"World": world_id, "Region": REGIONS[0]}
    assert sky.details.startswith("**")
