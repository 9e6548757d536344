"""What the counted chronicle costs: entries a second beside inserts with a plain sequence.

The floor is the same row inserted into a table whose id is a sequence, each in a transaction of its
own, by as many writers: what the database takes when nothing has to be in order.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from loreloom.domain.ids import WorldId
from loreloom.state.store import Event, Store
from loreloom.state.worlds import create_world
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import Settings
from tests.builders import a_world_record

WRITERS = 16
Write = Callable[[int], Awaitable[None]]

FLOOR = text("""
    INSERT INTO bench_sequence (kind, subject, data)
    VALUES (:kind, :subject, CAST('{}' AS jsonb))
""")


async def a_second(count: int, write: Write) -> float:
    """Writes a second by all writers together."""
    waiting = iter(range(count))

    async def writer() -> None:
        for number in waiting:
            await write(number)

    began = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    return count / (time.perf_counter() - began)


async def measure(url: str, count: int) -> dict[str, float]:
    """Entries a second: into one world, into many, and the floor."""
    store = Store(url, pool_size=WRITERS)
    worlds = [WorldId(f"world-{number}") for number in range(WRITERS)]
    for world_id in worlds:
        await create_world(store, a_world_record(world_id))
    async with store.transaction() as tx:
        await tx.run(
            text(
                "CREATE TABLE bench_sequence (id bigserial PRIMARY KEY, kind text,"
                " subject text, data jsonb, at timestamptz DEFAULT now())"
            )
        )

    async def tell(world_id: WorldId, name: str, number: int) -> None:
        async with store.transaction() as tx:
            key = f"{name}/{number}"
            tx.tell(Event(world_id=world_id, key=key, kind="bench", subject="bench"))

    async def floor(number: int) -> None:
        async with store.transaction() as tx:
            await tx.run(FLOOR, {"kind": "bench", "subject": str(number)})

    async def one(number: int) -> None:
        await tell(worlds[0], "one", number)

    async def many(number: int) -> None:
        await tell(worlds[number % WRITERS], "many", number)

    await a_second(count // 10, floor)
    found = {
        "one world": await a_second(count, one),
        "sixteen worlds": await a_second(count, many),
        "floor: a sequence": await a_second(count, floor),
    }
    await store.close()
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="loreloom-bench-"))
    with Stack(Settings(loreloom_home=home), parts=[PartName.POSTGRES]) as stack:
        found = asyncio.run(measure(stack.settings.required_database_url(), given.entries))
    if given.json:
        print(json.dumps(found, indent=2))
        return
    table = Table("chronicle", "entries a second", "of the floor")
    for name, rate in found.items():
        table.add_row(name, f"{rate:.0f}", f"{rate / found['floor: a sequence']:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
