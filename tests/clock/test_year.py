"""A game year of one world, in seconds, on a server that skips time."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from loreloom.domain.boundaries import boundaries
from loreloom.domain.calendar import Calendar
from loreloom.state.chronicle import Entry
from loreloom.state.store import Store
from tests.clock.stage import BEGAN, DAY, Ticking, set_up, ticking
from tests.quest.stage import eventually

HOUR = 3600
YEAR = 120 * DAY
KILLS = 20
CALENDAR = Calendar()


def assert_every_boundary_once(told: Sequence[Entry], through: int) -> None:
    """In order, none missing, none twice."""
    assert [(entry.game_time.seconds, entry.kind) for entry in told] == [
        (boundary.at, boundary.kind) for boundary in boundaries(CALENDAR, BEGAN, through)
    ]


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
    end = BEGAN + 5 * DAY
    chance = random.Random(20)
    moments = sorted(chance.randrange(BEGAN + DAY // 2, end) for _ in range(KILLS))
    on = await set_up(temporal_client, store, task_queue_prefix, datetime.now(UTC), scale=DAY / 10)
    command = process_command(temporal_client, database_url, task_queue_prefix)
    with ExitStack() as stack:
        worker = stack.enter_context(loaded(command))
        go(worker)
        for moment in moments:
            # The next one is loaded before the kill: what is tested is the gap, not the start.
            following = stack.enter_context(loaded(command))
            await eventually(lambda moment=moment: has_come_to(on, moment), f"{moment}")
            worker.kill()
            go(following)
            worker = following
        await on.until_told("clock.new_day", 7)
    await on.handle.terminate("the test is over")
    told = await on.told()
    assert_every_boundary_once(told, told[-1].game_time.seconds)


async def has_come_to(on: Ticking, seconds: int) -> bool:
    return (await on.world()).clock.game_seconds(datetime.now(UTC)) >= seconds


def process_command(client: Client, database: str, prefix: str) -> list[str]:
    address = client.service_client.config.target_host
    where = [address, client.namespace, database, prefix]
    return [sys.executable, "-m", "tests.clock.process", *where]


@contextmanager
def loaded(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A worker process that has loaded everything; killed at the end, if not before."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
