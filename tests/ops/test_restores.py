"""After a restore Postgres and Temporal may be of different moments: what the docs say mends it."""

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import text, update
from temporalio.client import Client, WorkflowUpdateFailedError

from loreloom.activities.signatures.quest import QuestRef
from loreloom.api.launch import Launcher
from loreloom.api.metrics import Metrics
from loreloom.api.ops.replaying import Replays, Wish
from loreloom.api.ops.stories import Stories
from loreloom.api.parts import ApiConfig
from loreloom.domain.ids import QuestId, quest_workflow_id
from loreloom.domain.quest import QuestProgress, QuestState, accepted, offered
from loreloom.state.databases import drop_database
from loreloom.state.quest_steps import QuestStep, record_step
from loreloom.state.quests import QuestRequest, find_quest, request_quest
from loreloom.state.starts import PlannedStart
from loreloom.state.store import Store
from loreloom.state.tables.quests import Quest, WorkflowStart
from loreloom.workers.settings import PROJECT
from loreloom.workflows.signatures import QUEST, ProgressAct, QuestInput
from tests.builders import a_plan
from tests.conftest import copy_database
from tests.quest.stage import PLAYER, Played, Stage, eventually, serving, stage

DOCS = PROJECT / "docs" / "operations.md"
MOMENT = "2026-11-26 03:00+00"
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)
ACCEPTED = "accept-1"


def statement() -> str:
    """What the docs have an operator run, as they write it."""
    found = re.search(r"```sql\n(.+?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


async def lost(on: Stage, name: str, state: QuestState) -> QuestId:
    """A quest that was begun and accepted, of which Temporal knows nothing."""
    quest = QuestRef(
        quest_id=QuestId(f"quest-{on.prefix}-{name}"), world_id=on.world, player_id=PLAYER
    )
    workflow_id = quest_workflow_id(quest.quest_id)
    start = QuestInput(quest=quest).model_dump(mode="json")
    planned = PlannedStart(workflow_id=workflow_id, workflow=QUEST, input=start)
    async with on.store.transaction() as tx:
        await request_quest(tx, quest.quest_id, on.world, PLAYER, QuestRequest(), planned)
    offering = offered(QuestProgress())
    for kind, progress, action_id in (
        ("quest.offered", offering, None),
        ("quest.accepted", accepted(offering), ACCEPTED),
    ):
        step = QuestStep(
            **quest.model_dump(),
            progress=progress,
            at=datetime.now(UTC),
            kind=kind,
            action_id=action_id,
        )
        await record_step(on.store, step)
    async with on.store.transaction() as tx:
        whose = Quest.quest_id == quest.quest_id
        await tx.run(update(Quest).where(whose).values(state=state))
        begun = WorkflowStart.workflow_id == workflow_id
        earlier = {"created_at": LONG_AGO, "started_at": datetime.now(UTC)}
        await tx.run(update(WorkflowStart).where(begun).values(**earlier))
    return quest.quest_id


async def test_a_process_that_temporal_has_lost_is_begun_anew_and_catches_up(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        await lost(on, "ended", QuestState.COMPLETED)
        quest_id = await lost(on, "played", QuestState.ACTIVE)
        async with store.transaction() as tx:
            await tx.run(text(statement().replace(MOMENT, LONG_AGO.isoformat())))
        launcher = Launcher(store, temporal_client, ApiConfig(task_queue_prefix), Metrics())
        assert await launcher.sweep() == 1

        handle = temporal_client.get_workflow_handle(quest_workflow_id(quest_id))

        async def takes_up() -> bool:
            try:
                await handle.execute_update("accept", id=ACCEPTED)
            except WorkflowUpdateFailedError:
                return False
            return True

        await eventually(takes_up, "its process has come to the offer")
        last = ProgressAct(action_id="last", objective_id="objective_1", amount=1)
        await handle.execute_update("progress", last)
        assert await handle.result() == QuestState.COMPLETED
        assert (await on.player()).coin == 12
        kinds = await Played(on, quest_id, handle).kinds()
        assert kinds.count("quest.accepted") == kinds.count("reward.granted") == 1


async def test_what_postgres_has_lost_is_written_and_paid_by_a_replay_from_the_start(
    temporal_client: Client, store: Store, database_url: str, task_queue_prefix: str
) -> None:
    plan = a_plan()
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
    await store.engine.dispose()
    restored_url = copy_database(database_url)
    restored = Store(restored_url)
    try:
        async with serving(temporal_client, store, task_queue_prefix, plan, {}):
            await quest.progress("last")
            await quest.handle.result()
        after = Stage(temporal_client, restored, task_queue_prefix, {})
        assert (await after.player()).coin == 0
        async with serving(temporal_client, restored, task_queue_prefix, plan, {}):
            stories = Stories(temporal_client, restored, task_queue_prefix)
            replays = Replays(temporal_client, restored, stories)
            for number in range(2):
                wish = Wish("start", "Postgres was restored", "test")
                await replays.replay(quest.handle.id, wish, f"{quest.quest_id}-{number}")
                handle = temporal_client.get_workflow_handle(quest.handle.id)
                assert await handle.result() == QuestState.COMPLETED
        seen = await find_quest(restored, quest.quest_id)
        assert seen is not None
        assert seen.progress.state is QuestState.COMPLETED
        assert (await after.player()).coin == 12
    finally:
        await restored.close()
        drop_database(restored_url)
