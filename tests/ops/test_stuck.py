"""What runs but does not get on is found, with the step, the error and whom it touches."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    UnsandboxedWorkflowRunner,
    Worker,
)

from loreloom.api.ops import stories as reading
from loreloom.api.ops.causes import causes_of
from loreloom.api.ops.replaying import Replays, Wish
from loreloom.api.ops.stories import Stories
from loreloom.api.schemas.ops import CauseView, StoryKind, StoryQuery, StoryState
from loreloom.domain.quest import QuestState
from loreloom.state.store import Store
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import QuestInput
from tests.builders import a_plan
from tests.quest.stage import Played, eventually, serving, stage

QUESTS = StoryQuery(kind=StoryKind.QUEST)


class Outage(Interceptor):
    """Lets every attempt of one activity fail, as long as it lasts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lasts = True

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Failing(next, self)


class _Failing(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, outage: Outage) -> None:
        super().__init__(next)
        self._outage = outage

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if self._outage.lasts and input.fn.__name__ == self._outage.name:
            raise ConnectionError("nobody answers")
        return await self.next.execute_activity(input)


@workflow.defn(name="Quest")
class ClumsyQuest:
    """A quest whose own code is wrong."""

    @workflow.run
    async def run(self, start: QuestInput) -> None:
        raise KeyError("no such beat")


async def the_cause(stories: Stories) -> CauseView:
    """The one thing that is wrong, once it is found."""
    found: list[CauseView] = []

    async def seen() -> bool:
        found[:] = (await causes_of(stories, StoryQuery(state=StoryState.STUCK))).items
        return bool(found)

    await eventually(seen, "something is stuck", 45)
    (cause,) = found
    return cause


async def test_a_step_that_fails_again_and_again_is_told_and_replayed(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    outage = Outage("reward")
    began = datetime.now(UTC)
    async with stage(
        temporal_client, store, task_queue_prefix, a_plan(), interceptors=[outage]
    ) as on:
        stories = Stories(on.client, on.store, on.prefix)
        quest = await on.accepted()
        # The act is answered when the quest is over.
        acting = asyncio.create_task(quest.progress("last"))
        cause = await the_cause(stories)
        assert (cause.step, cause.error, cause.message, cause.count) == (
            "quest_reward",
            "ConnectionError",
            "nobody answers",
            1,
        )
        assert began < cause.since <= cause.latest < datetime.now(UTC)
        story = await stories.find(quest.handle.id)
        assert story.state is StoryState.STUCK
        assert story.failing is not None
        assert (story.failing.attempts or 0) >= 3

        outage.lasts = False
        wish = Wish("failure", "it answers again", "test")
        answer = await Replays(on.client, on.store, stories).replay(
            quest.handle.id, wish, f"replay_{quest.quest_id}"
        )
        assert answer.told is not None
        assert answer.told.endswith("Grant the reward")
        again = on.client.get_workflow_handle(quest.handle.id)
        assert await asyncio.wait_for(again.result(), 30) == QuestState.COMPLETED
        assert (await on.player()).coin == 12
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)


async def test_the_oldest_are_among_what_is_looked_at(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        stories = Stories(on.client, on.store, on.prefix)
        quests = [await on.offered() for _ in range(7)]

        async def listed() -> bool:
            return len((await stories.ends(QUESTS, 100))[0]) == len(quests)

        await eventually(listed, "all are listed", 30)
        found, complete = await stories.ends(QUESTS, 4)
        ids = [quest.handle.id for quest in quests]
        taken = {story.workflow_id for story in found}
        assert not complete
        assert taken >= {ids[-1], ids[-2], ids[0]}
        assert taken <= {ids[-1], ids[-2], ids[0], ids[1]}
        assert all(story.events > 5 for story in found)

        for quest in quests[:2]:
            await quest.handle.terminate("it was asked for by mistake")

        async def later_ones() -> bool:
            found, _ = await stories.ends(QUESTS, 4)
            return {story.workflow_id for story in found} >= {ids[-1], ids[-2], ids[2]}

        await eventually(later_ones, "the oldest of what is left are looked at", 30)


async def test_whoever_asks_at_once_waits_for_one_look_at_what_runs(
    temporal_client: Client, store: Store, task_queue_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stories = Stories(temporal_client, store, task_queue_prefix)
    first, beside = await asyncio.gather(stories.stuck(QUESTS), stories.stuck(QUESTS))
    after = await stories.stuck(QUESTS)
    assert first.at == beside.at == after.at

    monkeypatch.setattr(reading, "LOOK_HOLDS", timedelta(0))
    too_old = Stories(temporal_client, store, task_queue_prefix)
    begun = (await too_old.stuck(QUESTS)).at

    async def looked_anew() -> bool:
        return (await too_old.stuck(QUESTS)).at > begun

    await eventually(looked_anew, "a look that is too old is taken anew")


async def test_a_story_whose_own_code_fails_is_told_with_its_error_and_replayed(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    queue = queue_of(Role.STORY, task_queue_prefix)
    stories = Stories(temporal_client, store, task_queue_prefix)
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        quest = await on.offered()
    async with Worker(
        temporal_client,
        task_queue=queue,
        workflows=[ClumsyQuest],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        await quest.handle.signal("anything")
        cause = await the_cause(stories)
    assert (cause.step, cause.error, cause.told) == (
        "workflow_task",
        "KeyError",
        "Go on with the story",
    )
    assert "no such beat" in cause.message
    async with serving(temporal_client, store, task_queue_prefix, a_plan(), {}):
        wish = Wish("failure", "its code was mended", "test")
        await Replays(temporal_client, store, stories).replay(
            quest.handle.id, wish, f"replay_{quest.quest_id}"
        )
        again = Played(on, quest.quest_id, temporal_client.get_workflow_handle(quest.handle.id))
        assert (await again.accept()).state is QuestState.ACTIVE
