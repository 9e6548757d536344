"""A world's clock as a game server drives it."""

from datetime import UTC, datetime
from math import floor
from typing import Any

import pytest

from loreloom.domain.clock import MAX_GAME_SECONDS, Clock
from tests.support.serving import Api
from tests.weather.stage import set_clock

pytestmark = pytest.mark.usefixtures("worker")


async def test_a_clock_is_paused_advanced_scaled_and_goes_on(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    address = f"/v1/worlds/{world_id}/clock"
    paused = (await api.game.patch(address, json={"paused": True})).json()
    assert paused["paused"] is True
    stood = paused["game_time"]["seconds"]
    assert (await api.game.get(f"/v1/worlds/{world_id}")).json()["game_time"]["seconds"] == stood
    moved = (await api.designer.patch(address, json={"advance_hours": 30.5, "scale": 120})).json()
    assert moved["game_time"]["seconds"] == stood + round(30.5 * 3600)
    assert (moved["scale"], moved["paused"]) == (120, True)
    resumed = (await api.ops.patch(address, json={"paused": False})).json()
    assert resumed["paused"] is False
    page = f"/v1/worlds/{world_id}/chronicle?kind=clock.changed"
    told = (await api.game.get(page)).json()["items"]
    assert [entry["data"]["skipped_seconds"] for entry in told] == [0, 30.5 * 3600, 0]


async def test_a_keyed_change_that_is_repeated_counts_once(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    address, key = f"/v1/worlds/{world_id}/clock", {"Idempotency-Key": "once"}
    await api.game.patch(address, json={"paused": True})
    first = await api.game.patch(address, json={"advance_hours": 5}, headers=key)
    again = await api.game.patch(address, json={"advance_hours": 5}, headers=key)
    assert first.status_code == again.status_code == 200
    assert again.json()["game_time"] == first.json()["game_time"]
    other = await api.game.patch(address, json={"advance_hours": 6}, headers=key)
    assert other.status_code == 409


async def test_what_cannot_be_is_refused_and_changes_nothing(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    address = f"/v1/worlds/{world_id}/clock"
    before = (await api.game.patch(address, json={"paused": True})).json()
    for wrong in (
        {},
        {"scale": 0},
        {"scale": 1e6},
        {"scale": None},
        {"paused": "perhaps"},
        {"advance_hours": -1},
        {"advance_hours": 1e9},
        {"speed": 3},
    ):
        answer = await api.game.patch(address, json=wrong)
        assert answer.status_code == 422, wrong
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await api.nobody.patch(address, json={"scale": 3})).status_code == 401
    nowhere = await api.game.patch("/v1/worlds/world_none/clock", json={"scale": 3})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "unknown_world")
    after = (await api.game.get(f"/v1/worlds/{world_id}")).json()
    assert (after["scale"], after["game_time"]) == (before["scale"], before["game_time"])


async def test_a_world_is_not_advanced_past_the_end_of_its_time(api: Api) -> None:
    """Also if the clock's workflow has yet to see how near the end is: its step refuses it."""
    world_id = (await api.world())["world_id"]
    address = f"/v1/worlds/{world_id}/clock"
    await api.game.patch(address, json={"paused": True})
    last = Clock(anchor=datetime.now(UTC), game_anchor=MAX_GAME_SECONDS - 10, paused=True)
    await set_clock(api.parts.store, world_id, last)
    answer = await api.game.patch(address, json={"advance_hours": 1})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    world = (await api.game.get(f"/v1/worlds/{world_id}")).json()
    assert world["game_anchor"] == last.game_anchor


async def test_a_reader_computes_the_time_from_what_a_world_says_of_its_clock(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    address = f"/v1/worlds/{world_id}"
    for change in ({"scale": 7200}, {"advance_hours": 3.7}, {"paused": True}):
        await api.game.patch(f"{address}/clock", json=change)
        before = datetime.now(UTC)
        world = (await api.game.get(address)).json()
        after = datetime.now(UTC)
        least, most = (_computed(world, moment) for moment in (before, after))
        assert least <= world["game_time"]["seconds"] <= most


def _computed(world: dict[str, Any], moment: datetime) -> int:
    """The formula of docs/clock.md."""
    passed = 0.0
    if not world["paused"]:
        passed = world["scale"] * (moment - datetime.fromisoformat(world["anchor"])).total_seconds()
    return world["game_anchor"] + floor(world["game_micros"] / 1_000_000 + passed)


async def test_a_new_world_tells_of_its_first_boundaries(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    await api.game.patch(f"/v1/worlds/{world_id}/clock", json={"advance_hours": 23})
    address = f"/v1/worlds/{world_id}/chronicle?kind=clock."
    async with api.game.stream("GET", address, headers={"Accept": "text/event-stream"}) as stream:
        kinds = []
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                kinds.append(line.removeprefix("event: "))
            if "clock.day" in kinds:
                break
    assert kinds == [
        "clock.changed",
        "clock.dusk",
        "clock.night",
        "clock.new_day",
        "clock.dawn",
        "clock.day",
    ]


async def test_a_calendar_with_months_holidays_and_a_moon(api: Api) -> None:
    calendar = {
        "hours_per_day": 10,
        "seasons": ["wet", "dry"],
        "months": [
            {"name": "Rime", "days": 3, "season": "wet"},
            {"name": "Hay", "days": 4, "season": "dry"},
        ],
        "part_starts": [{"part": "first_bell", "hour": 0}, {"part": "gloom", "hour": 6}],
        "holidays": [{"name": "Ham Night", "month": "Hay", "day": 2}],
        "moon": {"cycle_days": 7, "phases": ["new", "full"]},
        "begins": {"year": 412, "month": "Hay", "day": 2},
    }
    world = await api.world(calendar=calendar)
    assert world["game_time"]["year"] == 412
    assert (world["month"], world["season"], world["holiday"]) == ("Hay", "dry", "Ham Night")
    assert (world["moon"], world["game_time"]["part"]) == ("new", "gloom")
    assert world["calendar"]["months"] == calendar["months"]
    for wrong in (
        {"holidays": [{"name": "Never", "season": "spring", "day": 31}]},
        {"months": [{"name": "Rime", "days": 3, "season": "wet"}]},
        {"part_starts": [{"part": "new_day", "hour": 3}]},
        {"moon": {"cycle_days": 0, "phases": ["new"]}},
        {"moon": {"cycle_days": 32 / 864_000, "phases": list("abcdefghijklmnopqrstuvwxyzABCDEF")}},
    ):
        answer = await api.game.post("/v1/worlds", json={"name": "x", "calendar": wrong})
        assert answer.status_code == 422, wrong
