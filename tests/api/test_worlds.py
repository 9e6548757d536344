"""Worlds, players and weather as a game server sees them."""

from typing import Any

from tests.support.serving import REGIONS, Api


async def test_a_world_starts_with_its_clock_weather_and_chronicle(api: Api) -> None:
    world = await api.world(name="Shard one", seed=7)
    assert world["seed"] == 7
    assert world["canon"] == "default"
    assert world["rating"] == "teen"
    assert world["game_time"]["hour"] == 8
    assert world["season"] == "spring"
    assert set(world["weather"]) == set(REGIONS)
    assert {w["imposed"] for w in world["weather"].values()} == {False}
    assert world["factions"] == []
    read = (await api.game.get(f"/v1/worlds/{world['world_id']}")).json()
    assert read["name"] == "Shard one"
    entries = (await api.game.get(f"/v1/worlds/{world['world_id']}/chronicle")).json()["items"]
    assert [entry["kind"] for entry in entries] == ["world.created"]
    assert read["chronicle_head"] == 1


async def test_worlds_are_listed_by_cursor(api: Api) -> None:
    made = {(await api.world(name=f"Shard {n}"))["world_id"] for n in range(5)}
    found, after = [], None
    while True:
        params = {"limit": 2} | ({"after": after} if after else {})
        page = (await api.game.get("/v1/worlds", params=params)).json()
        found += [world["world_id"] for world in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(found) == 5
    assert set(found) == made


async def test_a_cursor_of_another_list_is_refused(api: Api) -> None:
    for cursor in ("nonsense", "cXVlc3RzOng", "####", "é"):
        answer = await api.game.get("/v1/worlds", params={"after": cursor})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "after"


async def test_a_designer_turns_a_world_to_templates_at_once(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    changed = await api.designer.patch(
        f"/v1/worlds/{world_id}", json={"templates_only": True, "rating": "everyone"}
    )
    assert changed.status_code == 200
    assert changed.json()["templates_only"] is True
    assert changed.json()["rating"] == "everyone"
    assert (
        await api.game.patch(f"/v1/worlds/{world_id}", json={"rating": "mature"})
    ).status_code == 403
    assert (await api.designer.patch(f"/v1/worlds/{world_id}", json={})).status_code == 422


async def test_a_calendar_of_ones_own(api: Api) -> None:
    calendar = {
        "hours_per_day": 20,
        "days_per_season": 10,
        "seasons": ["wet", "dry"],
        "part_starts": [{"part": "day", "hour": 0}, {"part": "night", "hour": 10}],
    }
    world = await api.world(calendar=calendar)
    assert world["calendar"].items() >= calendar.items()
    assert world["season"] == "wet"
    assert world["game_time"]["part"] == "day"
    wrongs: list[dict[str, Any]] = [{"seasons": []}, {"part_starts": []}, {"hours_per_day": 3}]
    for wrong in wrongs:
        answer = await api.game.post("/v1/worlds", json={"name": "x", "calendar": wrong})
        assert answer.status_code == 422, wrong


async def test_a_player_is_added_once(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    player = await api.player(world_id)
    assert player["level"] == 1
    assert player["inventory"] == {}
    again = await api.game.post(
        f"/v1/worlds/{world_id}/players", json={"player_id": "mara", "name": "Mara"}
    )
    assert again.status_code == 409
    assert again.json()["code"] == "player_exists"
    strong = await api.game.post(
        f"/v1/worlds/{world_id}/players", json={"player_id": "ada", "name": "Ada", "level": 1000}
    )
    assert strong.json()["level"] == 1000


async def test_what_is_not_there_is_404(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    codes = {
        "/v1/worlds/world_none": "unknown_world",
        f"/v1/worlds/{world_id}/players/nobody": "unknown_player",
        "/v1/quests/quest_none": "unknown_quest",
        "/v1/nothing": "not_found",
        "/v1/worlds/": "not_found",
        "/v1/worlds/%00": "not_found",
        "/v1/worlds/" + "x" * 3000: "not_found",
    }
    for address, code in codes.items():
        answer = await api.game.get(address)
        assert answer.status_code == 404, address
        assert answer.json()["code"] == code
        assert answer.headers["content-type"] == "application/problem+json"
