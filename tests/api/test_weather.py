"""The weather as a game server sees it: now, to come, and made."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from loreloom.domain.clock import Clock
from loreloom.domain.ids import WorldId
from loreloom.domain.weather import Weather
from loreloom.state.worlds import find_world
from tests.support.serving import REGIONS, Api
from tests.weather.stage import set_clock

HARBOUR = REGIONS[0]


def address(world_id: str, region: str = HARBOUR, what: str = "weather") -> str:
    return f"/v1/worlds/{world_id}/regions/{region}/{what}"


async def get(api: Api, url: str, **params: Any) -> dict[str, Any]:
    answer = await api.game.get(url, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("worker")
async def test_weather_is_made_and_ends(api: Api) -> None:
    world_id = (await api.world(seed=1))["world_id"]
    url = address(world_id)
    before = await get(api, url)
    assert before["imposed"] is False
    made = (await api.game.put(url, json={"state": "blizzard", "hours": 5})).json()
    assert made["state"] == "blizzard"
    assert made["imposed"] is True
    assert made["until"] == made["game_time"]["seconds"] + 5 * 3600
    assert made["temperature"] <= -3
    weather = (await get(api, f"/v1/worlds/{world_id}"))["weather"]
    assert weather[HARBOUR]["state"] == "blizzard"
    assert weather["Upper Market"]["imposed"] is False
    foretold = (await get(api, address(world_id, what="forecast"), hours=8))["hours"]
    assert [hour["state"] for hour in foretold[:5]] == ["blizzard"] * 5
    assert foretold[6]["state"] != "blizzard"

    cleared = (await api.game.delete(url)).json()
    assert cleared["imposed"] is False
    assert cleared["state"] != "blizzard"
    entries = (await get(api, f"/v1/worlds/{world_id}/chronicle", kind="weather."))["items"]
    of_harbour = [e["data"] for e in entries if e["subject"] == f"region/{HARBOUR}"]
    told = [(data["state"], data["cause"]) for data in of_harbour if data["cause"] != "sky"]
    assert told == [("blizzard", "imposed"), (cleared["state"], "cleared")]
    assert of_harbour[-1]["since"] >= made["game_time"]["seconds"]


@pytest.mark.usefixtures("worker")
async def test_many_orders_at_once_leave_one_weather(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    states = [state.value for state in Weather]
    orders = [api.game.put(address(world_id), json={"state": state}) for state in states]
    answers = await asyncio.gather(*orders)
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert sum(answer.status_code == 200 for answer in answers) >= 4
    now = await get(api, address(world_id))
    assert now["until"] is None
    entries = (await get(api, f"/v1/worlds/{world_id}/chronicle", kind="weather.", limit=200))[
        "items"
    ]
    made = [e["data"]["state"] for e in entries if e["data"]["cause"] == "imposed"]
    assert made[-1] == now["state"]
    assert len(made) == sum(answer.status_code == 200 for answer in answers)


async def test_the_forecast_begins_with_now_and_goes_on_hour_by_hour(api: Api) -> None:
    world = await api.world(seed=4)
    now = await get(api, address(world["world_id"]))
    told = await get(api, address(world["world_id"], what="forecast"))
    hours = told["hours"]
    assert len(hours) == 48
    values = ("state", "temperature", "wind", "humidity", "intensity")
    assert {name: hours[0][name] for name in values} == {name: now[name] for name in values}
    seconds = [hour["game_time"]["seconds"] for hour in hours]
    assert {b - a for a, b in pairwise(seconds)} == {3600}
    moments = [datetime.fromisoformat(hour["at"]) for hour in hours]
    assert {(b - a).total_seconds() for a, b in pairwise(moments)} == {60.0}
    long = (await get(api, address(world["world_id"], what="forecast"), hours=1000))["hours"]
    assert [hour["state"] for hour in long[:40]] == [hour["state"] for hour in hours[:40]]


async def test_any_hour_is_reached_page_by_page(api: Api) -> None:
    world_id = (await api.world(seed=4))["world_id"]
    stands = Clock(anchor=datetime.now(UTC), scale=0.001, paused=True)
    await set_clock(api.parts.store, world_id, stands)
    url = address(world_id, what="forecast")
    whole = (await get(api, url, hours=1000))["hours"]
    pages = [
        hour
        for begin in range(0, 1000, 250)
        for hour in (await get(api, url, hours=250, from_hour=begin))["hours"]
    ]
    assert pages == whole
    (far,) = (await get(api, url, hours=1, from_hour=2_000_000_000))["hours"]
    assert far["game_time"]["seconds"] == stands.game_anchor + 2_000_000_000 * 3600
    # Where time creeps, no date is as late as that; the weather is known all the same.
    await set_clock(api.parts.store, world_id, stands.model_copy(update={"paused": False}))
    (creeping,) = (await get(api, url, hours=1, from_hour=2_000_000_000))["hours"]
    assert (creeping["at"], creeping["state"]) == (None, far["state"])


async def test_worlds_of_one_seed_have_one_weather(api: Api) -> None:
    first, again, other = [
        await get(
            api, address((await api.world(seed=seed))["world_id"], what="forecast"), hours=300
        )
        for seed in (9, 9, 10)
    ]
    states = [[h["state"] for h in told["hours"]] for told in (first, again, other)]
    assert states[0] == states[1] != states[2]


async def test_what_makes_no_sense_is_refused_and_changes_nothing(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    url = address(world_id, what="forecast")
    for begin in (-1, 10**12, "soon"):
        assert (await api.game.get(url, params={"from_hour": begin})).status_code == 422, begin
    for hours in (0, -1, 1001, "many"):
        assert (await api.game.get(url, params={"hours": hours})).status_code == 422, hours
    for body in ({"state": "frogs"}, {"state": "fog", "hours": 0}, {"hours": 3}, {}):
        assert (await api.game.put(address(world_id), json=body)).status_code == 422, body
    for what in ("weather", "forecast"):
        answer = await api.game.get(address(world_id, "Moon", what))
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_region")
        answer = await api.game.get(address("world_none", what=what))
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_world")
    moon = address(world_id, "Moon")
    assert (await api.game.put(moon, json={"state": "fog"})).status_code == 404
    assert (await api.game.delete(moon)).status_code == 404
    entries = (await get(api, f"/v1/worlds/{world_id}/chronicle", kind="weather."))["items"]
    assert entries == []


async def test_a_paused_world_s_forecast_names_no_real_moments(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    world = await find_world(api.parts.store, WorldId(world_id))
    assert world is not None
    await set_clock(api.parts.store, world_id, world.clock.model_copy(update={"paused": True}))
    told = await get(api, address(world_id, what="forecast"), hours=3)
    assert [hour["at"] for hour in told["hours"]] == [None, None, None]
