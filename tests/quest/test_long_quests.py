"""Continue-as-new is everyday: on a server that suggests it early, nobody notices."""

import asyncio

from temporalio.client import Client

from loreloom.domain.quest import QuestState
from loreloom.domain.refusals import RefusalCode
from loreloom.state.store import Store
from tests.builders import a_plan, an_objective
from tests.quest.stage import refusal_of, stage


async def test_a_quest_that_continues_as_new_loses_no_act_and_counts_none_twice(
    early_client: Client, store: Store, task_queue_prefix: str
) -> None:
    acts = 120
    plan = a_plan(an_objective(required=acts))
    async with stage(early_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        first_run = (await quest.handle.describe()).run_id
        early = await quest.progress("act 0")
        waiting = iter(range(1, acts))

        async def player() -> None:
            for act in waiting:
                await quest.progress(f"act {act}")

        await asyncio.gather(*(player() for _ in range(4)))
        # The act of an earlier run, repeated after its run is gone, gets its first answer.
        described = await quest.handle.describe()
        assert described.run_id != first_run
        assert await quest.handle.result() == QuestState.COMPLETED
        assert (await quest.kinds()).count("quest.progressed") == acts
        assert (await on.player()).coin == 12
        assert early.objectives[0].done == 1


async def test_a_quest_that_ends_just_when_it_is_to_continue_as_new_ends(
    early_client: Client, store: Store, task_queue_prefix: str
) -> None:
    """Wherever the last act falls, it is rewarded: it is not waited for by what it waits for."""
    most = 16
    plan = a_plan()
    endings = {}
    async with stage(early_client, store, task_queue_prefix, plan) as on:
        for required in range(4, most):
            on.plan_for[f"{task_queue_prefix}-{required}"] = a_plan(an_objective(required=required))

        async def play(required: int) -> None:
            quest = await on.accepted(f"{task_queue_prefix}-{required}")
            for act in range(required):
                last = await quest.progress(f"act {act}")
            endings[required] = last.state
            assert await quest.handle.result() == QuestState.COMPLETED

        async with asyncio.timeout(60):
            await asyncio.gather(*(play(required) for required in range(4, most)))
    assert set(endings.values()) == {QuestState.COMPLETED}


async def test_an_act_of_an_earlier_run_is_answered_again_and_not_counted_again(
    early_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(an_objective(required=1000))
    async with stage(early_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        first_run = (await quest.handle.describe()).run_id
        first = await quest.progress("repeated", amount=3)
        number = 0
        while (await quest.handle.describe()).run_id == first_run:
            number += 1
            await quest.progress(f"act {number}")
        assert await quest.progress("repeated", amount=3) == first
        standing = await quest.progress("last")
        assert standing.objectives[0].done == 3 + number + 1
        assert await refusal_of(quest.progress("none", "no such")) is RefusalCode.UNKNOWN_OBJECTIVE
