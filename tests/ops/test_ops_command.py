"""`loreloom ops` against a live API: what failed, replaying it, and what a deploy would break."""

import json
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import update

from loreloom.api.ops import replaying
from loreloom.state.keys import Scope
from loreloom.state.tables.worlds import Player
from loreloom.workers import worker as workers
from loreloom.workers.client import ApiClient, Json
from loreloom.workflows.quest import QuestWorkflow
from tests.ops.hasty import HastyQuest
from tests.ops.playing import causes_in, finish
from tests.support.commands import loreloom
from tests.support.serving import Api

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def ops(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """An API that the command line finds, with the key of ops."""
    monkeypatch.setenv("LORELOOM_PORT", api.url.rpartition(":")[2])
    monkeypatch.setenv("LORELOOM_KEY", api.secrets[Scope.OPS])
    return api


async def hold(api: Api, coin: int) -> None:
    async with api.parts.store.transaction() as tx:
        await tx.run(update(Player).values(coin=coin))


async def test_a_failed_quest_is_found_looked_at_and_replayed_at_the_command_line(
    ops: Api,
) -> None:
    world = (await ops.world())["world_id"]
    await ops.player(world)
    assert (await loreloom("ops", "failed", "--world", world)).output == "nothing failed\n"
    quest = await ops.accepted(world)
    await hold(ops, 2**63 - 1)
    await finish(ops, quest["quest_id"])
    await ops.until_state(quest["quest_id"], "broken")

    failed = (await loreloom("ops", "failed", "--world", world)).output
    assert "1 of 1 players  quest:quest_reward:" in failed
    assert "Grant the reward" in failed
    assert "since 20" in failed
    steps = (await loreloom("ops", "steps", quest["workflow_id"])).output
    assert steps.splitlines()[0].startswith("start ")
    assert sum("FAILED" in line for line in steps.splitlines()) == 1

    again = ("ops", "replay", quest["workflow_id"], "--reason", "mended")
    told = await loreloom(*again, "--dry-run")
    assert (told.exit_code, "would_replay: " in told.output) == (0, True)
    await hold(ops, 0)
    made = await loreloom(*again)
    assert (made.exit_code, "replayed: " in made.output) == (0, True)
    await ops.until_state(quest["quest_id"], "completed")
    refused = await loreloom("ops", "replay", "--query", f"world_id={world}", "--reason", "why")
    assert (refused.exit_code, refused.output) == (0, "0 workflows\n")
    assert (await loreloom(*again)).exit_code == 1
    kept = (await loreloom("ops", "replays", "--workflow", quest["workflow_id"])).output
    assert kept.endswith(f"{quest['workflow_id']} from failure: mended\n")


async def test_replaying_what_a_query_finds_ends_though_the_cause_is_not_mended(
    ops: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "MAX_AT_ONCE", 2)
    world = (await ops.world())["world_id"]
    await ops.player(world)
    quests = [await ops.accepted(world) for _ in range(3)]
    await hold(ops, 2**63 - 1)
    for quest in quests:
        await finish(ops, quest["quest_id"])
        await ops.until_state(quest["quest_id"], "broken")
    await causes_in(ops, world, 1)
    post = ApiClient.post

    def post_and_see_it_fail(client: ApiClient, *given: Any) -> Json:
        page = post(client, *given)
        ends = monotonic() + 30
        while sum(c["count"] for c in client.get("/v1/ops/causes", world_id=world)["items"]) < 3:
            assert monotonic() < ends, "they did not fail again"
        return page

    monkeypatch.setattr(ApiClient, "post", post_and_see_it_fail)
    words = ("ops", "replay", "--query", f"world_id={world}", "--reason", "hoping")
    again = await loreloom(*words)
    assert again.exit_code == 1
    assert "have failed again" in again.stderr


async def test_replaying_what_a_query_finds_goes_on_page_after_page(
    ops: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "MAX_AT_ONCE", 2)
    world = (await ops.world())["world_id"]
    await ops.player(world)
    quests = [await ops.accepted(world) for _ in range(5)]
    await hold(ops, 2**63 - 1)
    for quest in quests:
        await finish(ops, quest["quest_id"])
        await ops.until_state(quest["quest_id"], "broken")
    await hold(ops, 0)
    words = ("ops", "replay", "--query", f"world_id={world}", "--reason", "mended", "--json")
    made = json.loads((await loreloom(*words)).stdout)["items"]
    replayed = [item["workflow_id"] for item in made if item["outcome"] == "replayed"]
    assert sorted(replayed) == sorted(quest["workflow_id"] for quest in quests)
    for quest in quests:
        await ops.until_state(quest["quest_id"], "completed")


async def test_running_stories_that_a_deploy_would_break_are_named(
    ops: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = (await ops.world())["world_id"]
    await ops.player(world)
    quest = await ops.accepted(world)
    fits = await loreloom("ops", "verify")
    assert (fits.exit_code, ", 0 would break\n" in fits.output) == (0, True), fits.output

    planted = [HastyQuest, *(each for each in workers.WORKFLOWS if each is not QuestWorkflow)]
    monkeypatch.setattr(workers, "WORKFLOWS", planted)
    breaks = await loreloom("ops", "verify", "--json")
    assert breaks.exit_code == 1
    (found,) = (each for each in json.loads(breaks.output) if each["breaks"])
    assert (found["workflow_id"], found["event_id"]) == (quest["workflow_id"], 5)
