"""A player who is erased: no table and no history has the name, and the world goes on."""

import json
from typing import Any

import pytest
from sqlalchemy import insert, select
from temporalio.client import Client, WorkflowFailureError

from loreloom.domain.ids import FactId, PlayerId, WorldId
from loreloom.state import personal
from loreloom.state.erasures import AskedErasure
from loreloom.state.facts import make_known
from loreloom.state.personal import KEPT, Whose, holdings
from loreloom.state.players import NoPlayer
from loreloom.state.store import Store
from loreloom.state.tables.base import Base
from loreloom.state.tables.payments import Payment
from loreloom.state.tables.worlds import Player
from loreloom.state.whatifs import keep_answer
from loreloom.state.worlds import create_world
from tests.api.conftest import Api
from tests.builders import a_world_record
from tests.ops.test_replays import finish
from tests.support.whatif import an_answer, generated
from tests.support.whole_store import rows_with

Json = dict[str, Any]
MARA = PlayerId("mara")
REASON = "asked for it, ticket 4711"


async def erased(api: Api, world_id: str, player_id: str = MARA) -> Json:
    """Erase a player, to the end; what the workflow says of it."""
    path = f"/v1/ops/worlds/{world_id}/players/{player_id}/erase"
    answer = await api.ops.post(path, json={"reason": REASON})
    assert answer.status_code == 202, answer.text
    made = answer.json()
    handle = api.parts.temporal.get_workflow_handle(made["workflow_id"])
    result: Json = await handle.result()
    return {**made, **result}


async def played(api: Api, world_id: str) -> list[str]:
    """One quest that is completed and one that runs."""
    done, runs = await api.accepted(world_id), await api.accepted(world_id)
    await finish(api, done["quest_id"])
    await api.until_state(done["quest_id"], "completed")
    return [done["workflow_id"], runs["workflow_id"]]


async def listed(client: Client, world_id: str) -> set[str]:
    """The workflows of that player that Temporal still has."""
    query = f"LoreloomWorld = '{world_id}' AND LoreloomPlayer = '{MARA}'"
    return {found.id async for found in client.list_workflows(query)}


