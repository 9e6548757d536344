"""The clock's workflow: paused, scaled, advanced, asleep, reset, and gone on from anew."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import (
    Interceptor,
    SignalExternalWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from loreloom.domain.boundaries import boundaries, tally
from loreloom.domain.calendar import Calendar
from loreloom.domain.clock import Clock
from loreloom.state.store import Store
from tests.clock.stage import DAY, Ticking, serving, set_up, ticking
from tests.quest.stage import eventually
from tests.support.resetting import completed_tasks, reset
from tests.weather.stage import BEGAN

HOUR = 3600
FAST = 6 * HOUR
"""A scale at which a game day takes four seconds."""


async def assert_all_told(on: Ticking) -> None:
    """Every boundary up to the last one told is told once, in order."""
    told = [e for e in await on.told() if e.kind not in ("clock.changed", "clock.caught_up")]
    last = told[-1].game_time.seconds
    calendar = (await on.world()).calendar
    assert [(e.game_time.seconds, e.kind) for e in told] == [
        (b.at, b.kind) for b in boundaries(calendar, BEGAN, last)
    ]


async def test_time_stands_while_it_is_paused_and_goes_on_from_there(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    at = datetime.now(UTC)
    async with ticking(temporal_client, store, task_queue_prefix, at=at, scale=FAST) as on:
        await on.until_told("clock.dusk")
        paused = await on.change(paused=True)
        told = await on.told()
        # An advance is told of at once, and only what it passed.
        skipped = await on.change(advance_hours=24)
        assert skipped.game_seconds(datetime.now(UTC)) == paused.game_anchor + DAY
        await on.until_told("clock.dusk", 2)
        assert len(await on.told()) == len(told) + 1 + 5
        resumed = await on.change(paused=False)
        assert resumed.game_anchor == skipped.game_anchor
        await on.until_told("clock.day", 2)
        await assert_all_told(on)
        kinds = Counter(entry.kind for entry in await on.told())
        assert kinds["clock.changed"] == 3
        assert "clock.caught_up" not in kinds


async def test_any_scale_and_any_advance_in_between_loses_and_doubles_nothing(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    at = datetime.now(UTC)
    async with ticking(temporal_client, store, task_queue_prefix, at=at, scale=FAST) as on:
        for change in (
            {"scale": FAST / 7},
            {"advance_hours": 13.5},
            {"paused": True},
            {"advance_hours": 7},
            {"scale": 30, "paused": False},
            {"scale": FAST + 0.5, "advance_hours": 23},
        ):
            before = (await on.world()).clock
            after = await on.change(**change)
            skipped = after.game_anchor - before.game_seconds(after.anchor)
            assert skipped == change.get("advance_hours", 0) * HOUR
        await on.until_told("clock.new_day", 4)
        await assert_all_told(on)


async def test_an_order_that_comes_again_counts_once(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    at = datetime.now(UTC)
    async with ticking(temporal_client, store, task_queue_prefix, at=at) as on:
        await on.change("mine", advance_hours=10)
        await on.change("mine", advance_hours=10)
        told = [entry for entry in await on.told() if entry.kind == "clock.changed"]
        assert [entry.data["skipped_seconds"] for entry in told] == [10 * HOUR]


async def test_a_world_that_slept_for_a_year_says_so_and_replays_no_dawn(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    at = await time_skipping.get_current_time()
    on = await set_up(time_skipping.client, store, task_queue_prefix, at - timedelta(days=2))
    async with serving(on, task_queue_prefix):
        await on.until_told("clock.caught_up")

        async def lived() -> bool:
            return bool(on.life.asked)

        await eventually(lived, "the days are lived")
    (entry,) = await on.told()
    woke = entry.game_time.seconds
    assert entry.data["counts"] == tally(Calendar(), BEGAN, woke)
    assert entry.data["counts"]["clock.dawn"] == 120
    assert (entry.data["from"]["seconds"], entry.data["to"]["seconds"]) == (BEGAN, woke)
    assert on.life.asked == [woke // DAY]
    await on.handle.terminate("the test is over")


async def test_an_hour_too_late_is_told_in_order(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    at = await time_skipping.get_current_time()
    on = await set_up(time_skipping.client, store, task_queue_prefix, at - timedelta(minutes=23))
    async with serving(on, task_queue_prefix):
        await on.until_told("clock.day")
    assert [e.kind for e in await on.told()] == [
        "clock.dusk", "clock.night", "clock.new_day", "clock.dawn", "clock.day"
    ]  # fmt: skip
    await on.handle.terminate("the test is over")


async def test_boundaries_come_when_they_are_due_and_not_before(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    """On a server whose time is everybody's: no entry is early, none later than two seconds."""
    at = datetime.now(UTC)
    async with ticking(temporal_client, store, task_queue_prefix, at=at, scale=FAST) as on:
        await on.until_told("clock.day", 2)
        clock = (await on.world()).clock
        for entry in await on.told():
            due = clock.real_moment(entry.game_time.seconds)
            assert due is not None
            assert due <= entry.at <= due + timedelta(seconds=2)


