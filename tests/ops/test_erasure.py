"""A player who is erased: no table and no history has the name, and the world goes on."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from temporalio.client import Client, WorkflowFailureError
from temporalio.testing import ActivityEnvironment

from loreloom.activities.epilogue import EpilogueActivities
from loreloom.activities.signatures.quest import WithoutModel
from loreloom.api.ops import players
from loreloom.domain.ids import FactId, PlayerId, QuestId, WorldId
from loreloom.domain.quest import QuestState
from loreloom.generation.router import Router
from loreloom.state import personal
from loreloom.state.erasures import AskedErasure
from loreloom.state.facts import make_known
from loreloom.state.keys import Scope
from loreloom.state.personal import KEPT, Whose, holdings
from loreloom.state.players import NoPlayer
from loreloom.state.quests import QuestRequest, keep_design, request_quest
from loreloom.state.store import Store
from loreloom.state.tables.base import Base
from loreloom.state.tables.payments import Payment
from loreloom.state.tables.quests import Quest
from loreloom.state.tables.worlds import Player
from loreloom.state.whatifs import keep_answer
from loreloom.state.worlds import create_world
from tests.api.designs import small_design
from tests.builders import a_world_record
from tests.ops.playing import finish
from tests.quest.stage import eventually
from tests.support.commands import loreloom
from tests.support.serving import Api
from tests.support.whatif import an_answer, generated, writing_with
from tests.support.whole_history import plain
from tests.support.whole_store import rows_with

Json = dict[str, Any]
MARA = PlayerId("mara")
REASON = "asked for it, ticket 4711"
ASKED = AskedErasure(pseudonym=PlayerId("erased_1"), reason=REASON, by="ops")


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
    # Temporal takes half a minute to forget the run before this one, which named her.
    last = await api.parts.temporal.get_workflow_handle(done["workflow_id"]).fetch_history()
    kept = plain(json.loads(last.to_json()))
    assert done["pseudonym"] in kept
    assert MARA not in kept

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


@pytest.mark.usefixtures("worker")
async def test_a_quest_that_is_played_again_after_its_player_left_writes_nothing(
    api: Api,
) -> None:
    """Between the rows and the histories somebody replays it."""
    store = api.parts.store
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    quest = await api.accepted(world_id)
    await finish(api, quest["quest_id"])
    await api.until_state(quest["quest_id"], "completed")
    await personal.erase(store, Whose(WorldId(world_id), MARA), ASKED)

    path = f"/v1/ops/workflows/{quest['workflow_id']}/replay"
    replayed = await api.ops.post(path, json={"from": "start", "reason": "a look"})
    assert replayed.status_code == 200, replayed.text
    with pytest.raises(WorkflowFailureError):
        await api.parts.temporal.get_workflow_handle(quest["workflow_id"]).result()

    assert await rows_with(store, MARA) == {}


async def test_an_epilogue_that_is_being_written_does_not_outlive_its_player(api: Api) -> None:
    store = api.parts.store
    world_id = WorldId((await api.world())["world_id"])
    await api.player(world_id)
    quest_id = QuestId("quest_lantern")
    ref = WithoutModel(quest_id=quest_id, world_id=world_id, player_id=MARA)
    async with store.transaction() as tx:
        await request_quest(tx, quest_id, world_id, MARA, QuestRequest(), None)
        await keep_design(tx, quest_id, small_design())
        completed = {"state": QuestState.COMPLETED}
        await tx.run(update(Quest).values(progress=completed, **completed))
    async with Router([]) as router:
        steps = EpilogueActivities(writing_with(router, store, api.parts.embedder))
        async with store.transaction() as held:
            await held.run(select(Quest.quest_id).with_for_update())
            told = asyncio.create_task(ActivityEnvironment().run(steps.epilogue_by_template, ref))
            await waits_for_a_row(store, 1)
            left = asyncio.create_task(personal.erase(store, Whose(world_id, MARA), ASKED))
            await waits_for_a_row(store, 2)
        await asyncio.gather(told, left)
    assert await rows_with(store, MARA) == {}
    assert await rows_with(store, "Old Hest") == {}


async def test_an_export_of_many_stories_goes_on_page_by_page(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(players, "MOST_WORKFLOWS", 2)
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    asked = {(await api.quest(world_id))["workflow_id"] for _ in range(3)}
    path = f"/v1/ops/worlds/{world_id}/players/{MARA}/export"
    first = (await api.ops.get(path)).json()
    rest = (await api.ops.get(path, params={"workflows_after": first["next"]})).json()
    assert ([len(page["workflows"]) for page in (first, rest)], rest["next"]) == ([2, 1], None)
    found = [each["workflow"]["workflow_id"] for each in first["workflows"] + rest["workflows"]]
    assert set(found) == asked
    other = await api.ops.get(path, params={"workflows_after": "elsewhere"})
    assert other.status_code == 422


async def test_what_another_world_answered_the_same_name_stays(api: Api) -> None:
    store = api.parts.store
    worlds = [(await api.world())["world_id"] for _ in range(2)]
    made = [await first_answer(api, world_id) for world_id in worlds]
    await personal.erase(store, Whose(WorldId(worlds[0]), MARA), ASKED)
    assert (await rows_with(store, MARA))["idempotent_requests"] == 1
    assert await first_answer(api, worlds[1]) == made[1]


async def first_answer(api: Api, world_id: str) -> Json:
    """What the first request for the player there was answered with."""
    key = {"Idempotency-Key": f"first-of-{world_id}"}
    body = {"player_id": MARA, "name": "Mara"}
    answer = await api.game.post(f"/v1/worlds/{world_id}/players", json=body, headers=key)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def test_erasures_are_read_by_ops_and_by_nobody_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    await personal.erase(api.parts.store, Whose(WorldId(world_id), MARA), ASKED)
    for who in (api.game, api.designer):
        assert (await who.get("/v1/ops/erasures")).status_code == 403
    monkeypatch.setenv("LORELOOM_PORT", api.url.rpartition(":")[2])
    monkeypatch.setenv("LORELOOM_KEY", api.secrets[Scope.OPS])
    told = (await loreloom("ops", "erasures")).output
    assert f"ops  {ASKED.pseudonym} of {world_id}: {REASON}" in told
    monkeypatch.setenv("LORELOOM_KEY", api.secrets[Scope.DESIGNER])
    assert (await loreloom("ops", "erasures")).exit_code == 1


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
    await personal.erase(store, whose, ASKED)
    await personal.erase(store, whose, ASKED)
    other = ASKED.model_copy(update={"pseudonym": PlayerId("erased_2")})
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


async def waits_for_a_row(store: Store, count: int) -> None:
    """Return once so many statements wait for a row that another transaction holds."""
    waiting = text(
        "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    )

    async def do_wait() -> bool:
        async with store.reading() as connection:
            return (await connection.execute(waiting)).scalar_one() == count

    await eventually(do_wait, f"{count} wait for the quest's row")


def _player() -> Json:
    return {"world_id": "world", "player_id": MARA, "name": "Mara"}


def _payment(world_id: str) -> Json:
    return {
        "payment_id": "payment_late", "world_id": world_id, "player_id": MARA,
        "state": "awaiting_payment", "item": "coat", "amount": 1, "currency": "EUR", "quote": {},
    }  # fmt: skip
