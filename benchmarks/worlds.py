"""A thousand worlds that keep their time: how late it is told, and what it costs.

First the floor: as many bare timer workflows as the worlds and their regions have together, which
wake at moments like theirs and write nothing. Then worlds at the default scale, made through the
API and set to seeded hours, in the same stack. The lateness of a boundary, or of a change of
weather, is from the moment at which it is due to its row in the chronicle. The CPU share is that
of all processes of the stack, in parts of one core.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
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
from loreloom.domain.climates import TEMPERATE
from loreloom.domain.clock import DEFAULT_SCALE
from loreloom.domain.ids import WorldId
from loreloom.domain.imposed import changes
from loreloom.domain.sky import Sky
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord, find_world
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import Settings
from loreloom.workers.temporal_connection import connect

PARTS = (PartName.POSTGRES, PartName.TEMPORAL, PartName.WORKER, PartName.API)
CALENDAR = Calendar()
AT_ONCE = 8
TARGET_SECONDS = 2.0
SETTLE_SECONDS = 10.0
NOTE = (
    """CREATE TABLE bench_told
    (world_id text, subject text, kind text, game_seconds bigint, at float)""",
    """CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO bench_told VALUES (NEW.world_id, NEW.subject, NEW.kind, NEW.game_seconds,
        extract(epoch FROM clock_timestamp()));
    RETURN NEW; END $$""",
    """CREATE TRIGGER bench_note AFTER INSERT ON chronicle
    FOR EACH ROW EXECUTE FUNCTION bench_note()""",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """How well time was kept: lateness in seconds, and what never came."""

    what: str
    told: int
    missing: int
    p50: float
    p99: float
    worst: float

    @property
    def met(self) -> bool:
        """Whether all came, and in time."""
        return self.missing == 0 and self.p99 <= TARGET_SECONDS


@dataclass(frozen=True, slots=True)
class Load:
    """What keeps time, the CPU that all of it costs together, in cores, and how well it is kept."""

    what: str
    cores: float
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be told of a world, and at which game second."""

    subject: str
    kind: str
    at: int


def kept(what: str, late: Sequence[float], missing: int = 0) -> Kept:
    """The figures of a list of latenesses in seconds."""
    if len(late) < 2:
        raise RuntimeError(f"too little of {what} was due; measure for longer, or more of them")
    cuts = statistics.quantiles(late, n=100, method="inclusive")
    return Kept(what, len(late), missing, cuts[49], cuts[98], max(late))


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


async def floor(client: Client, asked: argparse.Namespace) -> Load:
    """As many timers as there will be worlds and regions, which wake when one of their hour would.

    Each world's comes first, then those of its regions.
    """
    chance = random.Random(asked.seed)
    timers, seconds = asked.worlds * (1 + asked.regions), asked.seconds
    # They are all asleep before the first wakes.
    begin = time.time() + 10 + timers / 25
    handles: list[WorkflowHandle[object, list[float]]] = []

    async def start(number: int) -> None:
        hour = chance.randrange(CALENDAR.seconds_per_day)
        through = hour + round(seconds * DEFAULT_SCALE)
        if number % (1 + asked.regions) == 0:
            due = [boundary.at for boundary in boundaries(CALENDAR, hour, through)]
        else:
            due = [change.seconds for change in changes(a_sky(number), (), hour, through)]
        moments = [begin + (at - hour) / DEFAULT_SCALE for at in due]
        handles.append(
            await client.start_workflow(
                "BareTimer",
                moments,
                id=f"timer-{number}",
                task_queue=QUEUE,
                result_type=list[float],
            )
        )

    await at_once(timers, start)
    if (left := begin - time.time()) < 0:
        raise RuntimeError("the timers were not set in time")
    await asyncio.sleep(left)
    spent = cpu_seconds()
    await asyncio.sleep(seconds)
    cores = (cpu_seconds() - spent) / seconds
    late = [each for handle in handles for each in await handle.result()]
    return Load(f"{timers} bare timers", cores, (kept("wakes", late),))


def a_sky(number: int) -> Sky:
    """A sky as a region of the worlds lies under."""
    return Sky(name=f"R{number}", seed=number, climate=TEMPERATE, calendar=CALENDAR)