@pytest.mark.usefixtures("worker")
async def test_nothing_that_is_kept_has_the_name_any_more(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    body = {"player_id": MARA, "name": "Mara"}
    key = {"Idempotency-Key": "her-first-answer"}
    made = await api.game.post(f"/v1/worlds/{world_id}/players", json=body, headers=key)
    assert made.status_code == 201
    await api.player(world_id, "odo")
    stories = await played(api, world_id)
    asked = await api.quest(world_id)
    await api.until_state(asked["quest_id"], "offered")
    await make_known(api.parts.store, WorldId(world_id), MARA, FactId("the-bell"), "api/test")
    repair = {"reason": "lost a coin", "coin": 3}
    put_right = await api.ops.patch(f"/v1/ops/worlds/{world_id}/players/{MARA}", json=repair)
    assert put_right.status_code == 200, put_right.text
    before = await rows_with(api.parts.store, MARA)
    assert before.keys() >= {"players", "quests", "generations", "chronicle", "idempotent_requests"}
    entries = (await api.ops.get(f"/v1/worlds/{world_id}/chronicle?limit=200")).json()["items"]

    done = await erased(api, world_id)

    assert await rows_with(api.parts.store, MARA) == {}
    assert await listed(api.parts.temporal, world_id) == set()
    for workflow_id in (*stories, asked["workflow_id"]):
        answer = await api.ops.get(f"/v1/ops/workflows/{workflow_id}")
        assert answer.status_code == 404, workflow_id
    own = api.parts.temporal.list_workflows(f"WorkflowId = '{done['workflow_id']}'")
    runs = [run async for run in own]
    for run in runs:
        handle = api.parts.temporal.get_workflow_handle(run.id, run_id=run.run_id)
        assert MARA not in json.dumps((await handle.fetch_history()).to_json_dict())

    assert (await api.game.get(f"/v1/worlds/{world_id}/players/{MARA}")).status_code == 404
    assert (await api.game.get(f"/v1/worlds/{world_id}/players/odo")).status_code == 200
    after = (await api.ops.get(f"/v1/worlds/{world_id}/chronicle?limit=200")).json()["items"]
    *stays, last = after
    assert [(e["id"], e["kind"]) for e in stays][: len(entries)] == [
        (e["id"], e["kind"]) for e in entries
    ]
    assert (last["kind"], last["player_id"], last["data"]) == (
        "player.erased",
        done["pseudonym"],
        {},
    )
    (kept,) = (await api.ops.get("/v1/ops/erasures")).json()["items"]
    assert (kept["pseudonym"], kept["world_id"], kept["reason"]) == (
        done["pseudonym"],
        world_id,
        REASON,
    )
    assert kept["by"].startswith("test-ops-")


@pytest.mark.usefixtures("worker")
async def test_a_dry_run_says_what_would_be_erased_and_a_file_holds_it(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    stories = await played(api, world_id)
    path = f"/v1/ops/worlds/{world_id}/players/{MARA}"
    said = (await api.ops.post(f"{path}/erase", json={"reason": REASON, "dry_run": True})).json()
    assert (said["workflow_id"], said["workflows"]) == (None, 2)
    assert said["rows"]["quests"] == 2
    assert said["rows"]["players"] == 1
    assert (await api.game.get(f"/v1/worlds/{world_id}/players/{MARA}")).status_code == 200

    found = (await api.ops.get(f"{path}/export")).json()
    assert found["format"] == "loreloom.player/1"
    assert {name: len(rows) for name, rows in found["rows"].items()} == said["rows"]
    assert {each["workflow"]["workflow_id"] for each in found["workflows"]} == set(stories)
    assert all(each["runs"][0]["history"]["events"] for each in found["workflows"])


@pytest.mark.usefixtures("worker")
async def test_what_was_asked_again_leaves_with_the_player(api: Api) -> None:
    store = api.parts.store
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    generation_id = await generated(store, WorldId(world_id), "lantern")
    said = {"messages": [{"role": "user", "content": f"Say why {MARA} owes eels."}]}
    path = f"/v1/generations/{generation_id}/whatif"
    made = (await api.designer.post(path, json=said)).json()
    await api.parts.temporal.get_workflow_handle(made["workflow_id"]).result()
    seen = (await api.designer.get(f"/v1/whatifs/{made['whatif_id']}")).json()
    assert seen["now"]["record"]["messages"] == said["messages"]
    export = f"/v1/ops/worlds/{world_id}/players/{MARA}/export"
    (row,) = (await api.ops.get(export)).json()["rows"]["whatifs"]
    assert row["variation"] == said

    await erased(api, world_id)

    assert await rows_with(store, "eels") == {}
    assert await rows_with(store, MARA) == {}
    assert await listed(api.parts.temporal, world_id) == set()
    # What was still being asked for finds no row that would take the answer.
    await keep_answer(store, made["whatif_id"], an_answer("eels"))
    assert await rows_with(store, "eels") == {}
    assert (await api.designer.get(f"/v1/whatifs/{made['whatif_id']}")).status_code == 404


async def test_only_ops_erase_and_only_whom_there_is(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    path = f"/v1/ops/worlds/{world_id}/players"
    why = {"reason": REASON}
    for who in (api.game, api.designer):
        assert (await who.post(f"{path}/{MARA}/erase", json=why)).status_code == 403
        assert (await who.get(f"{path}/{MARA}/export")).status_code == 403
    assert (await api.ops.post(f"{path}/nobody/erase", json=why)).status_code == 404
    assert (await api.ops.get(f"{path}/nobody/export")).status_code == 404
    assert (await api.ops.post(f"{path}/{MARA}/erase", json={"reason": ""})).status_code == 422
    assert (await api.game.get(f"/v1/worlds/{world_id}/players/{MARA}")).status_code == 200


async def test_a_step_that_runs_twice_erases_once(store: Store) -> None:
    await create_world(store, a_world_record("world"))
    whose = Whose(WorldId("world"), MARA)
    async with store.transaction() as tx:
        await tx.run(insert(Player), _player())
    asked = AskedErasure(pseudonym=PlayerId("erased_1"), reason=REASON, by="ops")
    await personal.erase(store, whose, asked)
    await personal.erase(store, whose, asked)
    other = asked.model_copy(update={"pseudonym": PlayerId("erased_2")})
    with pytest.raises(NoPlayer):
        await personal.erase(store, whose, other)
    assert (await rows_with(store, "player.erased"))["chronicle"] == 1
    # Whoever comes back under the old name is somebody new.
    async with store.transaction() as tx:
        await tx.run(insert(Player), _player())
    assert (await personal.counts_of(store, whose))["players"] == 1


@pytest.mark.usefixtures("worker")
async def test_an_erasure_that_is_refused_late_says_so(api: Api) -> None:
    """Something was bought between the question and the step."""
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    path = f"/v1/ops/worlds/{world_id}/players/{MARA}/erase"
    async with api.parts.store.transaction() as tx:
        await tx.run(select(Player.player_id).with_for_update())
        made = (await api.ops.post(path, json={"reason": REASON})).json()
        await tx.run(insert(Payment), _payment(world_id))
    with pytest.raises(WorkflowFailureError):
        await api.parts.temporal.get_workflow_handle(made["workflow_id"]).result()
    assert (await api.game.get(f"/v1/worlds/{world_id}/players/{MARA}")).status_code == 200
    story = (await api.ops.get(f"/v1/ops/workflows/{made['workflow_id']}")).json()
    assert (story["state"], story["failing"]["step"].split(":")[0]) == ("failed", "erasure_rows")


def test_no_table_with_a_player_is_forgotten() -> None:
    known = {table.__tablename__ for table in holdings(Whose(WorldId("w"), MARA))}
    named = {table.name for table in Base.metadata.sorted_tables if "player_id" in table.c}
    # Sorted, a table comes after those that its rows belong to.
    for table in Base.metadata.sorted_tables:
        if {key.column.table.name for key in table.foreign_keys} & named:
            named.add(table.name)
    assert named - known == set()
    assert {table.__tablename__ for table in KEPT} <= known


def _player() -> Json:
    return {"world_id": "world", "player_id": MARA, "name": "Mara"}


def _payment(world_id: str) -> Json:
    return {
        "payment_id": "payment_late", "world_id": world_id, "player_id": MARA,
        "state": "awaiting_payment", "item": "coat", "amount": 1, "currency": "EUR", "quote": {},
    }  # fmt: skip
