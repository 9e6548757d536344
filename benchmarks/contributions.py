"""Contributions of many players to one goal of a shared arc, through HTTP, beside a bare INSERT.

Both at the same steady rate on one embedded stack. The floor is a row inserted into a table that
nobody counts, each in a transaction of its own. Afterwards every contribution must be in the total.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from benchmarks.acts import PARTS, Measured, at_rate, measured
from loreloom.state.store import Store
from loreloom.workers.ports import free_port
from loreloom.workers.settings import Settings
from loreloom.workers.stack import Stack

A_MINUTE = 5000
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


async def measure(stack: Stack, key: str, players: int, seconds: int) -> list[Measured]:
    """Latencies of the contributions and of the floor. Raises if one was lost or doubled."""
    calls, rate = A_MINUTE * seconds // 60, A_MINUTE / 60
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

        async def contribute(number: int) -> None:
            # Each tenth is sent twice, as by a client that heard no answer.
            body = {"action_id": f"a{number}", "player_id": f"p{number % players}", "amount": 1}
            for _ in range(2 if number % 10 == 0 else 1):
                await _sent(client, f"/v1/arcs/{arc_id}/contribute", body)

        await at_rate(rate, 100, floor)
        began = time.perf_counter()
        bare = measured("a bare INSERT", await at_rate(rate, calls, floor), _since(began))
        began = time.perf_counter()
        times = await at_rate(rate, calls, contribute)
        counted = measured("a contribution through HTTP", times, _since(began))
        (goal,) = (await client.get(f"/v1/arcs/{arc_id}")).json()["goals"]
    await store.close()
    if goal["total"] != calls:
        raise RuntimeError(f"{calls} contributions, but the total is {goal['total']}")
    return [counted, bare]


async def _sent(client: httpx.AsyncClient, path: str, body: Mapping[str, object]) -> dict[str, str]:
    answer = await client.post(path, json=body)
    answer.raise_for_status()
    found: dict[str, str] = answer.json()
    return found


def _since(began: float) -> float:
    return time.perf_counter() - began


def main() -> None:
    """Run with the parameters of the command line."""
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
        print(json.dumps([asdict(one) for one in found], indent=2))
        return
    table = Table("what", "calls", "a second", "p50 ms", "p99 ms")
    for one in found:
        table.add_row(
            one.what, str(one.calls), f"{one.a_second:.0f}", f"{one.p50:.1f}", f"{one.p99:.1f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
