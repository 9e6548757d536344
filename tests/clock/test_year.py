"""A game year of one world, in seconds, on a server that skips time."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from loreloom.domain.boundaries import boundaries
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
REGION = "estuary"
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
    world = f"world-{task_queue_prefix}"
    chance = random.Random(20)
    moments = sorted(chance.randrange(BEGAN + 6 * HOUR, END) for _ in range(KILLS))
    workers = Workers(temporal_client, database_url, task_queue_prefix)
    worker = workers.start()
    how = {"scale": DAY / 10, "regions": [REGION], "world": world}
    on = await set_up(temporal_client, store, task_queue_prefix, datetime.now(UTC), **how)
    weather = await begun(temporal_client, store, task_queue_prefix, REGION, world)
    seen = await looked(weather)
    for moment in moments:
        await eventually(lambda moment=moment: has_come_to(on, moment), f"{moment}")
        worker.kill()
        worker = workers.start()
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


async def has_come_to(on: Ticking, seconds: int) -> bool:
    return (await on.world()).clock.game_seconds(datetime.now(UTC)) >= seconds
