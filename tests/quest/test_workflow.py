"""A quest from its design to its epilogue, and every other way that it can go."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from loreloom.domain.ids import FactId
from loreloom.domain.quest import Condition, ObjectiveKind, QuestState, first_answer
from loreloom.domain.refusals import RefusalCode
from loreloom.state import quest_steps
from loreloom.state.facts import facts_of, learn
from loreloom.state.store import Store
from loreloom.state.tables.worlds import Player
from tests.builders import a_choice, a_plan, an_objective
from tests.quest.stage import PLAYER, WORLD, refusal_of, stage


async def test_a_quest_is_designed_offered_played_rewarded_and_told_to_its_end(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(
        an_objective(required=3),
        an_objective("decide", kind=ObjectiveKind.CHOOSE, after=("objective_1",)),
        choices=(a_choice("mercy", sets_fact="spared"), a_choice("betray", fails=True)),
        reward_items=("Salt Chalk",),
    )
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.offered()
        assert (await quest.accept()).state is QuestState.ACTIVE
        assert (await quest.progress("one", amount=2)).objectives[0].done == 2
        assert await refusal_of(quest.choose("early", "mercy")) is RefusalCode.OBJECTIVE_CLOSED
        assert (await quest.progress("two", amount=2)).objectives[0].done == 3
        assert (await quest.choose("end", "mercy")).state is QuestState.COMPLETED
        assert await quest.handle.result() == QuestState.COMPLETED

        assert await quest.kinds() == [
            "quest.requested",
            "quest.offered",
            "quest.accepted",
            "quest.progressed",
            "quest.progressed",
            "quest.chosen",
            "quest.completed",
            "reward.granted",
            "quest.epilogue",
        ]
        told = [e.data for e in await quest.told() if e.kind == "quest.progressed"]
        assert [(data["amount"], data["done"], data["required"]) for data in told] == [
            (2, 2, 3),
            (1, 3, 3),
        ]
        player = await on.player()
        assert (player.experience, player.coin) == (40, 12)
        assert player.inventory == {"Salt Chalk": 1}
        assert player.standing == {"Threshold Table": 2}
        async with store.reading() as connection:
            assert FactId("spared") in await facts_of(connection, WORLD, PLAYER)
        record = await quest.record()
        assert record.progress.state is QuestState.COMPLETED
        assert record.story is not None
        assert record.story.epilogue == "It ended well."


async def test_a_choice_can_end_it_in_failure_without_a_reward(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(
        an_objective("decide", kind=ObjectiveKind.CHOOSE),
        choices=(a_choice("betray", fails=True), a_choice("keep")),
    )
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        assert (await quest.choose("act", "betray")).state is QuestState.FAILED
        assert await quest.handle.result() == QuestState.FAILED
        assert (await quest.kinds())[-3:] == ["quest.chosen", "quest.failed", "quest.epilogue"]
        assert (await on.player()).coin == 0


async def test_whoever_reads_that_a_quest_is_offered_can_accept_it_at_once(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        for _ in range(15):
            assert (await (await on.offered()).accept()).state is QuestState.ACTIVE


@pytest.mark.parametrize("accepted", [False, True])
async def test_a_quest_can_be_abandoned_before_and_after_it_was_accepted(
    temporal_client: Client, store: Store, task_queue_prefix: str, accepted: bool
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        quest = await (on.accepted() if accepted else on.offered())
        assert (await quest.abandon()).state is QuestState.ABANDONED
        assert await quest.handle.result() == QuestState.ABANDONED
        assert (await quest.kinds())[-1] == "quest.abandoned"


async def test_an_offer_that_nobody_takes_expires(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(offer_seconds=7 * 24 * 3600)
    async with stage(time_skipping.client, store, task_queue_prefix, plan) as on:
        quest = await on.ask()
        assert await quest.handle.result() == QuestState.EXPIRED
        assert (await quest.kinds())[-1] == "quest.expired"
        assert (await quest.record()).progress.state is QuestState.EXPIRED


async def test_a_quest_with_a_limit_fails_when_its_game_time_is_over(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(limit_game_seconds=10 * 24 * 3600)
    async with stage(time_skipping.client, store, task_queue_prefix, plan, scale=60) as on:
        quest = await on.accepted()
        assert await quest.handle.result() == QuestState.FAILED
        # Ten days of game time are four hours at sixty game seconds a second.
        described = await quest.handle.describe()
        assert described.close_time is not None
        took = described.close_time - described.start_time
        assert timedelta(hours=4) <= took < timedelta(hours=4, minutes=5)
        assert (await quest.kinds())[-2:] == ["quest.failed", "quest.epilogue"]


async def test_a_repeated_act_gets_the_first_answer_and_counts_once(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(an_objective(required=10))
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        first = await quest.progress("same", amount=4)
        await quest.progress("other", amount=1)
        again = await asyncio.gather(*(quest.progress("same", amount=4) for _ in range(3)))
        assert again == [first] * 3
        assert (await quest.progress("last")).objectives[0].done == 6
        assert (await quest.kinds()).count("quest.progressed") == 3


async def test_an_act_waits_for_its_hour_and_its_fact(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(
        an_objective("by night", condition=Condition(hours=(22, 4))),
        an_objective("once known", condition=Condition(fact=FactId("the password"))),
    )
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        for number, objective in enumerate(("by night", "once known")):
            act = quest.progress(f"too early {number}", objective)
            assert await refusal_of(act) is RefusalCode.CONDITION_UNMET
        assert (await quest.record()).progress.done == {}
        async with store.transaction() as tx:
            await learn(tx, WORLD, PLAYER, FactId("the password"), "a test")
        # The very act that was refused may be sent again.
        answer = await quest.progress("too early 1", "once known")
        assert [objective.done for objective in answer.objectives] == [0, 1]


async def test_a_step_that_the_database_refuses_for_good_breaks_the_quest_and_says_why(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        quest = await on.accepted()
        async with store.transaction() as tx:
            await tx.run(update(Player).values(coin=2**63 - 1))
        assert (await quest.progress("last")).state is QuestState.BROKEN
        with pytest.raises(WorkflowFailureError) as failure:
            await quest.handle.result()
        assert isinstance(failure.value.cause, ApplicationError)
        assert failure.value.cause.type == "BrokenStep"
        entry = (await quest.told())[-1]
        assert entry.kind == "quest.broken"
        assert "out of range" in entry.data["reason"]
        assert (await on.player()).experience == 0


async def test_what_a_late_repeat_is_told_after_the_end_is_the_first_answer(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        quest = await on.accepted()
        first = await quest.progress("last")
        await quest.handle.result()
        taken = await quest_steps.progress_of(store, quest.quest_id, "last")
        record = await quest.record()
        assert taken is not None
        assert record.plan is not None
        kept = first_answer(record.plan, taken, record.progress)
        assert (kept.state, kept.revision) == (first.state, first.revision)