async def engine(stack: Stack, key: str, asked: argparse.Namespace) -> Load:
    """Worlds at seeded hours; all that is due meanwhile is looked for."""
    chance, seconds = random.Random(asked.seed), asked.seconds
    regions = [f"R{number}" for number in range(asked.regions)]
    ids: list[WorldId] = []
    store = Store(stack.settings.required_database_url())
    async with store.transaction() as tx:
        for statement in NOTE:
            await tx.run(text(statement))
    async with httpx.AsyncClient(
        base_url=stack.settings.api_url, headers={"Authorization": f"Bearer {key}"}, timeout=60
    ) as http:

        async def make(number: int) -> None:
            made = await http.post("/v1/worlds", json={"name": f"W{number}", "regions": regions})
            world_id = WorldId(made.raise_for_status().json()["world_id"])
            hours = chance.randrange(1, CALENDAR.seconds_per_day) / HOUR
            path = f"/v1/worlds/{world_id}/clock"
            (await http.patch(path, json={"advance_hours": hours})).raise_for_status()
            ids.append(world_id)

        await at_once(asked.worlds, make)
    await asyncio.sleep(SETTLE_SECONDS)
    began, spent = datetime.now(UTC), cpu_seconds()
    await asyncio.sleep(seconds)
    ended, cores = datetime.now(UTC), (cpu_seconds() - spent) / seconds
    await asyncio.sleep(SETTLE_SECONDS)
    found = [await find_world(store, world_id) for world_id in ids]
    worlds = [world for world in found if world is not None]
    async with store.reading() as connection:
        rows = await connection.execute(text("SELECT * FROM bench_told"))
        told = {
            (row.world_id, Due(row.subject, row.kind, row.game_seconds)): row.at for row in rows
        }
    await store.close()
    figures = [kept("boundaries", *lateness(told, worlds, due_boundaries, began, ended))]
    if regions:
        figures.append(
            kept("changes of weather", *lateness(told, worlds, due_weathers, began, ended))
        )
    return Load(f"{len(ids)} worlds", cores, tuple(figures))


def due_boundaries(world: WorldRecord, after: int, through: int) -> Iterator[Due]:
    """The pages that a world's calendar turns in an interval of game time."""
    for boundary in boundaries(world.calendar, after, through):
        yield Due(world.world_id, boundary.kind, boundary.at)


def due_weathers(world: WorldRecord, after: int, through: int) -> Iterator[Due]:
    """The weathers that come to a world's regions in an interval of game time."""
    for region in world.regions:
        for change in changes(region.sky, region.imposed, after, through):
            yield Due(f"region/{region.region}", "weather.changed", change.seconds)


def lateness(
    told: Mapping[tuple[WorldId, Due], float],
    worlds: Sequence[WorldRecord],
    due_in: Callable[[WorldRecord, int, int], Iterator[Due]],
    began: datetime,
    ended: datetime,
) -> tuple[list[float], int]:
    """Seconds from due to told for all that is due in an interval, and how much was not told."""
    late: list[float] = []
    missing = 0
    for world in worlds:
        clock = world.clock
        for due in due_in(world, clock.game_seconds(began), clock.game_seconds(ended)):
            moment, at = clock.real_moment(due.at), told.get((world.world_id, due))
            if at is None or moment is None:
                missing += 1
            else:
                late.append(at - moment.timestamp())
    return late, missing


async def measure(stack: Stack, key: str, asked: argparse.Namespace) -> list[Load]:
    """The floor, then the worlds."""
    client = await connect(stack.settings)
    with bare_worker("benchmarks.bare_timers", stack.settings):
        bare = await floor(client, asked)
    return [await engine(stack, key, asked), bare]


def main() -> int:
    """Run with the parameters of the command line; 1 if anything was lost or late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--regions", type=int, default=1, help="of each world")
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
    return int(not all(one.met for one in found[0].kept))


def show(found: Sequence[Load]) -> None:
    """The figures as a table; a load's CPU stands in its first line."""
    table = Table("load", "cores", "what", "told", "missing", "p50 s", "p99 s", "worst s")
    for load in found:
        for number, one in enumerate(load.kept):
            whose = ("", "") if number else (load.what, f"{load.cores:.3f}")
            figures = [f"{figure:.3f}" for figure in (one.p50, one.p99, one.worst)]
            table.add_row(*whose, one.what, str(one.told), str(one.missing), *figures)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
