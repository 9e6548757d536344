"""A thousand worlds that keep their time: how late boundaries are told, and what it costs.

First the floor: as many bare timer workflows, which wake at moments like those of the worlds and
write nothing. Then worlds at the default scale, made through the API and set to seeded hours, in
the same stack. A boundary's lateness is from the moment at which it is due to its row in the
chronicle. The CPU share is that of all processes of the stack, in parts of one core.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from temporalio.client import Client, WorkflowHandle

from benchmarks.bare_timers import QUEUE
from benchmarks.floors import bare_worker
from loreloom.domain.boundaries import boundaries
from loreloom.domain.calendar import HOUR, Calendar
from loreloom.domain.clock import DEFAULT_SCALE
from loreloom.domain.ids import WorldId
from loreloom.state.store import Store
from loreloom.state.worlds import find_world
from loreloom.workers.ports import free_port
from loreloom.workers.settings import Settings
from loreloom.workers.stack import PartName, Stack
from loreloom.workers.temporal_connection import connect

PARTS = (PartName.POSTGRES, PartName.TEMPORAL, PartName.WORKER, PartName.API)
CALENDAR = Calendar()
AT_ONCE = 8
TARGET_SECONDS = 2.0
SETTLE_SECONDS = 10.0
NOTE = (
    "CREATE TABLE bench_told (world_id text, game_seconds bigint, kind text, at float)",
    """CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO bench_told VALUES
        (NEW.world_id, NEW.game_seconds, NEW.kind, extract(epoch FROM clock_timestamp()));
    RETURN NEW; END $$""",
    """CREATE TRIGGER bench_note AFTER INSERT ON chronicle
    FOR EACH ROW EXECUTE FUNCTION bench_note()""",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """How well time was kept: lateness in seconds, CPU in cores, and what never came."""

    what: str
    boundaries: int
    missing: int
    p50: float
    p99: float
    worst: float
    cores: float


def kept(what: str, late: Sequence[float], missing: int, cores: float) -> Kept:
    """The figures of a list of latenesses in seconds."""
    cuts = statistics.quantiles(late, n=100, method="inclusive")
    return Kept(what, len(late), missing, cuts[49], cuts[98], max(late), cores)


def cpu_seconds() -> float:
    """CPU time of all processes that this one has started, in seconds."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        times = process.cpu_times()
        spent += times.user + times.system
    return spent


async def at_once(count: int, act: Callable[[int], Awaitable[None]]) -> None:
    """Do something for each number, few at a time."""
    numbers = iter(range(count))

    async def one() -> None:
        for number in numbers:
            await act(number)

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


async def floor(client: Client, worlds: int, seconds: int, seed: int) -> Kept:
    """As many timers as there will be worlds, which wake when a world of their hour would."""
    chance = random.Random(seed)
    # They are all asleep before the first wakes.
    begin = time.time() + 10 + worlds / 25
    handles: list[WorkflowHandle[object, list[float]]] = []

    async def start(number: int) -> None:
        hour = chance.randrange(CALENDAR.seconds_per_day)
        due = boundaries(CALENDAR, hour, hour + round(seconds * DEFAULT_SCALE))
        moments = [begin + (boundary.at - hour) / DEFAULT_SCALE for boundary in due]
        handles.append(
            await client.start_workflow(
                "BareTimer",
                moments,
                id=f"timer-{number}",
                task_queue=QUEUE,
                result_type=list[float],
            )
        )

    await at_once(worlds, start)
    if (left := begin - time.time()) < 0:
        raise RuntimeError("the timers were not set in time")
    await asyncio.sleep(left)
    spent = cpu_seconds()
    await asyncio.sleep(seconds)
    cores = (cpu_seconds() - spent) / seconds
    late = [each for handle in handles for each in await handle.result()]
    return kept(f"{worlds} bare timer workflows", late, 0, cores)


async def engine(stack: Stack, key: str, worlds: int, seconds: int, seed: int) -> Kept:
    """Worlds at seeded hours; every boundary that is due meanwhile is looked for."""
    chance = random.Random(seed)
    ids: list[WorldId] = []
    store = Store(stack.settings.required_database_url())
    async with store.transaction() as tx:
        for statement in NOTE:
            await tx.run(text(statement))
    async with httpx.AsyncClient(
        base_url=stack.settings.api_url, headers={"Authorization": f"Bearer {key}"}, timeout=60
    ) as http:

        async def make(number: int) -> None:
            made = await http.post("/v1/worlds", json={"name": f"W{number}", "regions": []})
            world_id = WorldId(made.raise_for_status().json()["world_id"])
            hours = chance.randrange(1, CALENDAR.seconds_per_day) / HOUR
            path = f"/v1/worlds/{world_id}/clock"
            (await http.patch(path, json={"advance_hours": hours})).raise_for_status()
            ids.append(world_id)

        await at_once(worlds, make)
    await asyncio.sleep(SETTLE_SECONDS)
    began, spent = datetime.now(UTC), cpu_seconds()
    await asyncio.sleep(seconds)
    ended, cores = datetime.now(UTC), (cpu_seconds() - spent) / seconds
    await asyncio.sleep(SETTLE_SECONDS)
    late, missing = await lateness(store, ids, began, ended)
    await store.close()
    return kept(f"{worlds} worlds", late, missing, cores)


async def lateness(
    store: Store, worlds: Sequence[WorldId], began: datetime, ended: datetime
) -> tuple[list[float], int]:
    """Seconds from due to told for every boundary of an interval, and how many were not told."""
    async with store.reading() as connection:
        rows = await connection.execute(text("SELECT * FROM bench_told"))
        told = {(row.world_id, row.game_seconds, row.kind): row.at for row in rows}
    late: list[float] = []
    missing = 0
    for world_id in worlds:
        world = await find_world(store, world_id)
        assert world is not None
        clock = world.clock
        due = boundaries(world.calendar, clock.game_seconds(began), clock.game_seconds(ended))
        for boundary in due:
            moment = clock.real_moment(boundary.at)
            at = told.get((world_id, boundary.at, boundary.kind))
            if at is None or moment is None:
                missing += 1
            else:
                late.append(at - moment.timestamp())
    return late, missing


async def measure(stack: Stack, key: str, asked: argparse.Namespace) -> list[Kept]:
    """The floor, then the worlds."""
    client = await connect(stack.settings)
    with bare_worker("benchmarks.bare_timers", stack.settings):
        bare = await floor(client, asked.worlds, asked.seconds, asked.seed)
    return [await engine(stack, key, asked.worlds, asked.seconds, asked.seed), bare]


def main() -> int:
    """Run with the parameters of the command line; 1 if a boundary was lost or late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--seed", type=int, default=412)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loreloom-bench-") as folder:
        settings = Settings().with_changes(
            loreloom_home=Path(folder),
            loreloom_port=free_port(),
            database_url=None,
            temporal_address=None,
        )
        with Stack(settings, parts=PARTS) as stack:
            assert stack.keys is not None
            found = asyncio.run(measure(stack, stack.keys.ops, asked))
    if asked.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        show(found)
    return int(found[0].missing > 0 or found[0].p99 > TARGET_SECONDS)


def show(found: Sequence[Kept]) -> None:
    """The figures as a table."""
    table = Table("what", "boundaries", "missing", "p50 s", "p99 s", "worst s", "cores")
    for one in found:
        figures = (one.p50, one.p99, one.worst, one.cores)
        row = [f"{figure:.3f}" for figure in figures]
        table.add_row(one.what, str(one.boundaries), str(one.missing), *row)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
