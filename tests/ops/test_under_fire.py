"""Failed stories are replayed at once while the worker is killed: each ends, and counts once."""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from loreloom.state.tables.ops import Replay
from loreloom.state.tables.worlds import ChronicleEntry
from loreloom.workers.embedded.stack import PartName
from tests.chaos.players import Json
from tests.ops.ground import GUILD, PLAYER, Ground, ground
from tests.quest.stage import eventually

SEED = 75
AT_ONCE = 10
COIN = 300
"""What a delivered purchase gives."""
FAVOUR = 4
"""What a told arc gives."""


@dataclass(frozen=True)
class Fire:
    """How many stories fail, and how often the worker is killed while they are replayed."""

    quests: int
    arcs: int
    payments: int
    kills: int

    @property
    def stories(self) -> int:
        return self.quests + self.arcs + self.payments


SMALL = Fire(quests=8, arcs=1, payments=0, kills=1)
"""Without purchases: a call to the provider that dies with its worker is given up after 30 s."""
LARGE = Fire(quests=80, arcs=10, payments=10, kills=4)


@dataclass(frozen=True)
class Failed:
    """The addresses of what failed, and the workflows."""

    quests: tuple[str, ...]
    arcs: tuple[str, ...]
    payments: tuple[str, ...]
    workflows: tuple[str, ...]


@pytest.fixture
def addresses(database_url: str, temporal_address: str, temporal_namespace: str) -> dict[str, str]:
    """The servers that the engine runs on, as settings."""
    return {
        "database_url": database_url,
        "temporal_address": temporal_address,
        "temporal_namespace": temporal_namespace,
    }


async def test_what_failed_is_replayed_while_the_worker_is_killed(
    tmp_path: Path, addresses: dict[str, str]
) -> None:
    await _holds(SMALL, tmp_path, **addresses)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_a_hundred_that_failed_are_replayed_while_the_worker_is_killed(
    tmp_path: Path, addresses: dict[str, str]
) -> None:
    await _holds(LARGE, tmp_path, **addresses)


async def _holds(fire: Fire, home: Path, **servers: str) -> None:
    prefix = f"test-{secrets.token_hex(6)}"
    async with ground(home, task_queue_prefix=prefix, **servers) as on:
        failed = await _fail(on, fire)
        await on.mend_rows()
        began = asyncio.get_running_loop().time()
        burning = asyncio.create_task(_kill(on, fire))
        body = {"workflow_ids": failed.workflows, "reason": "the purse was mended"}
        answer = await on.post("/v1/ops/replays", body)
        for workflow_id in failed.workflows:
            await on.until(f"/v1/ops/workflows/{workflow_id}", "completed")
        quests = [await on.until(path, "completed") for path in failed.quests]
        arcs = [await on.until(path, "ended") for path in failed.arcs]
        payments = [await on.until(path, "fulfilled") for path in failed.payments]
        open_at_kill = await burning
        took = asyncio.get_running_loop().time() - began
        print(f"\n{fire.stories} replayed in {took:.1f} s, unfinished at each kill {open_at_kill}")

        assert open_at_kill[0], "the worker was killed while something was replayed"
        _assert_answered(answer, failed)
        await _assert_granted_once(on, fire, quests)
        await _assert_told_once(on, quests, arcs, payments)
        assert not any((await on.books()).values())


async def _fail(on: Ground, fire: Fire) -> Failed:
    """Stories of each kind, all failed by broken rows, but for one purchase that was cut off."""
    gate = asyncio.Semaphore(AT_ONCE)
    await on.break_rows()

    async def quest() -> str:
        async with gate:
            return await on.quest()

    async def arc() -> str:
        async with gate:
            return await on.arc()

    quests, arcs = await asyncio.gather(
        asyncio.gather(*(quest() for _ in range(fire.quests))),
        asyncio.gather(*(arc() for _ in range(fire.arcs))),
    )
    payments = [await on.payment(cut=number == 0) for number in range(fire.payments)]
    workflows = [(await on.get(path))["workflow_id"] for path in (*quests, *arcs, *payments)]
    for workflow_id in workflows:
        await on.until_bad(workflow_id)
    return Failed(tuple(quests), tuple(arcs), tuple(payments), tuple(workflows))


async def _kill(on: Ground, fire: Fire) -> list[int]:
    """Kill and restart the worker by a seeded plan; how many stories were not done at each kill."""
    chance = random.Random(SEED)
    shares = sorted(chance.random() for _ in range(fire.kills - 1))
    plan = [0, *(int(share * fire.stories * 0.8) for share in shares)]

    async def replayed() -> bool:
        async with on.store.reading() as connection:
            made = select(func.count()).where(Replay.new_run_id.is_not(None))
            return bool(await connection.scalar(made))

    await eventually(replayed, "the first replay is made")
    unfinished = []
    for count in plan:

        async def done(count: int = count) -> bool:
            return await _done(on) >= count

        await eventually(done, f"{count} stories are done", 120)
        await asyncio.to_thread(on.stack.kill, PartName.WORKER)
        unfinished.append(fire.stories - await _done(on))
        await asyncio.to_thread(on.stack.restart, PartName.WORKER)
    return unfinished


async def _done(on: Ground) -> int:
    """How many stories have ended well."""
    ends = ("quest.epilogue", "arc.ended", "payment.fulfilled")
    async with on.store.reading() as connection:
        told = select(func.count()).where(
            ChronicleEntry.world_id == on.world_id, ChronicleEntry.kind.in_(ends)
        )
        return int(await connection.scalar(told) or 0)


def _assert_answered(answer: Json, failed: Failed) -> None:
    assert [item["workflow_id"] for item in answer["items"]] == list(failed.workflows)
    assert answer["replayed"] == len(failed.workflows), answer


async def _assert_granted_once(on: Ground, fire: Fire, quests: Sequence[Json]) -> None:
    player = await on.get(f"/v1/worlds/{on.world_id}/players/{PLAYER}")
    rewards = sum(quest["rewards"]["coin"] for quest in quests)
    assert player["coin"] == rewards + COIN * fire.payments
    assert player["experience"] == sum(quest["rewards"]["experience"] for quest in quests)
    assert player["standing"][GUILD] == FAVOUR * fire.arcs


async def _assert_told_once(
    on: Ground, quests: Sequence[Json], arcs: Sequence[Json], payments: Sequence[Json]
) -> None:
    told = await on.chronicle()
    assert [entry["id"] for entry in told] == list(range(1, len(told) + 1))
    kinds: dict[str, Counter[str]] = {}
    for entry in told:
        kinds.setdefault(entry["subject"], Counter())[entry["kind"]] += 1
    for quest in quests:
        of_quest = kinds[quest["workflow_id"]]
        assert of_quest["quest.broken"] == 1
        for once in ("quest.completed", "reward.granted", "quest.epilogue"):
            assert of_quest[once] == 1, (once, of_quest)
    for arc in arcs:
        of_arc = kinds[arc["workflow_id"]]
        assert [step["beat"] for step in arc["way"]] == ["first", "favour", "wait", "end"]
        assert (of_arc["arc.beat"], of_arc["arc.broken"], of_arc["arc.ended"]) == (4, 1, 1)
    for payment in payments:
        assert kinds[payment["workflow_id"]]["payment.fulfilled"] == 1
