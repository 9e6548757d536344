"""Acts and a replay: those that were taken are taken again, those that were refused are not."""

import secrets

from sqlalchemy import delete
from temporalio.client import Client

from loreloom.api.ops.replaying import Replays, Wish
from loreloom.api.ops.stories import Stories
from loreloom.domain.ids import FactId
from loreloom.domain.quest import Condition, QuestState
from loreloom.domain.refusals import RefusalCode
from loreloom.state import facts
from loreloom.state.store import Store
from loreloom.state.tables.worlds import Fact
from tests.builders import a_plan, an_objective
from tests.quest.stage import PLAYER, WORLD, Played, Stage, refusal_of, stage

KNOWN = FactId("the password")


async def replayed(on: Stage, quest: Played, from_point: str) -> Played:
    """The quest, replayed from there."""
    stories = Stories(on.client, on.store, on.prefix)
    wish = Wish(from_point, "a test", "test")
    replays = Replays(on.client, on.store, stories)
    answer = await replays.replay(quest.handle.id, wish, f"replay_{secrets.token_hex(6)}")
    assert answer.replay is not None
    assert answer.replay.new_run_id is not None
    handle = on.client.get_workflow_handle(quest.handle.id)
    assert (await handle.describe()).run_id == answer.replay.new_run_id
    return Played(on, quest.quest_id, handle)


async def test_a_quest_replayed_from_its_start_walks_its_way_again(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(an_objective(required=2), an_objective("then", after=("objective_1",)))
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        await quest.progress("one", amount=2)
        await quest.progress("two", "then")
        assert await quest.handle.result() == QuestState.COMPLETED
        told = await quest.kinds()

        again = await replayed(on, quest, "start")

        assert await again.handle.result() == QuestState.COMPLETED
        assert await quest.kinds() == told
        assert (await on.player()).coin == 12


async def test_an_act_that_was_refused_is_not_taken_by_a_replay(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(
        an_objective(required=2, condition=Condition(fact=KNOWN)), an_objective("rest", required=2)
    )
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        assert await refusal_of(quest.progress("whispered")) is RefusalCode.CONDITION_UNMET
        await quest.progress("worked", "rest")
        async with store.transaction() as tx:
            await facts.learn(tx, WORLD, PLAYER, KNOWN, "a test")

        again = await replayed(on, quest, "start")
        standing = await again.progress("worked on", "rest")

        assert [objective.done for objective in standing.objectives] == [0, 2]
        assert (await quest.record()).progress.done == {"rest": 2}
        assert (await again.progress("whispered")).objectives[0].done == 1


async def test_what_was_refused_and_then_taken_is_so_again(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(an_objective(condition=Condition(fact=KNOWN)), an_objective("rest"))
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        await refusal_of(quest.progress("whispered"))
        async with store.transaction() as tx:
            await facts.learn(tx, WORLD, PLAYER, KNOWN, "a test")
        await quest.progress("whispered")
        await quest.progress("done", "rest")
        assert await quest.handle.result() == QuestState.COMPLETED
        told = await quest.kinds()
        async with store.transaction() as tx:
            await tx.run(delete(Fact))

        again = await replayed(on, quest, "start")

        assert await again.handle.result() == QuestState.COMPLETED
        assert await quest.kinds() == told
        assert (await on.player()).coin == 12


async def test_an_offer_that_ran_out_runs_out_again(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(offer_seconds=1)
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.offered()
        assert await quest.handle.result() == QuestState.EXPIRED
        told = await quest.kinds()

        again = await replayed(on, quest, "start")

        assert await again.handle.result() == QuestState.EXPIRED
        assert await quest.kinds() == told
