"""A step that only tells something is skipped; one that grants something is not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, null, update
from temporalio.client import Client, WorkflowFailureError

from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.ops.replaying import Plan, Replays, Wish
from loreloom.api.ops.skipping import skip
from loreloom.api.ops.stories import Stories
from loreloom.api.parts import AppParts
from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import WorldId
from loreloom.knowledge.embedding import Embedder
from loreloom.state.keys import Scope
from loreloom.state.store import Event, Store
from loreloom.state.tables.quests import Quest
from loreloom.state.tables.worlds import ChronicleEntry, World
from tests.arcs.builders import an_arc, tell, to
from tests.arcs.replaying import replays_of
from tests.arcs.stage import PLAYER, ArcStage, arc_stage
from tests.console.signing_in import sign_in, token_on
from tests.ops.breaking import broken, kinds_of, player_of, world_of_mara
from tests.ops.playing import finish
from tests.quest.stage import eventually
from tests.support.serving import Api

Json = dict[str, Any]
REASON = {"reason": "its story <b>was lost</b>"}
TRIAL = an_arc({"first": tell(to("second")), "second": tell(to("end"))})


async def untold(api: Api, world_id: str) -> Json:
    """A quest that was rewarded, and whose epilogue cannot be told: its story is lost."""
    quest = await api.accepted(world_id)
    async with api.parts.store.transaction() as tx:
        lost = update(Quest).where(Quest.quest_id == quest["quest_id"]).values(story=null())
        await tx.run(lost)
    await finish(api, quest["quest_id"])
    handle = api.parts.temporal.get_workflow_handle(quest["workflow_id"])
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(handle.result(), 30)
    return quest


@pytest.mark.usefixtures("worker")
async def test_an_epilogue_is_skipped_and_the_quest_is_complete_and_rewarded_once(
    api: Api,
) -> None:
    world_id = await world_of_mara(api)
    quest = await untold(api, world_id)
    path = f"/v1/ops/workflows/{quest['workflow_id']}"
    assert (await api.designer.post(f"{path}/skip", json=REASON)).status_code == 403
    assert (await api.ops.post(f"{path}/skip", json={})).status_code == 422
    paid = await player_of(api, world_id)

    answer = await api.ops.post(f"{path}/skip", json=REASON)

    assert answer.status_code == 200, answer.text
    skipped = answer.json()
    assert (skipped["step"], skipped["replay"]["reason"]) == ("quest_epilogue", REASON["reason"])
    handle = api.parts.temporal.get_workflow_handle(quest["workflow_id"])
    assert await asyncio.wait_for(handle.result(), 30) == "completed"
    assert await player_of(api, world_id) == paid
    ended = (await api.game.get(f"/v1/quests/{quest['quest_id']}")).json()
    assert (ended["state"], paid["coin"]) == ("completed", ended["rewards"]["coin"])
    kinds = await kinds_of(api, quest, world_id)
    assert kinds[-3:] == ["reward.granted", "quest.skipped", "quest.epilogue"]
    assert kinds.count("reward.granted") == 1
    steps = (await api.designer.get(f"/v1/quests/{quest['quest_id']}/history")).json()["steps"]
    said, told = steps[-2:]
    assert said["caused_by"] == "ops"
    assert said["told"].endswith(f"skipped the epilogue: {REASON['reason']}")
    assert (told["data"]["text"], told["data"]["source"]) == ("It is done.", "skipped")
    again = await api.ops.post(f"{path}/skip", json=REASON)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_failed")


@pytest.mark.usefixtures("worker")
async def test_an_epilogue_that_is_tried_again_and_again_is_skipped_without_a_replay(
    api: Api,
) -> None:
    world_id = await world_of_mara(api)
    quest = await api.accepted(world_id)
    async with api.parts.store.transaction() as tx:
        nonsense = update(World).where(World.world_id == world_id).values(rating="nonsense")
        await tx.run(nonsense)
    await finish(api, quest["quest_id"])
    path = f"/v1/ops/workflows/{quest['workflow_id']}"

    async def is_stuck() -> bool:
        return bool((await api.ops.get(path)).json()["state"] == "stuck")

    await eventually(is_stuck, "the epilogue was tried three times")
    answer = await api.ops.post(f"{path}/skip", json=REASON)
    assert (answer.status_code, answer.json()["replay"]) == (200, None)
    handle = api.parts.temporal.get_workflow_handle(quest["workflow_id"])
    assert await asyncio.wait_for(handle.result(), 30) == "completed"


@pytest.mark.usefixtures("worker")
async def test_a_reward_is_not_skipped_and_nothing_changes(api: Api) -> None:
    world_id = await world_of_mara(api)
    quest = await broken(api, world_id)
    before = await kinds_of(api, quest, world_id)
    answer = await api.ops.post(f"/v1/ops/workflows/{quest['workflow_id']}/skip", json=REASON)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_skippable")
    assert "“Grant the reward”" in answer.json()["detail"]
    assert await kinds_of(api, quest, world_id) == before
    seen = (await api.game.get(f"/v1/quests/{quest['quest_id']}")).json()
    assert (seen["state"], seen["rewards_granted"]) == ("broken", False)
    query = {"workflow_id": quest["workflow_id"]}
    assert (await api.ops.get("/v1/ops/replays", params=query)).json()["items"] == []


@pytest.mark.usefixtures("worker")
async def test_the_console_offers_to_skip_only_what_may_be(api: Api) -> None:
    world_id = await world_of_mara(api)
    unpaid, quest = await broken(api, world_id), await untold(api, world_id)
    async with httpx.AsyncClient(base_url=api.url) as client:
        await sign_in(client, api.secrets[Scope.OPS])
        page = await client.get(f"/console/ops/workflows/{unpaid['workflow_id']}")
        assert "End the quest instead" in page.text
        assert "Skip the step" not in page.text
        address = f"/console/ops/workflows/{quest['workflow_id']}"
        assert "Skip the step that failed" in (await client.get(address)).text
        form = {"form_token": await token_on(client, address), **REASON}
        sent = await client.post(
            "/console/ops/skip", data={**form, "workflow_id": quest["workflow_id"]}
        )
        assert (sent.status_code, sent.headers["location"]) == (303, address)
        story = await client.get(f"/console/quests/{quest['quest_id']}")
        assert "skipped the epilogue: its story &lt;b&gt;was lost&lt;/b&gt;" in story.text


class Overtaken(Replays):
    """Replays of an operator whom another overtakes: the arc is mended and replayed meanwhile."""

    def __init__(self, on: ArcStage, mend: Callable[[], Awaitable[None]]) -> None:
        super().__init__(on.client, on.store, Stories(on.client, on.store, on.prefix))
        self._on, self._mend = on, mend

    async def plan(self, workflow_id: str, from_point: str) -> Plan:
        plan = await super().plan(workflow_id, from_point)
        await self._mend()
        another = Wish(from_point, "mended", "another")
        await replays_of(self._on).replay(workflow_id, another, "replay_of_another")
        again = self._on.client.get_workflow_handle(workflow_id)
        assert await asyncio.wait_for(again.result(), 30) == ArcState.ENDED
        return plan


async def test_a_beat_to_which_the_arc_went_on_meanwhile_is_not_skipped(
    temporal_client: Client, store: Store, embedder: Embedder, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        subject = f"arc/arc-{on.prefix}-1"
        in_the_way = ChronicleEntry.key == f"{subject}/1/arc.told"
        await stand_in_the_way(on, subject)

        async def mend() -> None:
            async with store.transaction() as tx:
                await tx.run(delete(ChronicleEntry).where(in_the_way))

        arc = await on.begin(TRIAL)
        with pytest.raises(WorkflowFailureError):
            await arc.handle.result()
        parts = AppParts(store, temporal_client, embedder)
        with pytest.raises(ApiError, match="has gone on") as refused:
            await skip(
                parts,
                Overtaken(on, mend),
                arc.handle.id,
                reason="lost",
                by="ops",
                replay_id="replay_late",
            )
        assert refused.value.code is ErrorCode.MOVED_ON
        kinds = await arc.kinds()
        assert (kinds.count("arc.told"), kinds.count("arc.skipped")) == (2, 0)


async def stand_in_the_way(on: ArcStage, subject: str) -> None:
    """Something holds the place at which the first beat of an arc is told."""
    async with on.store.transaction() as tx:
        tx.tell(
            Event(
                world_id=WorldId(on.world),
                key=f"{subject}/1/arc.told",
                kind="rumour.begun",
                subject="elsewhere",
                player_id=PLAYER,
            )
        )


async def test_what_a_beat_tells_is_skipped_and_the_arc_goes_on(
    temporal_client: Client, store: Store, embedder: Embedder, task_queue_prefix: str
) -> None:
    async with arc_stage(temporal_client, store, task_queue_prefix) as on:
        subject = f"arc/arc-{on.prefix}-1"
        await stand_in_the_way(on, subject)
        arc = await on.begin(TRIAL)
        with pytest.raises(WorkflowFailureError):
            await arc.handle.result()
        parts = AppParts(store, temporal_client, embedder)
        why = {"reason": "lost", "by": "ops", "replay_id": "replay_told"}
        await skip(parts, replays_of(on), arc.handle.id, **why)
        again = temporal_client.get_workflow_handle(arc.handle.id)
        assert await asyncio.wait_for(again.result(), 30) == ArcState.ENDED
        assert (await arc.kinds()).count("arc.told") == 1
        (said,) = [entry for entry in await arc.told() if entry.kind == "arc.skipped"]
        assert (said.data["beat"], said.data["by"], said.data["reason"]) == ("first", "ops", "lost")
