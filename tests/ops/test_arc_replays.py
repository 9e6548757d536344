"""Arcs that broke and are replayed: they run again, also where their quest ended meanwhile."""

import asyncio

import pytest
from sqlalchemy.dialects.postgresql import insert
from temporalio.client import Client, WorkflowFailureError

from loreloom.api.ops.replaying import Wish
from loreloom.domain.arc_walk import ArcState
from loreloom.state.store import Store
from loreloom.state.tables.worlds import Standing
from tests.arcs.builders import an_arc, to
from tests.arcs.replaying import replays_of
from tests.arcs.stage import PLAYER, ArcStage, OnStage, arc_stage

FULL = 2**63 - 1
WISH = Wish("failure", "the row was mended", "test")
ERRAND = an_arc(
    {
        "first": {"kind": "quest", "template": "side-a", "next": [to("favour")]},
        "favour": {"kind": "change", "standing": {"Guild": 4}, "next": [to("wait")]},
        "wait": {"kind": "wait", "until": {"quest": "first"}, "next": [to("end")]},
    }
)


async def hold(on: ArcStage, standing: int) -> None:
    """The player's standing is that; on top of the largest number nothing can be granted."""
    row = {"world_id": on.world, "player_id": PLAYER, "faction": "Guild"}
    async with on.store.transaction() as tx:
        await tx.run(
            insert(Standing)
            .values(**row, standing=standing)
            .on_conflict_do_update(index_elements=list(row), set_={"standing": standing})
        )


async def broken(on: ArcStage) -> OnStage:
    """An arc that broke after it had started a quest."""
    await hold(on, FULL)
    arc = await on.begin(ERRAND)
    with pytest.raises(WorkflowFailureError):
        await arc.handle.result()
    assert (await arc.record()).state is ArcState.BROKEN
    return arc


async def test_a_replayed_arc_does_not_wait_for_a_quest_that_ended_while_it_was_broken(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await broken(on)
        quest = await arc.quest("first")
        await quest.accept()
        await quest.abandon()
        await quest.handle.result()
        await hold(on, 0)
        await replays_of(on).replay(arc.handle.id, WISH, f"replay_{arc.arc_id}")
        again = temporal_client.get_workflow_handle(arc.handle.id)
        assert await asyncio.wait_for(again.result(), 30) == ArcState.ENDED
        assert await arc.way() == ["first", "favour", "wait", "end"]
        assert (await arc.kinds()).count("arc.changed") == 1
        assert (await quest.stage.player()).standing["Guild"] == 4


async def test_a_replayed_arc_counts_as_running_while_it_waits_for_its_quest(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        arc = await broken(on)
        await hold(on, 0)
        await replays_of(on).replay(arc.handle.id, WISH, f"replay_{arc.arc_id}")
        await arc.at("wait")
        assert (await arc.record()).state is ArcState.RUNNING
        quest = await arc.quest("first")
        await quest.accept()
        await quest.progress("work")
        again = temporal_client.get_workflow_handle(arc.handle.id)
        assert await asyncio.wait_for(again.result(), 30) == ArcState.ENDED


async def test_an_arc_that_is_replayed_before_it_is_mended_breaks_again_and_can_be_replayed_again(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix, serve=False) as on:
        replays = replays_of(on)
        async with on.working():
            arc = await broken(on)
        await replays.replay(arc.handle.id, WISH, f"replay_{arc.arc_id}_1")
        # Also before any worker has taken it up.
        assert (await arc.record()).state is ArcState.RUNNING
        async with on.working():
            with pytest.raises(WorkflowFailureError):
                await temporal_client.get_workflow_handle(arc.handle.id).result()
            assert (await arc.record()).state is ArcState.BROKEN
            await hold(on, 0)
            await replays.replay(arc.handle.id, WISH, f"replay_{arc.arc_id}_2")
            await arc.at("wait")
            assert (await arc.record()).state is ArcState.RUNNING
            assert (await arc.kinds()).count("arc.broken") == 1
