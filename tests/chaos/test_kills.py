"""Two hundred quests in flight while every part is killed in turn and started again."""

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from loreloom.workers.client import ApiClient
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import PartName, Stack
from tests.chaos.players import Caller, Follower, Json, Player
from tests.support.servers import settings_for_tests

QUESTS = 200
LATE = 24
"""So many more are asked for and accepted while parts are killed."""
AT_ONCE = 24
SEED = 412
KILLED = (PartName.WORKER, PartName.API, PartName.POSTGRES, PartName.TEMPORAL)
ANSWERS_BETWEEN_KILLS = 50


class Kill(NamedTuple):
    """A part that was killed, and how many of the quests were being played then."""

    part: PartName
    in_flight: int


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

        ended, kills = await _play_all(whole_stack, world_id)

        assert [kill.part for kill in kills] == _plan(), "every part was killed, twice"
        assert kills[0].in_flight == QUESTS
        assert kills[-1].in_flight > QUESTS / 2, kills
        assert Counter(quest["state"] for quest in ended).keys() <= {"completed", "abandoned"}
        completed = [quest for quest in ended if quest["state"] == "completed"]
        assert len(completed) > QUESTS / 3, "the others wait for an hour that is not now"
        assert len({quest["quest_id"] for quest in ended}) == QUESTS + LATE
        assert len(list(api.pages(f"/v1/worlds/{world_id}/quests", limit=200))) == QUESTS + LATE

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


async def _play_all(stack: Stack, world_id: str) -> tuple[list[Json], list[Kill]]:
    """All quests are accepted before the first part dies, and played side by side, an act of each
    in turn; the late ones come meanwhile."""
    headers = {"Authorization": f"Bearer {stack.keys.ops}"} if stack.keys else {}
    async with httpx.AsyncClient(
        base_url=stack.settings.api_url, headers=headers, timeout=15
    ) as http:
        caller = Caller(http, asyncio.Semaphore(AT_ONCE))
        follower = Follower(Caller(http), world_id)
        player = Player(caller, follower, "player", SEED)
        following = asyncio.create_task(follower.follow())
        accepted = await asyncio.gather(*map(player.accept, range(QUESTS)))
        in_flight = set(range(QUESTS))

        async def play(number: int, quest: Json) -> Json:
            ended = await player.play(quest, number)
            in_flight.discard(number)
            return ended

        async def play_late() -> list[Json]:
            late = range(QUESTS, QUESTS + LATE)
            return [await play(number, await player.accept(number)) for number in late]

        kills: list[Kill] = []
        killing = asyncio.create_task(_kill_in_turn(stack, caller, _plan(), in_flight, kills))
        ended, ended_late = await asyncio.gather(
            asyncio.gather(*(play(*one) for one in enumerate(accepted))), play_late()
        )
        killing.cancel()
        following.cancel()
        failures = await asyncio.gather(killing, following, return_exceptions=True)
    assert not [failure for failure in failures if isinstance(failure, Exception)]
    return ended + ended_late, kills


def _plan() -> list[PartName]:
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
    stack: Stack,
    caller: Caller,
    plan: Sequence[PartName],
    in_flight: Set[int],
    kills: list[Kill],
) -> None:
    began = caller.answered
    for number, name in enumerate(plan):
        await caller.answers_reach(began + number * ANSWERS_BETWEEN_KILLS)
        kills.append(Kill(name, len(in_flight)))
        await asyncio.to_thread(stack.kill, name)
        # Somebody has met the outage before it is mended.
        met = caller.repeated
        for _ in range(40):
            if caller.repeated > met:
                break
            await asyncio.sleep(0.05)
        await asyncio.to_thread(stack.restart, name)


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
