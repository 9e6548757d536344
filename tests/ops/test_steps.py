"""A chosen step of a story is where it goes on from; a step of an earlier run is not to be had."""

import secrets

import pytest
from temporalio.client import Client

from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.ops.replaying import Replays, Wish
from loreloom.api.ops.steps import Step, history_of, steps_in
from loreloom.api.ops.stories import Stories
from loreloom.domain.quest import QuestState
from loreloom.state.store import Store
from tests.builders import a_plan, an_objective
from tests.quest.stage import Played, Stage, stage


async def steps_of(on: Stage, quest: Played) -> list[Step]:
    """The steps of a quest's present run, as ops are shown them."""
    story = await Stories(on.client, on.store, on.prefix).find(quest.handle.id)
    return steps_in((await history_of(on.client, story)).events, story.run_id)


async def replay(on: Stage, quest: Played, step: str) -> None:
    """Replay a quest from a step."""
    replays = Replays(on.client, on.store, Stories(on.client, on.store, on.prefix))
    wish = Wish(step, "a test", "test")
    await replays.replay(quest.handle.id, wish, f"replay_{secrets.token_hex(6)}")


async def refused(on: Stage, quest: Played, step: str) -> ErrorCode:
    """The code by which a replay from that step is refused."""
    with pytest.raises(ApiError) as error:
        await replay(on, quest, step)
    assert isinstance(error.value.code, ErrorCode)
    return error.value.code


async def test_a_quest_goes_on_from_the_step_that_is_chosen(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(an_objective(required=2))
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        await quest.progress("one")
        await quest.progress("two")
        assert await quest.handle.result() == QuestState.COMPLETED
        told = await quest.kinds()
        steps = await steps_of(on, quest)
        chosen = next(step for step in steps if "takes the offer" in step.told)

        await replay(on, quest, chosen.name)

        again = on.client.get_workflow_handle(quest.handle.id)
        assert await again.result() == QuestState.COMPLETED
        assert await quest.kinds() == told
        assert (await on.player()).coin == 12
        kept = await steps_of(on, quest)
        before = [step.event_id for step in steps if step.event_id < chosen.event_id]
        assert [step.event_id for step in kept][: len(before)] == before
        # The step's name was one of the run that is over now.
        assert await refused(on, quest, chosen.name) is ErrorCode.MOVED_ON
        assert await refused(on, quest, f"step99999in{kept[0].run}") is ErrorCode.UNKNOWN_STEP


async def test_a_quest_that_continued_as_new_is_replayed_within_its_present_run(
    early_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(an_objective(required=100))
    async with stage(early_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        first = await steps_of(on, quest)
        run_id = (await quest.handle.describe()).run_id
        acts = 0
        while (await quest.handle.describe()).run_id == run_id:
            await quest.progress(f"act {acts}")
            acts += 1
        await quest.progress("once more")
        assert await refused(on, quest, first[-1].name) is ErrorCode.MOVED_ON

        for step in ((await steps_of(on, quest))[-1].name, "start"):
            await replay(on, quest, step)
            again = Played(on, quest.quest_id, on.client.get_workflow_handle(quest.handle.id))
            standing = await again.progress("once more")
            assert [objective.done for objective in standing.objectives] == [acts + 1]
        assert (await quest.kinds()).count("quest.progressed") == acts + 1
