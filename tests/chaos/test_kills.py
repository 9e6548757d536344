"""Two hundred quests in flight while every part is killed in turn and started again."""

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from loreloom.workers.client import ApiClient
from loreloom.workers.ports import free_port
from loreloom.workers.stack import PartName, Stack
from tests.chaos.players import Caller, Json, play
from tests.support.servers import settings_for_tests

QUESTS = 200
AT_ONCE = 24
SEED = 412
KILLED = (PartName.WORKER, PartName.API, PartName.POSTGRES, PartName.TEMPORAL)
ANSWERS_BETWEEN_KILLS = 160


@pytest.fixture(scope="module")
def whole_stack() -> Iterator[Stack]:
    """All parts but the model, on durable storage; templates serve."""
    home = Path(tempfile.mkdtemp(prefix="loreloom-chaos-"))
    settings = settings_for_tests(home, loreloom_port=free_port())
    with Stack(settings, parts=[name for name in PartName if name is not PartName.VLLM]) as stack:
        yield stack


@pytest.mark.timeout(420)
async def test_every_quest_ends_and_pays_once_whatever_is_killed(whole_stack: Stack) -> None:
    assert whole_stack.keys is not None
    with ApiClient(whole_stack.settings.api_url, whole_stack.keys.ops) as api:
        world_id = api.post("/v1/worlds", {"name": "Chaos"})["world_id"]
        body = {"player_id": "player", "name": "Player"}
        api.post(f"/v1/worlds/{world_id}/players", body)

        ended, killed = await _play_all(whole_stack, world_id)

        assert set(killed) == set(KILLED), "every part was killed while quests were in flight"
        assert Counter(quest["state"] for quest in ended).keys() <= {"completed", "abandoned"}
        completed = [quest for quest in ended if quest["state"] == "completed"]
        assert len(completed) > QUESTS / 3, "the others wait for an hour that is not now"
        assert len({quest["quest_id"] for quest in ended}) == QUESTS
        assert len(list(api.pages(f"/v1/worlds/{world_id}/quests", limit=200))) == QUESTS

        player = api.get(f"/v1/worlds/{world_id}/players/player")
        for what in ("coin", "experience"):
            assert player[what] == sum(quest["rewards"][what] for quest in completed)
        items: Counter[str] = Counter()
        for quest in completed:
            items.update(quest["rewards"]["items"])
        assert player["inventory"] == dict(items)

        chronicle = list(api.pages(f"/v1/worlds/{world_id}/chronicle", limit=200))
        assert [entry["id"] for entry in chronicle] == list(range(1, len(chronicle) + 1))
        for quest in ended:
            _assert_told_once(quest, [e for e in chronicle if e["subject"] == quest["workflow_id"]])


async def _play_all(stack: Stack, world_id: str) -> tuple[list[Json], list[PartName]]:
    headers = {"Authorization": f"Bearer {stack.keys.ops}"} if stack.keys else {}
    waiting = iter(range(QUESTS))
    ended: list[Json] = []
    async with httpx.AsyncClient(
        base_url=stack.settings.api_url, headers=headers, timeout=15
    ) as http:
        caller = Caller(http)

        async def player() -> None:
            for number in waiting:
                ended.append(await play(caller, world_id, "player", number, SEED))  # noqa: PERF401

        playing = asyncio.gather(*(player() for _ in range(AT_ONCE)))
        killed: list[PartName] = []
        killing = asyncio.create_task(_kill_in_turn(stack, caller, _plan(), killed))
        await playing
        killing.cancel()
        (failure,) = await asyncio.gather(killing, return_exceptions=True)
    assert not isinstance(failure, Exception), failure
    return ended, killed


def _plan() -> Sequence[PartName]:
    """Every part twice, in a seeded order, no part twice running."""
    chance = random.Random(SEED)
    plan: list[PartName] = []
    for _ in range(2):
        turn = list(KILLED)
        chance.shuffle(turn)
        while plan and turn[0] is plan[-1]:
            chance.shuffle(turn)
        plan += turn
    return plan


async def _kill_in_turn(
    stack: Stack, caller: Caller, plan: Sequence[PartName], killed: list[PartName]
) -> None:
    for number, name in enumerate(plan, start=1):
        await caller.answers_reach(number * ANSWERS_BETWEEN_KILLS)
        await asyncio.to_thread(stack.kill, name)
        # Somebody has met the outage before it is mended.
        met = caller.repeated
        for _ in range(40):
            if caller.repeated > met:
                break
            await asyncio.sleep(0.05)
        await asyncio.to_thread(stack.restart, name)
        killed.append(name)


def _assert_told_once(quest: Json, entries: Sequence[Json]) -> None:
    kinds = Counter(entry["kind"] for entry in entries)
    assert kinds.pop("quest.progressed", 0) == sum(o["done"] for o in quest["objectives"]) - (
        1 if quest["chosen"] else 0
    )
    once = {"quest.requested", "quest.offered", "quest.accepted"}
    once |= {"quest.chosen"} if quest["chosen"] else set()
    if quest["state"] == "completed":
        once |= {"quest.completed", "reward.granted", "quest.epilogue"}
    else:
        once |= {"quest.abandoned"}
    assert kinds == dict.fromkeys(once, 1), quest["quest_id"]
