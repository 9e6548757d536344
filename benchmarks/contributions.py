"""Contributions of many players to one goal of a shared arc, through HTTP, beside a bare INSERT.

Both at the same steady rate on one embedded stack. The floor is a row inserted into a table that
nobody counts, each in a transaction of its own. Afterwards every contribution must be in the total,
once, and none may have taken longer than a quest's act may.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from benchmarks.acts import PARTS, Measured, at_rate, measured
from loreloom.state.store import Store
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import Stack
from loreloom.workers.settings import Settings

A_MINUTE = 5000
BAR_MS = 100.0
"""What an act on a quest may take at most, in 99 of 100 cases."""
TRIES = 600
ARC = """
arc: bench
title: A count
scope: world
start: count
beats:
  count: {kind: goal, name: all, title: All of them, target: 1000000000, next: [{to: done}]}
  done: {kind: end, outcome: done}
"""
FLOOR = text("INSERT INTO bench_inserts (name, amount) VALUES (:name, 1) RETURNING id")
FLOOR_TABLE = text("CREATE TABLE bench_inserts (id bigserial PRIMARY KEY, name text, amount int)")
ROWS = text("SELECT count(*) FROM arc_contributions WHERE arc_id = :arc_id")


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of the contributions: so many were made, are kept, and are in the total."""

    made: int
    sent_twice: int
    kept: int
    total: int

    @property
    def lost(self) -> int:
        """Those that are not kept."""
        return self.made - self.kept

    @property
    def doubled(self) -> int:
        """How much more the total is than what is kept."""
        return self.total - self.kept


@dataclass(frozen=True, slots=True)
class Found:
    """Latencies of the contributions and of the floor, and what was counted."""

    counted: Counted
    contributions: Measured
    floor: Measured

    @property
    def met(self) -> bool:
        """Whether each was counted once, and none was slower than a quest's act may be."""
        once = self.counted.lost == self.counted.doubled == 0
        return once and self.contributions.worst <= BAR_MS


async def begun(client: httpx.AsyncClient, players: int) -> str:
    """A world with its players, and its arc once the goal is open."""
    world_id = (await _sent(client, "/v1/worlds", {"name": "Bench", "regions": []}))["world_id"]
    for number in range(players):
        player = {"player_id": f"p{number}", "name": f"P{number}"}
        await _sent(client, f"/v1/worlds/{world_id}/players", player)
    arc_id = (await _sent(client, f"/v1/worlds/{world_id}/arcs", {"arc": "bench"}))["arc_id"]
    for _ in range(TRIES):
        if (await client.get(f"/v1/arcs/{arc_id}")).json()["goals"]:
            return arc_id
        await asyncio.sleep(0.05)
    raise RuntimeError("the arc did not open its goal")


async def measure(stack: Stack, key: str, players: int, seconds: int) -> Found:
    """The floor, then the contributions."""
    calls, rate = A_MINUTE * seconds // 60, A_MINUTE / 60
    sent = [number for number in range(calls) for _ in range(2 if sent_twice(number) else 1)]
    store = Store(stack.settings.required_database_url(), pool_size=8)
    async with store.transaction() as tx:
        await tx.run(FLOOR_TABLE)

    async def floor(number: int) -> None:
        await store.run_alone(FLOOR, {"name": str(number)})

    async with httpx.AsyncClient(
        base_url=stack.settings.api_url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
        limits=httpx.Limits(max_connections=50),
    ) as client:
        arc_id = await begun(client, players)

        async def contribute(place: int) -> None:
            number = sent[place]
            body = {"action_id": f"a{number}", "player_id": f"p{number % players}", "amount": 1}
            await _sent(client, f"/v1/arcs/{arc_id}/contribute", body)

        await at_rate(rate, 100, floor)
        began = time.perf_counter()
        bare = measured("a bare INSERT", await at_rate(rate, calls, floor), _since(began))
        began = time.perf_counter()
        times = await at_rate(rate * len(sent) / calls, len(sent), contribute)
        counted = measured("a contribution through HTTP", times, _since(began))
        (goal,) = (await client.get(f"/v1/arcs/{arc_id}")).json()["goals"]
    async with store.reading() as connection:
        kept = (await connection.execute(ROWS, {"arc_id": arc_id})).scalar_one()
    await store.close()
    twice = len(sent) - calls
    return Found(Counted(calls, twice, kept, goal["total"]), counted, bare)


def sent_twice(number: int) -> bool:
    """Each tenth contribution is, as by a client that heard no answer."""
    return number % 10 == 0


async def _sent(client: httpx.AsyncClient, path: str, body: Mapping[str, object]) -> dict[str, str]:
    answer = await client.post(path, json=body)
    answer.raise_for_status()
    found: dict[str, str] = answer.json()
    return found


def _since(began: float) -> float:
    return time.perf_counter() - began


def main() -> int:
    """Run with the parameters of the command line; 1 if one was lost, doubled or too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loreloom-bench-") as folder:
        content = Path(folder) / "content"
        (content / "arcs").mkdir(parents=True)
        (content / "arcs" / "bench.yaml").write_text(ARC)
        given = Settings()
        (content / "quests").symlink_to(given.quest_templates)
        settings = given.with_changes(
            loreloom_home=Path(folder) / "home",
            loreloom_port=free_port(),
            database_url=None,
            temporal_address=None,
            content_folder=content,
        )
        with Stack(settings, parts=PARTS) as stack:
            assert stack.keys is not None
            found = asyncio.run(measure(stack, stack.keys.ops, asked.players, asked.seconds))
    if asked.json:
        print(json.dumps(asdict(found), indent=2))
    else:
        show(found)
    return int(not found.met)


def show(found: Found) -> None:
    """The figures as a table, and what was counted."""
    table = Table("what", "calls", "a second", "p50 ms", "p99 ms", "worst ms", "bar ms")
    for one, bar in ((found.contributions, f"{BAR_MS:.0f}"), (found.floor, "")):
        figures = [f"{figure:.1f}" for figure in (one.p50, one.p99, one.worst)]
        table.add_row(one.what, str(one.calls), f"{one.a_second:.0f}", *figures, bar)
    console = Console()
    console.print(table)
    counted = found.counted
    console.print(
        f"{counted.made} made, {counted.sent_twice} of them sent twice; {counted.total} counted:"
        f" {counted.lost} lost, {counted.doubled} doubled"
    )


if __name__ == "__main__":
    sys.exit(main())
