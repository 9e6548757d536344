"""Acts a second and their latency, through HTTP, beside a bare workflow on the same server.

Three measurements on one embedded stack without a model: a steady load over many quests; the most
acts a second, beside the most Updates a second of a workflow that only takes them, in alternating
rounds; and many players pushing on one quest at once.

The load comes from aiohttp, whose client takes the least of the cores that the engine is measured
on: httpx took three times as much of them for an act.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table
from temporalio.client import Client

from benchmarks.bare import QUEUE
from benchmarks.floors import bare_worker
from loreloom.activities.signatures.quest import QuestRef
from loreloom.domain.ids import PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.domain.quest import Difficulty, Objective, ObjectiveKind, QuestKind, QuestPlan, Source
from loreloom.domain.story import QuestStory
from loreloom.state import quests
from loreloom.state.starts import PlannedStart
from loreloom.state.store import Store
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import Settings
from loreloom.workers.temporal_connection import connect
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import QUEST, QuestInput

PARTS = [name for name in PartName if name is not PartName.VLLM]
CALLERS = 20
ROUNDS = 9
CALLS_A_SECOND = 100
PLAYER = PlayerId("player")
DESIGN = quests.QuestDesign(
    plan=QuestPlan(
        kind=QuestKind.SIDE,
        difficulty=Difficulty.NORMAL,
        level=1,
        objectives=(
            Objective(
                objective_id="long", kind=ObjectiveKind.COLLECT, target="things", required=1000
            ),
        ),
        offer_seconds=3600,
    ),
    story=QuestStory(
        title="A long errand",
        summary="It takes a thousand acts.",
        giver="somebody",
        offer="Will you?",
        objectives={"long": "Collect them."},
    ),
    citations=(),
    source=Source.TEMPLATE,
    tier=None,
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Latencies in milliseconds, and how many calls a second were answered."""

    what: str
    calls: int
    a_second: float
    p50: float
    p99: float
    worst: float
    refused: int = 0


def measured(what: str, times: list[float], seconds: float, refused: int = 0) -> Measured:
    """The figures of a list of latencies in seconds."""
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return Measured(
        what=what,
        calls=len(times),
        a_second=len(times) / seconds,
        p50=cuts[49] * 1000,
        p99=cuts[98] * 1000,
        worst=max(times) * 1000,
        refused=refused,
    )


async def at_rate(rate: float, calls: int, act: Callable[[int], Awaitable[Any]]) -> list[float]:
    """Start calls at a steady rate, whatever becomes of the earlier ones; their latencies.

    Latency counts from the moment at which a call was due, so that a stall is not hidden by the
    calls that it delayed (coordinated omission).
    """
    began = time.perf_counter() + 0.1

    async def one(number: int) -> float:
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await act(number)
        return time.perf_counter() - due

    return await asyncio.gather(*(one(number) for number in range(calls)))


async def flat_out(
    callers: int, calls: int, act: Callable[[int], Awaitable[Any]]
) -> tuple[list[float], float]:
    """Calls by so many callers, each one after the other; latencies and the seconds taken."""
    times: list[float] = []
    waiting = iter(range(calls))

    async def caller() -> None:
        for number in waiting:
            began = time.perf_counter()
            await act(number)
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return times, time.perf_counter() - began


class Engine:
    """Quests that take a thousand acts each, and acts on them, through the public API.

    The rules give no quest so many, so their designs are laid ready before they are asked for: the
    design step finds them and goes on, as it does when it is run twice.
    """

    def __init__(self, stack: Stack, http: aiohttp.ClientSession, client: Client) -> None:
        self._http = http
        self._client = client
        self._settings = stack.settings
        self._paths: list[str] = []
        self._acts = 0

    async def open_quests(self, count: int) -> None:
        """Accept so many quests of one player."""
        async with self._http.post("/v1/worlds", json={"name": "Bench"}) as made:
            world = WorldId((await made.json())["world_id"])
        player = {"player_id": PLAYER, "name": "Player"}
        async with self._http.post(f"/v1/worlds/{world}/players", json=player) as joined:
            joined.raise_for_status()
        store = Store(self._settings.required_database_url())
        try:
            for number in range(count):
                self._paths.append(await self._open(store, world, number))
        finally:
            await store.close()

    async def _open(self, store: Store, world: WorldId, number: int) -> str:
        quest = QuestRef(quest_id=QuestId(f"bench-{number}"), world_id=world, player_id=PLAYER)
        start = QuestInput(quest=quest)
        workflow_id = quest_workflow_id(quest.quest_id)
        planned = PlannedStart(
            workflow_id=workflow_id, workflow=QUEST, input=start.model_dump(mode="json")
        )
        async with store.transaction() as tx:
            await quests.request_quest(
                tx, quest.quest_id, world, PLAYER, quests.QuestRequest(), planned
            )
            await quests.keep_design(tx, quest.quest_id, DESIGN)
        queue = queue_of(Role.STORY, self._settings.task_queue_prefix)
        await self._client.start_workflow(QUEST, start, id=workflow_id, task_queue=queue)
        path = f"/v1/quests/{quest.quest_id}"
        while await self._state(path) != "offered":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        async with self._http.post(f"{path}/accept") as accepted:
            accepted.raise_for_status()
        return path

    async def _state(self, path: str) -> str:
        async with self._http.get(path) as quest:
            return str((await quest.json())["state"])

    async def act(self, number: int) -> int:
        """One act on one of the quests, in turn; the status of its answer."""
        return await self._act_on(self._paths[number % len(self._paths)])

    async def act_on_one(self, _: int) -> int:
        """One act, always on the same quest."""
        return await self._act_on(self._paths[0])

    async def _act_on(self, path: str) -> int:
        self._acts += 1
        body = {"action_id": f"act-{self._acts}", "objective_id": "long", "amount": 1}
        async with self._http.post(f"{path}/progress", json=body) as answer:
            said = await answer.text()
        if answer.status not in (200, 429):
            raise RuntimeError(f"{answer.status}: {said}")
        return answer.status


