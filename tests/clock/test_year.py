"""A game year of one world, in seconds, on a server that skips time."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.context import ForkServerProcess

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from loreloom.domain.boundaries import boundaries, tally
from loreloom.domain.calendar import Calendar
from loreloom.state.chronicle import Entry
from loreloom.state.store import Store
from tests.clock.process import Workers
from tests.clock.stage import DAY, Ticking, set_up, ticking
from tests.quest.stage import eventually
from tests.weather.stage import BEGAN, begun, foretold, looked

HOUR = 3600
YEAR = 120 * DAY
KILLS = 20
END = BEGAN + 64 * HOUR
A_YEAR_AT_MOST = 600
"""Real seconds that a test waits for a moment of a year, for a clock that does not stand."""
REGION = "estuary"
CALENDAR = Calendar()


def assert_every_boundary_once(told: Sequence[Entry], through: int) -> None:
    """In order, none missing, none twice."""
    assert [said for entry in told for said in said_by(entry)] == [
        (boundary.at, boundary.kind) for boundary in boundaries(CALENDAR, BEGAN, through)
    ]


def said_by(entry: Entry) -> list[tuple[int, str]]:
    """The boundary that an entry tells of, or those that it counts."""
    if entry.kind != "clock.caught_up":
        return [(entry.game_time.seconds, entry.kind)]
    after, through = (entry.data[end]["seconds"] for end in ("from", "to"))
    assert entry.data["counts"] == tally(CALENDAR, after, through)
    return [(boundary.at, boundary.kind) for boundary in boundaries(CALENDAR, after, through)]


async def skip(time_skipping: WorkflowEnvironment, on: Ticking, seconds: int) -> None:
    """Skip to a game second of a world of the default scale."""
    there = (await on.world()).clock.real_moment(seconds)
    assert there is not None
    # In steps, because one sleep waits for all that wakes on its way.
    while (left := there - await time_skipping.get_current_time()) > timedelta(0):
        with answered_late():
            await time_skipping.sleep(min(left, timedelta(minutes=12)))


@contextmanager
def answered_late() -> Iterator[None]:
    """The server sometimes skips and does not say so in time; where it stands is asked anew."""
    try:
        yield
    except RPCError as error:
        if error.status not in (RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED):
            raise


async def test_a_year_passes_with_every_boundary_in_order_and_none_missing(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    at = await time_skipping.get_current_time()
    async with ticking(time_skipping.client, store, task_queue_prefix, at=at) as on:
        await skip(time_skipping, on, YEAR + 12 * HOUR)
        await on.until_told("clock.day", 120)
        told = await on.told()
        assert_every_boundary_once(told, YEAR + 12 * HOUR)
        counted = Counter(entry.kind for entry in told)
        assert counted["clock.dawn"] == counted["clock.new_day"] == 120
        assert counted["clock.new_season"] == 4
        assert counted["clock.new_year"] == 1
        assert on.life.asked[-1] == 120


async def test_none_is_lost_or_doubled_while_the_worker_is_killed_at_twenty_moments(
    temporal_client: Client, store: Store, database_url: str, task_queue_prefix: str
) -> None:
    """On the real server: the one that skips time never gives a killed worker's workflow back."""
    world = f"world-{task_queue_prefix}"
    on = await set_up(
        temporal_client,
        store,
        task_queue_prefix,
        datetime.now(UTC),
        scale=DAY / 10,
        regions=[REGION],
        world=world,
    )
    workers = Workers(temporal_client, database_url, task_queue_prefix)
    worker = workers.start()
    weather = await begun(temporal_client, store, task_queue_prefix, REGION, world)
    seen = await looked(weather)
    moments = seeded_moments(END)
    worker = await killed_at(on, workers, worker, moments)
    await on.until_told("clock.new_day", 3)
    worker.kill()

    told = await on.told()
    assert_every_boundary_once(told, told[-1].game_time.seconds)
    changes = [(entry.data["since"], entry.data["state"]) for entry in await weather.told()]
    through = await looked(weather)
    assert through > moments[-1] - DAY / 2
    assert changes == await foretold(weather, seen, through)
    for handle in (on.handle, weather.handle):
        await handle.terminate("the test is over")


@pytest.mark.soak
async def test_a_year_loses_and_doubles_none_while_the_worker_is_killed_at_twenty_moments(
    temporal_client: Client, store: Store, database_url: str, task_queue_prefix: str
) -> None:
    """A real server has to live through it: a year in four minutes.

    A worker that is away for more than a day of it says how many of each kind it passed.
    """
    world = f"world-{task_queue_prefix}"
    at = datetime.now(UTC)
    on = await set_up(temporal_client, store, task_queue_prefix, at, scale=DAY / 2, world=world)
    workers = Workers(temporal_client, database_url, task_queue_prefix)
    worker = await killed_at(on, workers, workers.start(), seeded_moments(YEAR))

    async def over() -> bool:
        told = await on.told()
        return bool(told) and told[-1].game_time.seconds >= YEAR

    await eventually(lambda: has_come_to(on, YEAR), "a year", A_YEAR_AT_MOST)
    await eventually(over, "a year is told")
    worker.kill()
    told = await on.told()
    assert_every_boundary_once(told, told[-1].game_time.seconds)
    assert Counter(entry.kind for entry in told)["clock.caught_up"] <= KILLS
    await on.handle.terminate("the test is over")


def seeded_moments(end: int) -> list[int]:
    """Game seconds at which a worker dies, in order."""
    chance = random.Random(20)
    return sorted(chance.randrange(BEGAN + 6 * HOUR, end) for _ in range(KILLS))


async def killed_at(
    on: Ticking, workers: Workers, worker: ForkServerProcess, moments: Sequence[int]
) -> ForkServerProcess:
    """Kill the worker at each of these moments and start another; returns the last."""
    for moment in moments:
        reached = partial(has_come_to, on, moment)
        await eventually(reached, f"{moment} s", A_YEAR_AT_MOST)
        worker.kill()
        worker = workers.start()
    return worker


async def has_come_to(on: Ticking, seconds: int) -> bool:
    return (await on.world()).clock.game_seconds(datetime.now(UTC)) >= seconds
