"""One act a revision: what comes in another's place is ruled on anew, what is too late refused."""

import asyncio
from datetime import UTC, datetime

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from loreloom.domain import quest as rules
from loreloom.domain.quest import ObjectiveKind, QuestProgress, QuestState
from loreloom.domain.refusals import RefusalCode
from loreloom.domain.rewards import Reward
from loreloom.domain.standing import QuestStanding
from loreloom.state.quest_steps import OutOfTurn, QuestStep, complete, record_step
from loreloom.state.store import Store
from tests.builders import a_choice, a_plan, an_objective
from tests.quest.faults import HeldBack
from tests.quest.stage import PLAYER, Played, empty_stage, refusal_of, serving, stage

BETRAYABLE = a_plan(
    an_objective(required=2),
    an_objective("decide", kind=ObjectiveKind.CHOOSE),
    choices=(a_choice("betray", fails=True), a_choice("keep")),
)


async def test_a_quest_that_is_being_rewarded_can_not_be_abandoned(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    reward = HeldBack("quest_reward")
    async with stage(
        temporal_client, store, task_queue_prefix, a_plan(), interceptors=[reward]
    ) as on:
        quest = await on.accepted()
        last = asyncio.create_task(quest.progress("last"))
        await reward.begun.wait()
        assert await refusal_of(quest.abandon()) is RefusalCode.WRONG_STATE
        assert await refusal_of(quest.progress("more")) is RefusalCode.WRONG_STATE
        reward.let_go.set()
        assert (await last).state is QuestState.COMPLETED
        assert await quest.handle.result() == QuestState.COMPLETED
        assert (await quest.record()).progress.state is QuestState.COMPLETED
        assert "quest.abandoned" not in await quest.kinds()


@pytest.mark.parametrize("other", ["abandon", "progress"])
async def test_of_an_act_that_loses_the_quest_and_another_at_once_the_later_is_refused(
    temporal_client: Client, store: Store, task_queue_prefix: str, other: str
) -> None:
    on = await empty_stage(temporal_client, store, task_queue_prefix)
    async with serving(temporal_client, store, task_queue_prefix, BETRAYABLE, {}):
        quest = await on.accepted()
    # While nobody works they gather, and come in one task.
    acts = [
        asyncio.create_task(quest.choose("betrayal", "betray")),
        asyncio.create_task(quest.abandon() if other == "abandon" else quest.progress("late")),
    ]
    async with serving(temporal_client, store, task_queue_prefix, BETRAYABLE, {}):
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*acts, return_exceptions=True)
            ended = await quest.handle.result()
    taken = [answer for answer in answers if isinstance(answer, QuestStanding)]
    refused = [answer for answer in answers if isinstance(answer, WorkflowUpdateFailedError)]
    assert len(taken) + len(refused) == 2
    # Work that comes before the choice is taken, and so is the choice then.
    assert ended in {standing.state for standing in taken}
    assert (await quest.record()).progress.state == ended
    endings = {"quest.failed", "quest.abandoned", "quest.completed"}
    assert len([kind for kind in await quest.kinds() if kind in endings]) == 1


async def test_of_two_acts_at_one_revision_one_is_written_and_the_other_is_told_which(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(an_objective(required=9))
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        standing = (await quest.record()).progress
        steps = [next_step(quest, standing, f"act {n}", amount=n) for n in range(1, 9)]
        written = await asyncio.gather(*(record_step(store, step) for step in steps))
        (own,) = (taken for taken in written if not taken.by_another)
        assert {taken.progress.done["objective_1"] for taken in written} == set(
            own.progress.done.values()
        )
        assert (await quest.record()).progress == own.progress
        assert (await quest.kinds()).count("quest.progressed") == 1


async def test_an_act_whose_worker_died_after_writing_it_counts_and_so_does_the_next(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    plan = a_plan(an_objective(required=9))
    async with stage(temporal_client, store, task_queue_prefix, plan) as on:
        quest = await on.accepted()
        # What a worker leaves that dies between the statement and the end of its task.
        left = next_step(quest, (await quest.record()).progress, "lost", amount=4)
        await record_step(store, left)

        assert (await quest.progress("next", amount=2)).objectives[0].done == 6
        assert (await quest.progress("lost", amount=4)).objectives[0].done == 4
        assert (await quest.progress("last")).objectives[0].done == 7
        assert (await quest.record()).progress.done == {"objective_1": 7}
        assert (await quest.kinds()).count("quest.progressed") == 3


async def test_a_quest_that_was_left_abandoned_is_not_worked_on(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        quest = await on.accepted()
        standing = (await quest.record()).progress
        abandoned = rules.abandoned(a_plan(), standing)
        left = next_step(quest, standing, "lost", amount=1).model_copy(
            update={"kind": "quest.abandoned", "progress": abandoned}
        )
        await record_step(store, left)

        assert await refusal_of(quest.progress("last")) is RefusalCode.WRONG_STATE
        assert await quest.handle.result() == QuestState.ABANDONED
        assert (await on.player()).coin == 0


async def test_a_reward_that_comes_out_of_turn_is_not_granted(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, a_plan()) as on:
        quest = await on.accepted()
        standing = (await quest.record()).progress
        await quest.abandon()
        late = next_step(quest, standing, "late", amount=1)
        with pytest.raises(OutOfTurn):
            await complete(store, late, Reward(coin=12))
        assert (await on.player()).coin == 0


async def test_an_action_id_that_looks_like_a_step_of_the_quest_itself_is_only_an_act(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with stage(temporal_client, store, task_queue_prefix, BETRAYABLE) as on:
        quest = await on.accepted()
        await quest.progress("quest.failed@5")
        assert (await quest.choose("act", "betray")).state is QuestState.FAILED
        assert await quest.handle.result() == QuestState.FAILED
        assert (await on.player()).coin == 0


def next_step(quest: Played, standing: QuestProgress, action_id: str, *, amount: int) -> QuestStep:
    """The step by which an act of some work is written down."""
    return QuestStep(
        quest_id=quest.quest_id,
        world_id=quest.stage.world,
        player_id=PLAYER,
        progress=standing.moved(done={"objective_1": amount}),
        at=datetime.now(UTC),
        kind="quest.progressed",
        action_id=action_id,
    )
