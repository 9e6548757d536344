"""A quest that ops reset, from its first step or from a later one, changes the world once."""

import uuid

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from loreloom.domain.quest import QuestState
from loreloom.state.store import Store
from tests.builders import a_plan, an_objective
from tests.quest.stage import Played, stage


async def completed_tasks(quest: Played) -> list[int]:
    """The events of a quest's history that it can be reset to, in order."""
    return [
        event.event_id
        async for event in quest.handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]


async def reset(client: Client, quest: Played, event_id: int) -> None:
    """Reset a quest to an event, with the acts that came after it applied again."""
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=quest.handle.id),
            reason="a test",
            workflow_task_finish_event_id=event_id,
            request_id=str(uuid.uuid4()),
        )
    )


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

        await reset(temporal_client, quest, (await completed_tasks(quest))[-back])

        again = temporal_client.get_workflow_handle(quest.handle.id)
        assert await again.result() == QuestState.COMPLETED
        assert await quest.kinds() == told
        player = await on.player()
        assert (player.coin, player.inventory) == (12, {"Salt Chalk": 1})
        assert (await quest.record()).progress.state is QuestState.COMPLETED
