"""A quest that ops reset, from its first step or from a later one, changes the world once."""

import pytest
from sqlalchemy import delete, update
from temporalio.client import Client, WorkflowFailureError

from loreloom.domain.ids import FactId
from loreloom.domain.quest import Condition, QuestState
from loreloom.state.facts import learn
from loreloom.state.store import Store
from loreloom.state.tables.worlds import Fact, Player
from tests.builders import a_plan, an_objective
from tests.quest.stage import PLAYER, WORLD, Played, stage
from tests.support.resetting import completed_tasks, reset


async def test_a_broken_quest_that_is_mended_and_reset_is_completed_and_says_so(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        quest = await on.accepted()
        async with store.transaction() as tx:
            await tx.run(update(Player).values(coin=2**63 - 1))
        assert (await quest.progress("last")).state is QuestState.BROKEN
        with pytest.raises(WorkflowFailureError):
            await quest.handle.result()
        async with store.transaction() as tx:
            await tx.run(update(Player).values(coin=5))

        events = await completed_tasks(quest.handle)
        failing = await scheduled(quest, "quest_reward")
        await reset(
            temporal_client, quest.handle, max(event for event in events if event < failing)
        )

        again = temporal_client.get_workflow_handle(quest.handle.id)
        assert await again.result() == QuestState.COMPLETED
        assert (await quest.record()).progress.state is QuestState.COMPLETED
        assert (await on.player()).coin == 5 + 12
        assert (await quest.kinds())[-4:] == [
            "quest.broken",
            "quest.completed",
            "reward.granted",
            "quest.epilogue",
        ]


async def test_a_reset_asks_no_condition_of_an_act_that_was_taken(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    known = FactId("the password")
    plan = a_plan(an_objective(condition=Condition(fact=known)), an_objective("rest"))
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        async with store.transaction() as tx:
            await learn(tx, WORLD, PLAYER, known, "a test")
        quest = await on.accepted()
        await quest.progress("whispered")
        await quest.progress("done", "rest")
        await quest.handle.result()
        async with store.transaction() as tx:
            await tx.run(delete(Fact))

        await reset(temporal_client, quest.handle, (await completed_tasks(quest.handle))[-4])

        again = temporal_client.get_workflow_handle(quest.handle.id)
        assert await again.result() == QuestState.COMPLETED
        assert (await on.player()).coin == 12


async def scheduled(quest: Played, activity_type: str) -> int:
    """The event by which an activity was first scheduled."""
    async for event in quest.handle.fetch_history_events():
        attributes = event.activity_task_scheduled_event_attributes
        if attributes.activity_type.name == activity_type:
            return event.event_id
    raise AssertionError(f"no {activity_type} was scheduled")


@pytest.mark.parametrize("back", [1, 2, 3, 4])
async def test_a_completed_quest_that_is_reset_ends_again_and_pays_once(
    temporal_client: Client, store: Store, task_queue_prefix: str, back: int
) -> None:
    plan = a_plan(an_objective(required=3), reward_items=("Salt Chalk",))
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        for act in range(3):
            await quest.progress(f"act {act}")
        await quest.handle.result()
        told = await quest.kinds()

        await reset(temporal_client, quest.handle, (await completed_tasks(quest.handle))[-back])

        again = temporal_client.get_workflow_handle(quest.handle.id)
        assert await again.result() == QuestState.COMPLETED
        assert await quest.kinds() == told
        player = await on.player()
        assert (player.coin, player.inventory) == (12, {"Salt Chalk": 1})
        assert (await quest.record()).progress.state is QuestState.COMPLETED
