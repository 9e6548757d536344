"""A quest's weather is that of the region where it plays, whoever asked for it."""

import pytest

from loreloom.domain.quest import Condition
from loreloom.domain.weather import Weather
from loreloom.state.quests import QuestDesign
from tests.api.designs import long_design
from tests.support.serving import REGIONS, Api


def waiting_for_fog(region: str) -> QuestDesign:
    """Gather things in a region, in fog."""
    design = long_design()
    (gather,) = design.plan.objectives
    foggy = gather.model_copy(update={"condition": Condition(weather=(Weather.FOG,))})
    plan = design.plan.model_copy(update={"region": region, "objectives": (foggy,)})
    return design.model_copy(update={"plan": plan})


async def make_weather(api: Api, world_id: str, region: str, state: Weather) -> None:
    """Make a weather until another is made."""
    path = f"/v1/worlds/{world_id}/regions/{region}/weather"
    made = await api.designer.put(path, json={"state": state})
    assert made.status_code == 200, made.text


@pytest.mark.usefixtures("worker")
async def test_what_waits_for_fog_waits_for_it_in_the_region_of_the_quest(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    here, elsewhere = REGIONS
    await make_weather(api, world_id, here, Weather.STORM)
    await make_weather(api, world_id, elsewhere, Weather.FOG)
    quest = await api.accepted(world_id, waiting_for_fog(here))
    act = {"action_id": "one", "objective_id": "gather", "amount": 1}
    path = f"/v1/quests/{quest['quest_id']}/progress"
    refused = await api.game.post(path, json=act)
    assert (refused.status_code, refused.json()["code"]) == (409, "condition_unmet")
    await make_weather(api, world_id, here, Weather.FOG)
    assert (await api.game.post(path, json=act)).status_code == 200


@pytest.mark.usefixtures("worker")
async def test_a_quest_for_which_no_region_is_named_plays_in_one_if_the_world_has_any(
    api: Api,
) -> None:
    played: list[str | None] = []
    for regions in (list(REGIONS), []):
        world_id = (await api.world(regions=regions))["world_id"]
        await api.player(world_id)
        asked = await api.quest(world_id, kind="daily")
        played.append((await api.until_state(asked["quest_id"], "offered"))["region"])
    assert played[0] in REGIONS
    assert played[1] is None