async def run(count: int, seconds: int) -> dict[str, Any]:
    """All measurements, on one stack."""
    folder = Path(tempfile.mkdtemp(prefix="loreloom-bench-"))
    settings = Settings(loreloom_home=folder, loreloom_port=free_port())
    with Stack(settings, parts=PARTS) as stack:
        assert stack.keys is not None
        headers = {"Authorization": f"Bearer {stack.keys.ops}"}
        url = stack.settings.api_url
        async with aiohttp.ClientSession(
            base_url=url, headers=headers, connector=aiohttp.TCPConnector(limit=100)
        ) as http:
            client = await connect(stack.settings)
            engine = Engine(stack, http, client)
            await engine.open_quests(count)
            with bare_worker("benchmarks.bare", stack.settings):
                return await _measure(client, engine, count, seconds)


async def _measure(client: Client, engine: Engine, count: int, seconds: int) -> dict[str, Any]:
    handles = [
        await client.start_workflow("Bare", id=f"bare-{number}", task_queue=QUEUE)
        for number in range(count)
    ]

    async def push(number: int) -> None:
        await handles[number % count].execute_update("push")

    await flat_out(CALLERS, 300, push)
    await flat_out(CALLERS, 300, engine.act)
    steady = await at_rate(40, 40 * seconds, engine.act)
    rows = [measured("40 acts a second", steady, seconds)]
    # In turns, because a machine's speed wanders by a quarter from one minute to the next: each
    # round's share is taken within that round.
    bare, acts = [], []
    for _ in range(ROUNDS):
        calls = CALLS_A_SECOND * seconds // ROUNDS
        bare.append(measured("bare Updates", *await flat_out(CALLERS, calls, push)))
        acts.append(measured("acts", *await flat_out(CALLERS, calls, engine.act)))
    shares = [act.a_second / floor.a_second for floor, act in zip(bare, acts, strict=True)]
    rows += [_median(bare), _median(acts), await _crowd(engine)]
    return {
        "rows": [asdict(row) for row in rows],
        "share_of_bare": statistics.median(shares),
        "shares": sorted(shares),
    }


def _median(rounds: list[Measured]) -> Measured:
    return sorted(rounds, key=lambda row: row.a_second)[len(rounds) // 2]


async def _crowd(engine: Engine) -> Measured:
    """Fifty players on one quest, each for ten acts; what is refused is refused at once."""
    statuses: Counter[int] = Counter()

    async def act(number: int) -> None:
        statuses[await engine.act_on_one(number)] += 1

    times, seconds = await flat_out(50, 500, act)
    return measured("50 players on one quest", times, seconds, statuses[429])


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quests", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = asyncio.run(run(given.quests, given.seconds))
    if given.json:
        print(json.dumps(found, indent=2))
        return
    table = Table("", "calls", "a second", "p50 ms", "p99 ms", "worst ms", "refused (429)")
    for row in found["rows"]:
        table.add_row(
            row["what"],
            str(row["calls"]),
            f"{row['a_second']:.1f}",
            f"{row['p50']:.1f}",
            f"{row['p99']:.1f}",
            f"{row['worst']:.1f}",
            str(row["refused"]),
        )
    console = Console()
    console.print(table)
    shares = found["shares"]
    console.print(
        f"acts reach {found['share_of_bare']:.2f} of a bare workflow's Updates a second "
        f"({len(shares)} rounds: {shares[0]:.2f} to {shares[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
