"""Whatever goes wrong inside a step, the world is changed once."""

import asyncio

import pytest
from temporalio.client import Client

from loreloom.domain.quest import QuestState
from loreloom.state import chronicle
from loreloom.state.store import Store
from tests.builders import a_plan, an_objective
from tests.quest.faults import Fault, SeededFaults
from tests.quest.stage import WORLD, Played, stage

QUESTS = 40
ACTS = 4


@pytest.mark.parametrize("seed", [1, 2])
async def test_seeded_faults_before_after_and_slow_change_nothing_twice(
    temporal_client: Client, store: Store, task_queue_prefix: str, seed: int
) -> None:
    faults = SeededFaults(seed, share=0.25, slow_seconds=6)
    plan = a_plan(an_objective(required=ACTS), reward_items=("Salt Chalk",))
    async with stage(temporal_client, store, task_queue_prefix, plan, interceptors=[faults]) as on:

        async def play() -> Played:
            quest = await on.accepted()
            for act in range(ACTS):
                await quest.progress(f"act {act}")
            assert await quest.handle.result() == QuestState.COMPLETED
            return quest

        played = await asyncio.gather(*(play() for _ in range(QUESTS)))

        assert set(faults.done) == set(Fault), "every kind of fault has happened"
        told_once = [
            "quest.requested",
            "quest.offered",
            "quest.accepted",
            *["quest.progressed"] * ACTS,
            "quest.completed",
            "reward.granted",
            "quest.epilogue",
        ]
        for quest in played:
            assert await quest.kinds() == told_once
        player = await on.player()
        assert (player.experience, player.coin) == (40 * QUESTS, 12 * QUESTS)
        assert player.inventory == {"Salt Chalk": QUESTS}
        entries = await chronicle.read(store, WORLD, limit=10_000)
        assert [entry.id for entry in entries] == list(range(1, len(entries) + 1))
