"""Arcs through the API: started, read, chosen in, pushed on, cancelled and moved."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loreloom.api.arc_figures import ArcFigures
from loreloom.api.metrics import Metrics
from loreloom.api.parts import AppParts
from loreloom.state.store import Store
from tests.support.inspecting import Inspected, shows
from tests.support.outages import closed_port
from tests.support.serving import Api

MINE = """
arc: mine
title: Mine
scope: player
start: pick
beats:
  pick:
    kind: wait
    until:
      choice:
        - {choice_id: go, text: Go}
        - {choice_id: stay, text: Stay}
    next:
      - {to: gone, when: {choice: [go]}}
      - {to: stayed}
  gone: {kind: end, outcome: gone, text: Somebody leaves.}
  stayed: {kind: end, outcome: stayed}
"""
OURS = """
arc: ours
title: Ours
scope: world
start: count
beats:
  count:
    kind: goal
    name: candles
    title: Candles
    target: 5
    next: [{to: done}]
  done: {kind: end, outcome: done}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two arcs, and of a file that is none."""
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "ours.yaml").write_text(OURS)
    (tmp_path / "broken.yaml").write_text("arc: broken")
    return tmp_path


@pytest.fixture
def parts(parts: AppParts, folder: Path) -> AppParts:
    """The API's parts, with that folder."""
    return replace(parts, config=replace(parts.config, arcs_folder=folder))


async def begun(api: Api, arc: str = "mine", player: str | None = "mara") -> tuple[str, str]:
    """A world with a player, and an arc of it."""
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    body = {"arc": arc} if player is None else {"arc": arc, "player_id": player}
    made = await api.game.post(f"/v1/worlds/{world_id}/arcs", json=body)
    assert made.status_code == 202, made.text
    assert made.json()["workflow_id"] == f"arc/{made.json()['arc_id']}"
    return world_id, made.json()["arc_id"]


async def until(api: Api, arc_id: str, **so: Any) -> dict[str, Any]:
    """The arc once its fields are so."""
    async with asyncio.timeout(30):
        while True:
            arc = (await api.game.get(f"/v1/arcs/{arc_id}")).json()
            if all(arc[name] == value for name, value in so.items()):
                return dict(arc)
            await asyncio.sleep(0.05)


