"""Every way that ending a quest from outside can go, walked on an arc's stage, for its history."""

from collections.abc import AsyncIterator, Awaitable, Callable

from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Worker

from loreloom.activities.settlement import SettlementActivities
from loreloom.activities.signatures.quest import QuestRef
from loreloom.activities.signatures.settlement import Settle
from loreloom.domain.ids import QuestId, WorldId, settlement_workflow_id
from loreloom.domain.rewards import Reward
from loreloom.state.store import Store
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.settlement import SettlementWorkflow
from loreloom.workflows.signatures import SETTLEMENT
from tests.arcs.builders import an_arc, to
from tests.arcs.stage import PLAYER, OnStage, arc_stage
from tests.quest.stage import Played
from tests.sandbox import SANDBOX

PREFIX = "record-settlement"
ERRAND = an_arc(
    {
        "first": {"kind": "quest", "template": "side-a", "next": [to("wait")]},
        "wait": {"kind": "wait", "until": {"quest": "first"}, "next": [to("end")]},
    }
)

Before = Callable[[OnStage, Played], Awaitable[None]]


async def settled(arc: OnStage, quest: Played) -> None:
    """The arc waits for the quest, and is told."""


async def arc_over(arc: OnStage, quest: Played) -> None:
    """Nobody is left to be told."""
    await arc.handle.execute_update("cancel", {"reason": None})
    await arc.handle.result()


async def refused(arc: OnStage, quest: Played) -> None:
    """The quest has ended by itself."""
    await quest.accept()
    await quest.abandon()
    await quest.handle.result()


WAYS: dict[str, Before] = {"settled": settled, "arc_over": arc_over, "refused": refused}


async def walked(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """The history of each way, under its name."""
    steps = SettlementActivities(store, client)
    queue = queue_of(Role.STORY, f"{PREFIX}-settling")
    async with (
        arc_stage(client, store, PREFIX) as on,
        Worker(
            client,
            task_queue=queue,
            workflows=[SettlementWorkflow],
            activities=[steps.stop, steps.settle],
            workflow_runner=SANDBOX,
        ),
    ):
        for name, before in WAYS.items():
            arc = await on.begin(ERRAND)
            quest = await arc.quest("first")
            await arc.at("wait")
            await before(arc, quest)
            quest_id = QuestId(quest.quest_id)
            wish = Settle(
                quest=QuestRef(quest_id=quest_id, world_id=WorldId(on.world), player_id=PLAYER),
                outcome="failed",
                compensation=Reward(coin=5),
                by="ops",
                reason="the row was lost",
            )
            handle = await client.start_workflow(
                SETTLEMENT, wish, id=settlement_workflow_id(quest_id), task_queue=queue
            )
            await handle.result()
            yield name, await handle.fetch_history()