async def test_game_time_as_readers_compute_it_never_goes_back(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    at = datetime.now(UTC)
    async with ticking(temporal_client, store, task_queue_prefix, at=at, scale=FAST) as on:
        seen = 0
        for step in range(6):
            changed: Clock = await on.change(paused=step % 2 == 0)
            for clock in (changed, (await on.world()).clock):
                now = clock.game_seconds(datetime.now(UTC))
                assert now >= seen
                seen = now


async def test_a_clock_that_is_reset_tells_and_changes_nothing_twice(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    at = datetime.now(UTC)
    async with ticking(temporal_client, store, task_queue_prefix, at=at, scale=FAST) as on:
        await on.until_told("clock.night")
        await on.change("skip", advance_hours=20)
        await on.until_told("clock.dawn")
        before = await on.told()

        await reset(temporal_client, on.handle, (await completed_tasks(on.handle))[1])

        again = temporal_client.get_workflow_handle(on.handle.id)
        on.handle = again
        await on.until_told("clock.dawn", 2)
        told = await on.told()
        assert told[: len(before)] == before
        assert [e.kind for e in told].count("clock.changed") == 1
        await assert_all_told(on)


class SlowWord(Interceptor):
    """A workflow that says something to another waits a while, so that more happens meanwhile."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        try:
            await super().signal_external_workflow(input)
        finally:
            await workflow.sleep(0.3)


async def test_no_change_is_kept_from_a_region_by_a_clock_that_continues_as_new(
    early_client: Client, store: Store, task_queue_prefix: str
) -> None:
    """Changes come one after the other, also while the regions are told of those before."""
    on = await set_up(
        early_client, store, task_queue_prefix, datetime.now(UTC), regions=["estuary"]
    )
    async with serving(on, task_queue_prefix, [SlowWord()]):
        await on.change(paused=True)
        first = (await on.handle.describe()).run_id
        for _ in range(40):
            await on.change(advance_hours=0.1)

        async def gone_on() -> bool:
            return (await on.handle.describe()).run_id != first

        await eventually(gone_on, "the clock has continued as new")
        history = await early_client.get_workflow_handle(on.handle.id, run_id=first).fetch_history()
        await on.handle.terminate("the test is over")
    kinds = [event.event_type for event in history.events]
    changes = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED
    words = EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
    assert words in kinds[_last(kinds, changes) :]


def _last(kinds: Sequence[int], kind: int) -> int:
    return max(number for number, one in enumerate(kinds) if one == kind)


async def test_a_clock_that_continues_as_new_goes_on_as_if_nothing_was(
    early_client: Client, store: Store, task_queue_prefix: str
) -> None:
    at = datetime.now(UTC)
    async with ticking(early_client, store, task_queue_prefix, at=at, scale=FAST * 2) as on:
        first = (await on.handle.describe()).run_id
        await on.until_told("clock.new_day", 4)
        assert (await on.handle.describe()).run_id != first
        await assert_all_told(on)
        assert on.life.asked == sorted(set(on.life.asked))
