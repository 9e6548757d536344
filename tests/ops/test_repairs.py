"""A player's rows put right by ops: absolute, once, told without the reason, kept with it."""

import json
from typing import Any

import pytest
from sqlalchemy import update

from loreloom.state.booked import whole_books
from loreloom.state.keys import Scope
from loreloom.state.ledger import balances
from loreloom.state.tables.worlds import Player
from tests.ops.playing import finish
from tests.support.commands import loreloom
from tests.support.serving import Api

REASON = "lost by ticket 4711"
RIGHT = {"coin": 40, "items": {"a can of oil": 2}, "standing": {"Guild": -3}, "reason": REASON}


async def mended(api: Api, world: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    path = f"/v1/ops/worlds/{world}/players/mara"
    answer = await api.ops.patch(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_players_rows_are_put_right_once_and_why_is_told_to_ops_only(api: Api) -> None:
    world = (await api.world())["world_id"]
    before = await api.player(world)
    key = {"Idempotency-Key": "mend-it"}
    first = await mended(api, world, RIGHT, **key)
    assert (first["coin"], first["inventory"], first["standing"]) == (
        40,
        {"a can of oil": 2},
        {"Guild": -3},
    )
    assert (first["name"], first["experience"]) == (before["name"], before["experience"])
    await mended(api, world, {"coin": 7, "items": {"a can of oil": 0}, "reason": "too much"})
    # The first request again changes nothing any more.
    assert await mended(api, world, RIGHT, **key) == first
    now = (await api.game.get(f"/v1/worlds/{world}/players/mara")).json()
    assert (now["coin"], now["inventory"]) == (7, {})
    booked = {held.account: held.amount for held in await balances(api.parts.store)}
    assert booked == {f"coin/{world}": 7, "coin_repaired": -7}
    assert (await whole_books(api.parts.store)).coin == ()

    path = f"/v1/ops/worlds/{world}/players/mara/repairs"
    kept = (await api.ops.get(path)).json()["items"]
    assert [(each["before"], each["reason"]) for each in kept] == [
        ({"coin": 40, "items": {"a can of oil": 2}}, "too much"),
        ({"coin": 0, "items": {"a can of oil": 0}, "standing": {"Guild": 0}}, REASON),
    ]
    query = {"kind": "player.repaired"}
    told = await api.game.get(f"/v1/worlds/{world}/chronicle", params=query)
    assert [entry["data"] for entry in told.json()["items"]] == [
        {"changed": ["coin", "items", "standing"]},
        {"changed": ["coin", "items"]},
    ]
    assert REASON not in told.text


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "nothing is named"}, {"coin": 5}, {"coin": -1, "reason": "less"},
        {"items": {"a rope": 10**9}, "reason": "many"}, {"level": 3, "reason": "unknown"},
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(api: Api, body: dict[str, Any]) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    path = f"/v1/ops/worlds/{world}/players/mara"
    assert (await api.ops.patch(path, json=body)).status_code == 422
    assert (await api.designer.patch(path, json=RIGHT)).status_code == 403
    assert (await api.ops.patch(f"{path}x", json=RIGHT)).status_code == 404


@pytest.mark.usefixtures("worker")
async def test_what_failed_by_a_row_is_mended_and_replayed_at_the_command_line(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORELOOM_PORT", api.url.rpartition(":")[2])
    monkeypatch.setenv("LORELOOM_KEY", api.secrets[Scope.OPS])
    world = (await api.world())["world_id"]
    await api.player(world)
    quest = await api.accepted(world)
    async with api.parts.store.transaction() as tx:
        await tx.run(update(Player).values(coin=2**63 - 1))
    await finish(api, quest["quest_id"])
    await api.until_state(quest["quest_id"], "broken")

    mend = ("ops", "repair-player", world, "mara", "--reason", "too full", "--coin", "5")
    made = await loreloom(*mend, "--item", "a can of oil=2", "--standing", "Guild=-1", "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.output)["inventory"] == {"a can of oil": 2}
    again = await loreloom("ops", "replay", quest["workflow_id"], "--reason", "mended")
    assert again.exit_code == 0, again.output
    ended = await api.until_state(quest["quest_id"], "completed")
    player = (await api.game.get(f"/v1/worlds/{world}/players/mara")).json()
    assert player["coin"] == 5 + ended["rewards"]["coin"]
