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

from loreloom.domain.calendar import Calendar, FirstDay, Holiday, Month, Moon
from loreloom.state.store import Store
from tests.clock.boundaries import assert_every_boundary_once
from tests.clock.process import Workers
from tests.clock.stage import DAY, Ticking, set_up, ticking
from tests.quest.stage import eventually
from tests.weather.stage import BEGAN, begun, foretold, looked

HOUR = 3600
YEAR = 120 * DAY
KILLS = 20
END = BEGAN + 64 * HOUR
LONG_DAYS = Calendar(
    hours_per_day=240, part_starts=tuple((("light", "gloom")[n % 2], 6 * n) for n in range(24))
)
"""A worker that comes back late is never a whole day behind, which would be told in one entry."""
MOONLIT = Calendar(
    seasons=("cold", "wet", "warm"),
    months=(
        Month(name="Rime", days=30, season="cold"),
        Month(name="Thaw", days=21, season="wet"),
        Month(name="Flood", days=24, season="wet"),
        Month(name="Hay", days=35, season="warm"),
        Month(name="Frost", days=10, season="cold"),
    ),
    holidays=(
        Holiday(name="Ham Night", month="Flood", day=4),
        Holiday(name="Deep Night", season="cold", day=12),
    ),
    moon=Moon(cycle_days=7.3, phases=("new", "waxing", "full", "waning")),
    begins=FirstDay(year=412, month="Thaw", day=20),
)
"""Months, holidays, a moon whose phases begin at odd seconds, and a first day within the year."""
A_YEAR_AT_MOST = 600
"""Real seconds that a test waits for a moment of a year, for a clock that does not stand."""
REGION = "estuary"


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


@pytest.mark.parametrize("calendar", [Calendar(), MOONLIT], ids=["default", "moonlit"])
async def test_a_year_passes_with_every_boundary_in_order_and_none_missing(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str, calendar: Calendar
) -> None:
    at = await time_skipping.get_current_time()
    how = {"at": at, "calendar": calendar}
    async with ticking(time_skipping.client, store, task_queue_prefix, **how) as on:
        await skip(time_skipping, on, YEAR + 12 * HOUR)
        await on.until_told("clock.day", 120)
        told = await on.told()
        assert_every_boundary_once(calendar, told, YEAR + 12 * HOUR)
        counted = Counter(entry.kind for entry in told)
        assert counted["clock.dawn"] == counted["clock.new_day"] == 120
        assert counted["clock.new_season"] == len(calendar.seasons)
        assert counted["clock.new_month"] == len(calendar.months)
        assert counted["clock.holiday"] == len(calendar.holidays)
        # A year of 120 days and a half, in which each phase lasts 1.825 days.
        assert counted["clock.moon"] == (66 if calendar.moon else 0)
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
        calendar=LONG_DAYS,
        regions=[REGION],
        world=world,
    )
    workers = Workers(temporal_client, database_url, task_queue_prefix)
    worker = workers.start()
    weather = await begun(temporal_client, store, task_queue_prefix, REGION, world)
    seen = await looked(weather)
    moments = seeded_moments(END)
    worker = await killed_at(on, workers, worker, moments)

    async def all_told() -> bool:
        told = await on.told()
        return bool(told) and told[-1].game_time.seconds > END and await looked(weather) > END

    await eventually(all_told, "all is told after the last kill")
    worker.kill()

    told = await on.told()
    assert_every_boundary_once(LONG_DAYS, told, told[-1].game_time.seconds)
    # What the worker sent before it died may be written still, between one reading and the next.
    through = await looked(weather)
    changes = [(entry.data["since"], entry.data["state"]) for entry in await weather.told()]
    assert [change for change in changes if change[0] <= through] == await foretold(
        weather, seen, through
    )
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
    assert_every_boundary_once(Calendar(), told, told[-1].game_time.seconds)
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