async def test_an_arc_is_started_read_and_chosen_in(api: Api, worker: None) -> None:
    world_id, arc_id = await begun(api)
    arc = await until(api, arc_id, beat="pick")
    assert (arc["arc"], arc["scope"], arc["player_id"]) == ("mine", "player", "mara")
    assert arc["beats"]["pick"]["next"][0]["when"]["choice"] == ["go"]
    expected = Inspected(
        summary=None,
        found_by={"World": world_id, "Player": "mara", "Kind": "arc", "State": "running"},
        details="**Mine**: running, beat 1: pick",
    )
    await shows(api.parts.temporal, f"arc/{arc_id}", expected)
    act = {"action_id": "a1", "choice_id": "go"}
    wrong = await api.game.post(f"/v1/arcs/{arc_id}/choose", json={**act, "choice_id": "fly"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "unknown_choice")
    first = await api.game.post(f"/v1/arcs/{arc_id}/choose", json=act)
    assert (first.status_code, first.json()["choice_id"]) == (200, "go")
    arc = await until(api, arc_id, state="ended")
    assert (arc["outcome"], [step["beat"] for step in arc["way"]]) == ("gone", ["pick", "gone"])
    assert arc["way"][1]["reason"]["held"] == ["go must have been chosen"]
    assert arc["way"][1]["reason"]["others"] == [
        {"to": "stayed", "because": ["open, but less specific: 0 conditions"]}
    ]
    again = await api.game.post(f"/v1/arcs/{arc_id}/choose", json=act)
    assert again.json() == first.json()
    late = await api.game.post(f"/v1/arcs/{arc_id}/choose", json={**act, "action_id": "a2"})
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")
    listed = (await api.game.get(f"/v1/worlds/{world_id}/arcs?state=ended")).json()
    assert [item["arc_id"] for item in listed["items"]] == [arc_id]
    for asked in ("arc=elsewhere", "entity=Nobody", "until=2020-01-01T00:00:00Z"):
        none = await api.game.get(f"/v1/worlds/{world_id}/arcs?{asked}")
        assert (none.status_code, none.json()["items"]) == (200, []), asked


async def test_contributions_count_once_and_end_the_goal(api: Api, worker: None) -> None:
    _, arc_id = await begun(api, "ours", None)
    body = {"action_id": "c1", "player_id": "mara", "amount": 2}
    while not (await until(api, arc_id))["goals"]:
        assert (await api.game.get(f"/v1/arcs/{arc_id}")).json()["state"] == "running"
    await api.game.post(f"/v1/arcs/{arc_id}/contribute", json=body)
    twice = await api.game.post(f"/v1/arcs/{arc_id}/contribute", json=body)
    counted = twice.json()
    assert (twice.status_code, counted["total"], counted["goal"]) == (200, 2, "candles")
    unknown = {**body, "action_id": "c2", "player_id": "nobody"}
    refused = await api.game.post(f"/v1/arcs/{arc_id}/contribute", json=unknown)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_player")
    other = {**body, "action_id": "c2", "goal": "bread"}
    refused = await api.game.post(f"/v1/arcs/{arc_id}/contribute", json=other)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_open_goal")
    last = {**body, "action_id": "c3", "amount": 3}
    assert (await api.game.post(f"/v1/arcs/{arc_id}/contribute", json=last)).json()["total"] == 5
    arc = await until(api, arc_id, state="ended")
    assert arc["goals"] == [{"goal": "candles", "target": 5, "total": 5, "open": False}]
    told = set((await api.nobody.get("/metrics")).text.splitlines())
    counts = {"taken": 2, "repeated": 1, "refused": 2}
    assert {
        f'loreloom_arc_acts_total{{act="contribute",outcome="{outcome}"}} {count}.0'
        for outcome, count in counts.items()
    } <= told


async def test_an_arc_is_cancelled_once(api: Api, worker: None) -> None:
    _, arc_id = await begun(api)
    await until(api, arc_id, beat="pick")
    key = {"Idempotency-Key": "stop"}
    body = {"reason": "the season is over"}
    first = await api.game.post(f"/v1/arcs/{arc_id}/cancel", json=body, headers=key)
    assert (first.status_code, first.json()["state"]) == (200, "cancelled")
    again = await api.game.post(f"/v1/arcs/{arc_id}/cancel", json=body, headers=key)
    assert again.json() == first.json()
    other = await api.game.post(f"/v1/arcs/{arc_id}/cancel", json=body)
    assert (other.status_code, other.json()["code"]) == (409, "wrong_state")


async def test_running_arcs_keep_their_definition_until_they_are_moved(
    api: Api, worker: None, folder: Path
) -> None:
    _, arc_id = await begun(api)
    arc = await until(api, arc_id, beat="pick")
    (folder / "mine.yaml").write_text(MINE.replace("Somebody leaves.", "Nobody leaves."))
    assert (await until(api, arc_id))["digest"] == arc["digest"]
    denied = await api.game.post("/v1/arcs/migrate", json={"arc": "mine"})
    assert denied.status_code == 403
    dry = await api.designer.post("/v1/arcs/migrate", json={"arc": "mine", "dry_run": True})
    assert [item["outcome"] for item in dry.json()["items"]] == ["would_move"]
    assert (await until(api, arc_id))["digest"] == arc["digest"]
    done = await api.designer.post("/v1/arcs/migrate", json={"arc": "mine"})
    assert [item["outcome"] for item in done.json()["items"]] == ["moved"]
    assert (await until(api, arc_id))["digest"] == done.json()["digest"]
    gone = MINE.replace("start: pick", "start: begin").replace("  pick:", "  begin:")
    (folder / "mine.yaml").write_text(gone)
    for dry_run in (True, False):
        body = {"arc": "mine", "dry_run": dry_run}
        (item,) = (await api.designer.post("/v1/arcs/migrate", json=body)).json()["items"]
        assert item["outcome"] == "refused"
        assert "'pick'" in item["reason"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"arc": "none"}, "arc"),
        ({"arc": "broken"}, "arc"),
        ({"arc": "../mine"}, "arc"),
        ({"arc": "mine"}, "player_id"),
        ({"arc": "ours", "player_id": "mara"}, "player_id"),
    ],
)
async def test_what_cannot_be_started_is_said(api: Api, body: dict[str, Any], field: str) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    refused = await api.game.post(f"/v1/worlds/{world_id}/arcs", json=body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_an_arc_is_asked_for_once_by_its_key(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    key = {"Idempotency-Key": "once"}
    url = f"/v1/worlds/{world_id}/arcs"
    first = await api.game.post(url, json={"arc": "ours"}, headers=key)
    again = await api.game.post(url, json={"arc": "ours"}, headers=key)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert len((await api.game.get(url)).json()["items"]) == 1


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    for path in ("", "/choose", "/cancel", "/contribute"):
        body = {"action_id": "a", "choice_id": "b"}
        if path == "/contribute":
            body = {"action_id": "a", "player_id": "b"}
        if path == "/cancel":
            body = {}
        address = f"/v1/arcs/nothing{path}"
        answer = await (api.game.post(address, json=body) if path else api.game.get(address))
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_arc"), path


async def test_metrics_count_acts_contributions_arcs_and_beats(api: Api, worker: None) -> None:
    _, arc_id = await begun(api)
    await until(api, arc_id, beat="pick")
    for choice in ("fly", "go", "go"):
        act = {"action_id": "a1", "choice_id": choice}
        await api.game.post(f"/v1/arcs/{arc_id}/choose", json=act)
    await until(api, arc_id, state="ended")
    contribution = {"action_id": "c1", "player_id": "mara", "amount": 1}
    await api.game.post(f"/v1/arcs/{arc_id}/contribute", json=contribution)
    expected = {
        'loreloom_arc_acts_total{act="choose",outcome="refused"} 1.0',
        'loreloom_arc_acts_total{act="choose",outcome="taken"} 1.0',
        'loreloom_arc_acts_total{act="choose",outcome="repeated"} 1.0',
        'loreloom_arc_acts_total{act="contribute",outcome="refused"} 1.0',
        'loreloom_arcs{state="ended"} 1.0',
        'loreloom_arcs{state="broken"} 0.0',
        'loreloom_arc_beats{kind="wait"} 1.0',
        'loreloom_arc_beats{kind="end"} 1.0',
    }
    assert expected <= set((await api.nobody.get("/metrics")).text.splitlines())


async def test_metrics_are_there_without_postgres() -> None:
    metrics = Metrics()
    store = Store(f"postgresql://nobody@127.0.0.1:{closed_port()}/nothing")
    await ArcFigures(store, metrics).refresh()
    await store.close()
    assert b"loreloom_arcs" in metrics.text()
