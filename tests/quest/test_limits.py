"""A limit in game time: whatever becomes of the world's clock, the quest ends when it is due."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from loreloom.domain.clock import ClockChange
from loreloom.domain.quest import QuestState
from loreloom.domain.refusals import RefusalCode
from loreloom.state.clocks import ClockOrder, change_clock
from loreloom.state.store import Store
from tests.builders import a_plan, an_objective
from tests.clock.stage import DAY, Ticking, begun, serving
from tests.quest.stage import Played, Stage, eventually, refusal_of, stage

TEN_DAYS = a_plan(an_objective(required=9), limit_game_seconds=10 * DAY)
"""Four hours at sixty game seconds a second."""


@asynccontextmanager
async def clock_of(on: Stage) -> AsyncIterator[Ticking]:
    """The clock of the stage's world, served."""
    prefix = f"{on.prefix}-clock"
    clock = await begun(on.client, on.store, prefix, on.world)
    async with serving(clock, prefix):
        yield clock
    await clock.handle.terminate("the test is over")


async def stirred(quest: Played, times: int) -> None:
    """Wait until the quest was told so often that the clock was changed."""

    async def there() -> bool:
        events = (await quest.handle.fetch_history()).events
        kinds = [event.event_type for event in events]
        return kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED) >= times

    await eventually(there, f"{quest.quest_id} is stirred")


async def ended_after(quest: Played) -> timedelta:
    """How long after its acceptance a quest ended, by the server's time."""
    described = await quest.handle.describe()
    (accepted,) = [
        event.event_time.ToDatetime(described.start_time.tzinfo)
        for event in (await quest.handle.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
    ]
    assert described.close_time is not None
    return described.close_time - accepted


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            [(0, {"paused": True}), (24 * 30, {"paused": False})],
            timedelta(days=30, hours=4),
            id="paused",
        ),
        pytest.param([(2, {"scale": 600})], timedelta(hours=2, minutes=12), id="sped up"),
        pytest.param([(2, {"scale": 6})], timedelta(hours=22), id="slowed"),
        pytest.param([(1, {"advance_hours": 240})], timedelta(hours=1), id="advanced"),
    ],
)
async def test_a_quest_ends_when_its_game_time_is_over_however_the_clock_is_changed(
    time_skipping: WorkflowEnvironment,
    store: Store,
    task_queue_prefix: str,
    changes: Sequence[tuple[float, dict[str, Any]]],
    expected: timedelta,
) -> None:
    async with (
        stage(time_skipping.client, store, task_queue_prefix, TEN_DAYS) as on,
        clock_of(on) as clock,
    ):
        quest = await on.accepted()
        for times, (hours, change) in enumerate(changes, 1):
            await time_skipping.sleep(timedelta(hours=hours))
            assert (await quest.record()).progress.state is QuestState.ACTIVE
            await clock.change(**change)
            await stirred(quest, times)
        assert await quest.handle.result() == QuestState.FAILED
        assert abs(await ended_after(quest) - expected) < timedelta(minutes=1)


async def test_a_quest_that_is_accepted_late_has_its_time_from_then_on(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    plan = TEN_DAYS.model_copy(update={"offer_seconds": 7 * 24 * 3600})
    async with (
        stage(time_skipping.client, store, task_queue_prefix, plan) as on,
        clock_of(on) as clock,
    ):
        quest = await on.offered()
        await clock.change(scale=600, advance_hours=1000)
        await time_skipping.sleep(timedelta(hours=2))
        await quest.accept()
        assert await quest.handle.result() == QuestState.FAILED
        assert abs(await ended_after(quest) - timedelta(minutes=24)) < timedelta(minutes=1)


async def test_an_act_that_comes_when_the_time_is_up_is_refused_before_the_quest_knows(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, TEN_DAYS) as on:
        quest = await on.accepted()
        await quest.progress("in time")
        # Nobody tells the quest of it: no clock runs here.
        at = (await quest.told())[-1].at
        change = ClockChange(advance_hours=240)
        await change_clock(store, ClockOrder(world_id=on.world, at=at, key="skip", change=change))
        assert await refusal_of(quest.progress("too late")) is RefusalCode.WRONG_STATE
        assert (await quest.progress("in time")).objectives[0].done == 1
        assert await quest.handle.result() == QuestState.FAILED
        assert (await quest.kinds()).count("quest.progressed") == 1
