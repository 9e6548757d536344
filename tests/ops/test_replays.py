"""Quests that failed are found by their cause, mended and replayed: each ends and pays once."""

import asyncio

import pytest
from sqlalchemy import update

from loreloom.api.ops.replaying import Wish
from loreloom.api.schemas.ops import StoryQuery
from loreloom.state.replays import AskedReplay, keep
from loreloom.state.tables.worlds import Player
from tests.ops.playing import causes_in, finish
from tests.support.serving import Api

pytestmark = pytest.mark.usefixtures("worker")

MANY = 12


async def test_many_that_failed_alike_are_replayed_at_once_and_pay_once(api: Api) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    store = api.parts.store
    quests = [await api.accepted(world) for _ in range(MANY)]
    async with store.transaction() as tx:
        await tx.run(update(Player).values(coin=2**63 - 1))
    await asyncio.gather(*(finish(api, quest["quest_id"]) for quest in quests))
    for quest in quests:
        await api.until_state(quest["quest_id"], "broken")

    causes = (await api.ops.get("/v1/ops/causes", params={"world_id": world})).json()["items"]
    assert [(cause["count"], cause["players"]) for cause in causes] == [(MANY, 1)]
    assert causes[0]["step"] == "quest_reward"
    listed = (await api.ops.get("/v1/ops/workflows", params={"state": "failed"})).json()["items"]
    assert {story["workflow_id"] for story in listed} == {q["workflow_id"] for q in quests}

    async with store.transaction() as tx:
        await tx.run(update(Player).values(coin=0))
    body = {"query": {"cause": causes[0]["cause"]}, "reason": "the purse was mended"}
    told = (await api.ops.post("/v1/ops/replays", json={**body, "dry_run": True})).json()
    assert [item["outcome"] for item in told["items"]] == ["would_replay"] * MANY
    key = {"Idempotency-Key": "mended"}
    answer = await api.ops.post("/v1/ops/replays", json=body, headers=key)
    assert answer.status_code == 200, answer.text
    assert answer.json()["replayed"] == MANY
    again = await api.ops.post("/v1/ops/replays", json=body, headers=key)
    assert again.json() == answer.json()

    ended = [await api.until_state(quest["quest_id"], "completed") for quest in quests]
    path = f"/v1/worlds/{world}/players/mara"
    player = (await api.game.get(path)).json()
    assert player["coin"] == sum(quest["rewards"]["coin"] for quest in ended)
    kept = (await api.ops.get("/v1/ops/replays")).json()["items"]
    assert {(k["reason"], k["from"]) for k in kept} == {("the purse was mended", "failure")}
    assert len(kept) == MANY
    left = (await api.ops.get("/v1/ops/causes", params={"world_id": world})).json()["items"]
    assert left == []


async def test_what_was_terminated_is_found_by_its_cause_and_replayed(api: Api) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    quest = await api.accepted(world)
    await api.parts.temporal.get_workflow_handle(quest["workflow_id"]).terminate("by mistake")
    (cause,) = await causes_in(api, world, 1)
    assert cause["cause"].endswith(":Terminated")

    body = {"query": {"world_id": world}, "reason": "it was a mistake"}
    meant = (await api.ops.post("/v1/ops/replays", json=body)).json()
    assert meant["items"] == []
    body["query"] = {"world_id": world, "cause": cause["cause"]}
    made = (await api.ops.post("/v1/ops/replays", json=body)).json()
    assert [item["workflow_id"] for item in made["items"]] == [quest["workflow_id"]]
    assert made["replayed"] == 1
    await finish(api, quest["quest_id"])
    await api.until_state(quest["quest_id"], "completed")


async def test_what_goes_its_way_is_not_replayed_for_a_failure(api: Api) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    quest = await api.accepted(world)
    path = f"/v1/ops/workflows/{quest['workflow_id']}"
    refused = await api.ops.post(f"{path}/replay", json={"reason": "why not"})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_failed")
    steps = (await api.ops.get(f"{path}/steps")).json()["items"]
    assert steps[0]["step"] == "start"
    assert any("takes the offer" in step["told"] for step in steps)
    asked = {"from": "step99999", "reason": "why not"}
    unknown = await api.ops.post(f"{path}/replay", json=asked)
    assert unknown.json()["code"] == "unknown_step"
    assert (await api.designer.get(path)).status_code == 403
    assert (await api.ops.get("/v1/ops/workflows/quest/none")).status_code == 404


async def test_a_replay_that_another_began_is_made_and_is_not_taken_for_ones_own(api: Api) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    desk, store, batch = api.context.replays, api.parts.store, "replays_of_another"
    for number, resumes in enumerate((False, True)):
        quest = await api.accepted(world)
        workflow_id = quest["workflow_id"]
        await api.parts.temporal.get_workflow_handle(workflow_id).terminate("by mistake")
        plan = await desk.plan(workflow_id, "start")
        # Whoever asked for it has died before it was made.
        asked = AskedReplay(
            replay_id=f"{batch}_{number}",
            batch_id=batch,
            workflow_id=workflow_id,
            run_id=plan.story.run_id,
            from_point="start",
            event_id=plan.event_id,
            told=plan.told,
            reason="it was a mistake",
            by="somebody",
        )
        await keep(store, asked)
        if resumes:
            wish = Wish("start", asked.reason, asked.by)
            (made,) = (await desk.replay_found(StoryQuery(world_id=world), wish, batch)).items[1:]
            assert (made.workflow_id, made.outcome) == (workflow_id, "replayed")
        else:
            path = f"/v1/ops/workflows/{workflow_id}/replay"
            refused = await api.ops.post(path, json={"reason": "it was a mistake"})
            assert (refused.status_code, refused.json()["code"]) == (409, "moved_on")
            assert "by somebody, from start" in refused.json()["detail"]
        kept = await api.ops.get("/v1/ops/replays", params={"workflow_id": workflow_id})
        (replay,) = kept.json()["items"]
        assert (replay["by"], replay["new_run_id"] is None) == ("somebody", False)
