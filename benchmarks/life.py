"""What a day of a large living world costs, in processor time of one core.

The rules alone, and the day as it is lived: read, by the rules, and written with all that comes of
it in one transaction. Beside them, in the same run, the floor: the same state read and written back
by one bare statement each. The default is the promised world: 12 factions, 40 regions, 300
characters, under a second of one core a day.
"""

import argparse
import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from loreloom.api.starting import new_regions
from loreloom.domain.calendar import Calendar
from loreloom.domain.climates import ClimateBook
from loreloom.domain.ids import WorldId
from loreloom.domain.living.content import (
    LifeContent,
)
from loreloom.domain.living.day import live_day
from loreloom.domain.living.world import LivingWorld, beginning
from loreloom.state import life, worlds
from loreloom.state.store import Store
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import Settings
from tests.builders import a_world_record
from tests.life.worlds import large

WORLD = WorldId("world_bench")
SEED = 412
GOODS = 12
Measured = dict[str, dict[str, float]]


def by_rules(lives: LifeContent, days: int) -> list[float]:
    """Milliseconds of processor time for each day by the rules alone."""
    world, spent = beginning(lives), []
    for day in range(1, days + 1):
        started = time.process_time()
        world, _ = live_day(world, day, SEED, lives, "spring")
        spent.append((time.process_time() - started) * 1000)
    return spent


async def as_lived(store: Store, lives: LifeContent, days: int) -> list[float]:
    """Milliseconds of this process for each day as it is lived."""
    await worlds.create_world(
        store,
        a_world_record(
            WORLD,
            canon=lives.canon,
            seed=SEED,
            regions=new_regions(ClimateBook(), lives.regions, SEED, Calendar()),
        ),
    )
    world = await worlds.find_world(store, WORLD)
    assert world is not None
    spent = []
    for day in range(1, days + 1):
        started = time.process_time()
        await life.live_next_day(store, world, lives, day)
        spent.append((time.process_time() - started) * 1000)
    return spent


async def floor(store: Store, days: int) -> list[float]:
    """Milliseconds of this process for reading the same state and writing it back."""
    adapter, spent = TypeAdapter(LivingWorld), []
    for _ in range(days):
        started = time.process_time()
        async with store.transaction() as tx:
            found = await tx.run(
                text("SELECT state FROM living WHERE world_id = :world FOR UPDATE"),
                {"world": WORLD},
            )
            state = adapter.dump_json(adapter.validate_python(found.scalar_one())).decode()
            await tx.run(
                text("UPDATE living SET state = CAST(:state AS jsonb) WHERE world_id = :world"),
                {"world": WORLD, "state": state},
            )
        spent.append((time.process_time() - started) * 1000)
    return spent


async def run(url: str, lives: LifeContent, days: int) -> Measured:
    """All three, each after the other."""
    store = Store(url)
    try:
        spent = {
            "the rules alone": by_rules(lives, days),
            "a day as it is lived": await as_lived(store, lives, days),
            "floor: the state read and written": await floor(store, days),
        }
    finally:
        await store.close()
    return {
        name: {"median ms": statistics.median(each), "most ms": max(each)}
        for name, each in spent.items()
    }


def main() -> int:
    """Measure on a Postgres of its own, in a folder that is removed; 1 if a day takes a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print data instead of a table")
    parser.add_argument("--factions", type=int, default=12)
    parser.add_argument("--regions", type=int, default=40)
    parser.add_argument("--characters", type=int, default=300)
    parser.add_argument("--days", type=int, default=100)
    options = parser.parse_args()
    lives = large(options.factions, options.regions, options.characters)
    with tempfile.TemporaryDirectory(prefix="loreloom-bench-") as home:
        settings = Settings().with_changes(loreloom_home=home, database_url=None)
        with Stack(settings, parts=[PartName.POSTGRES]) as stack:
            url = stack.settings.required_database_url()
            measured = asyncio.run(run(url, lives, options.days))
    if options.json:
        print(json.dumps(measured, indent=2))
    else:
        show(measured, options)
    return int(measured["a day as it is lived"]["most ms"] >= 1000)


def show(measured: Measured, options: argparse.Namespace) -> None:
    """Print the table."""
    size = f"{options.factions} factions, {options.regions} regions, {options.characters} people"
    table = Table(title=f"Processor time of one core for a day: {size}")
    table.add_column("")
    for column in ("median ms", "most ms"):
        table.add_column(column, justify="right")
    for name, values in measured.items():
        table.add_row(name, *(f"{value:.2f}" for value in values.values()))
    Console().print(table)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.days} days each; this process held {memory:.0f} MiB at most")


if __name__ == "__main__":
    sys.exit(main())
