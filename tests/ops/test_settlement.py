"""A quest that cannot be played on is ended by ops: with its outcome, and compensated once."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from loreloom.activities.settlement import SettlementActivities
from loreloom.activities.signatures.quest import QuestRef
from loreloom.activities.signatures.settlement import Settle, Settled
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.ops.replaying import Plan, Replays, Wish
from loreloom.api.ops.settling import settle as end
from loreloom.api.schemas.ops import SettleBody
from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import PlayerId, QuestId, WorldId, settlement_workflow_id
from loreloom.domain.quest import QuestProgress, QuestState
from loreloom.domain.refusals import RefusalCode
from loreloom.domain.rewards import Reward
from loreloom.state.ledger import balances
from loreloom.state.quest_steps import QuestStep, complete
from loreloom.state.quests import find_quest
from loreloom.state.settlements import HasEnded, Settlement, settle
from loreloom.state.store import Store
from loreloom.state.tables.quests import Quest
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.settlement import SettlementWorkflow
from loreloom.workflows.signatures import SETTLEMENT
from tests.arcs.builders import an_arc, to
from tests.arcs.stage import arc_stage
from tests.ops.breaking import Json, broken, kinds_of, player_of, world_of_mara
from tests.ops.playing import causes_in, finish
from tests.support.serving import Api

GIVEN = {"experience": 7, "coin": 30, "items": {"a can of oil": 2}}
BODY = {"outcome": "failed", "compensation": GIVEN, "reason": "the purse was lost"}
RACES = 8


async def settled(api: Api, quest_id: str, **changes: object) -> Json:
    """What ending a quest is answered with."""
    answer = await api.ops.post(f"/v1/ops/quests/{quest_id}/settle", json={**BODY, **changes})
    assert answer.status_code == 200, answer.text
    made: Json = answer.json()
    return made


@pytest.mark.usefixtures("worker")
async def test_a_broken_quest_is_ended_and_compensated_once(api: Api) -> None:
    world_id = await world_of_mara(api)
    quest = await broken(api, world_id)
    first = await settled(api, quest["quest_id"])
    assert (first["outcome"], first["compensation"]["coin"], first["arc_told"]) == (
        "failed",
        30,
        None,
    )
    assert await settled(api, quest["quest_id"]) == first
    player = await player_of(api, world_id)
    assert (player["coin"], player["experience"]) == (30, 7)
    assert player["inventory"] == {"a can of oil": 2}
    seen = (await api.game.get(f"/v1/quests/{quest['quest_id']}")).json()
    assert (seen["state"], seen["rewards_granted"]) == ("failed", False)
    kinds = await kinds_of(api, quest, world_id)
    assert kinds[-2:] == ["quest.settled", "reward.compensated"]
    assert "reward.granted" not in kinds


@pytest.mark.usefixtures("worker")
async def test_a_second_compensation_is_refused_with_what_was_given(api: Api) -> None:
    world_id = await world_of_mara(api)
    quest = await api.accepted(world_id)
    await settled(api, quest["quest_id"])
    path = f"/v1/ops/quests/{quest['quest_id']}/settle"
    for other in ({"outcome": "completed"}, {"compensation": {"coin": 500}}):
        refused = await api.ops.post(path, json={**BODY, **other})
        assert (refused.status_code, refused.json()["code"]) == (409, "settled")
        assert (
            "as failed, and gave 7 experience, 30 coin, 2 a can of oil" in refused.json()["detail"]
        )
    # Temporal keeps a settlement for some days only; what was given is known after that too.
    forgotten = Settle(
        quest=_ref(world_id, quest),
        outcome="completed",
        compensation=Reward(coin=500),
        by="ops",
        reason="once more",
    )
    steps = SettlementActivities(api.parts.store, api.parts.temporal)
    said = await ActivityEnvironment().run(steps.settle, forgotten)
    assert isinstance(said, Settled)
    assert (said.outcome, said.compensation) == ("failed", Reward(**GIVEN))
    assert (await player_of(api, world_id))["coin"] == 30


@pytest.mark.usefixtures("worker")
async def test_a_quest_that_was_ended_is_neither_replayed_nor_played_on(api: Api) -> None:
    world_id = await world_of_mara(api)
    quest = await broken(api, world_id)
    await settled(api, quest["quest_id"])
    path = f"/v1/ops/workflows/{quest['workflow_id']}/replay"
    replayed = await api.ops.post(path, json={"from": "start", "reason": "let us see"})
    assert (replayed.status_code, replayed.json()["code"]) == (409, "settled")
    act = {"action_id": "late", "objective_id": "gather", "amount": 1}
    answer = await api.game.post(f"/v1/quests/{quest['quest_id']}/progress", json=act)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert (await player_of(api, world_id))["coin"] == 30


class Overtaken(Replays):
    """Replays of an operator whom another overtakes: the quest is ended meanwhile."""

    def __init__(self, api: Api, quest_id: str) -> None:
        super().__init__(api.parts.temporal, api.parts.store, api.context.stories)
        self._api, self._quest_id = api, quest_id

    async def plan(self, workflow_id: str, from_point: str) -> Plan:
        plan = await super().plan(workflow_id, from_point)
        await settled(self._api, self._quest_id)
        return plan


@pytest.mark.usefixtures("worker")
async def test_a_replay_and_a_settlement_at_once_leave_nothing_running(api: Api) -> None:
    world_id = await world_of_mara(api)
    temporal, store = api.parts.temporal, api.parts.store

    async def terminated() -> Json:
        quest = await api.accepted(world_id)
        await temporal.get_workflow_handle(quest["workflow_id"]).terminate("by mistake")
        return quest

    async def status(quest: Json) -> WorkflowExecutionStatus | None:
        return (await temporal.get_workflow_handle(quest["workflow_id"]).describe()).status

    wish = Wish("failure", "it was a mistake", "ops")
    ended_first = await terminated()
    with pytest.raises(ApiError) as refused:
        await Overtaken(api, ended_first["quest_id"]).replay(
            ended_first["workflow_id"], wish, "replay_late"
        )
    assert refused.value.code is ErrorCode.SETTLED
    assert await status(ended_first) is WorkflowExecutionStatus.TERMINATED

    replayed_first = await terminated()
    asked = Settle(
        quest=_ref(world_id, replayed_first),
        outcome="failed",
        compensation=Reward(coin=30),
        by="ops",
        reason="the purse was lost",
    )
    steps = SettlementActivities(store, temporal)
    await ActivityEnvironment().run(steps.stop, asked)
    await api.context.replays.replay(replayed_first["workflow_id"], wish, "replay_early")
    assert await status(replayed_first) is WorkflowExecutionStatus.RUNNING
    await ActivityEnvironment().run(steps.settle, asked)
    assert await status(replayed_first) is WorkflowExecutionStatus.TERMINATED
    assert (await player_of(api, world_id))["coin"] == 30 + 30


@pytest.mark.usefixtures("worker")
async def test_what_ops_ended_is_wrong_no_more(api: Api) -> None:
    world_id = await world_of_mara(api)
    failed, running = await broken(api, world_id), await api.accepted(world_id)
    await causes_in(api, world_id, 1)
    for quest in (failed, running):
        await settled(api, quest["quest_id"])
    await causes_in(api, world_id, 0)
    for quest in (failed, running):
        story = (await api.ops.get(f"/v1/ops/workflows/{quest['workflow_id']}")).json()
        assert (story["state"], story["failing"]) == ("settled", None)
    found = await api.ops.get("/v1/ops/workflows", params={"state": "settled"})
    assert {story["workflow_id"] for story in found.json()["items"]} == {
        failed["workflow_id"],
        running["workflow_id"],
    }
    body = {"query": {"world_id": world_id}, "reason": "all that is left"}
    assert (await api.ops.post("/v1/ops/replays", json=body)).json()["items"] == []


@pytest.mark.usefixtures("worker")
async def test_a_quest_that_still_runs_is_stopped_and_may_count_as_done(
    api: Api, temporal_client: Client
) -> None:
    world_id = await world_of_mara(api)
    quest = await api.accepted(world_id)
    await settled(api, quest["quest_id"], outcome="completed")
    seen = await api.until_state(quest["quest_id"], "completed")
    assert (seen["rewards"]["coin"], seen["rewards_granted"]) == (30, True)
    told = await temporal_client.get_workflow_handle(quest["workflow_id"]).describe()
    assert told.status is not None
    assert told.status.name == "TERMINATED"


@pytest.mark.usefixtures("worker")
async def test_a_quest_that_ended_by_itself_stays_as_it_ended(api: Api) -> None:
    world_id = await world_of_mara(api)
    quest = await api.accepted(world_id)
    await finish(api, quest["quest_id"])
    ended = await api.until_state(quest["quest_id"], "completed")
    before = await player_of(api, world_id)
    path = f"/v1/ops/quests/{quest['quest_id']}/settle"
    answer = await api.ops.post(path, json=BODY)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert await player_of(api, world_id) == before
    assert (await api.until_state(quest["quest_id"], "completed"))["rewards"] == ended["rewards"]


@pytest.mark.usefixtures("worker")
async def test_a_settlement_that_comes_too_late_is_refused_and_nothing_is_wrong(api: Api) -> None:
    world_id = await world_of_mara(api)
    quest = await api.accepted(world_id)
    as_it_ran = await find_quest(api.parts.store, QuestId(quest["quest_id"]))
    assert as_it_ran is not None
    (await api.game.post(f"/v1/quests/{quest['quest_id']}/abandon")).raise_for_status()
    await api.until_state(quest["quest_id"], "abandoned")
    # Twice: one that was refused is asked anew.
    for _ in range(2):
        with pytest.raises(ApiError, match="is abandoned") as refused:
            await end(api.parts, as_it_ran, SettleBody.model_validate(BODY), "ops")
        assert refused.value.code is RefusalCode.WRONG_STATE
    settlement = settlement_workflow_id(as_it_ran.quest_id)
    story = (await api.ops.get(f"/v1/ops/workflows/{settlement}")).json()
    assert (story["state"], story["failing"]) == ("completed", None)
    await causes_in(api, world_id, 0)

    async with api.parts.store.transaction() as tx:
        again = {"state": "active", "progress": as_it_ran.progress.model_dump(mode="json")}
        await tx.run(update(Quest).where(Quest.quest_id == as_it_ran.quest_id).values(**again))
    settled_now = await end(api.parts, as_it_ran, SettleBody.model_validate(BODY), "ops")
    assert (settled_now.outcome, settled_now.compensation.coin) == ("failed", 30)


@pytest.mark.usefixtures("worker")
async def test_what_a_quest_still_tells_after_its_end_is_not_cut_off(api: Api) -> None:
    """Ops asked while it ended by itself: its epilogue is under way."""
    world_id = await world_of_mara(api)
    quest = await api.accepted(world_id)
    asked = Settle(
        quest=_ref(world_id, quest),
        outcome="failed",
        compensation=Reward(experience=0, coin=0),
        by="ops",
        reason="it seemed stuck",
    )
    async with api.parts.store.transaction() as tx:
        done = QuestProgress(state=QuestState.COMPLETED, revision=9)
        await tx.run(
            update(Quest)
            .where(Quest.quest_id == quest["quest_id"])
            .values(state=done.state, progress=done.model_dump(mode="json"))
        )
    steps = SettlementActivities(api.parts.store, api.parts.temporal)
    await ActivityEnvironment().run(steps.stop, asked)
    handle = api.parts.temporal.get_workflow_handle(quest["workflow_id"])
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def test_what_is_no_settlement_is_refused(api: Api) -> None:
    for body in (
        {**BODY, "outcome": "offered"},
        {**BODY, "reason": ""},
        {**BODY, "compensation": {"coin": -1}},
        {**BODY, "compensation": {"items": {"": 1}}},
        {**BODY, "compensation": {"coin": 2**62}},
    ):
        answer = await api.ops.post("/v1/ops/quests/quest_none/settle", json=body)
        assert answer.status_code == 422, body
    assert (await api.ops.post("/v1/ops/quests/quest_none/settle", json=BODY)).status_code == 404
    refused = await api.designer.post("/v1/ops/quests/quest_none/settle", json=BODY)
    assert refused.status_code == 403


async def test_a_reward_under_way_and_a_settlement_never_both_pay(api: Api, worker: None) -> None:
    world_id = await world_of_mara(api)
    paid = 0
    for _ in range(RACES):
        quest = await api.accepted(world_id)
        store = api.parts.store
        reward, settlement = _reward(world_id, quest), _settlement(world_id, quest)
        outcomes = await asyncio.gather(
            complete(store, reward, Reward(coin=100)),
            settle(store, settlement),
            return_exceptions=True,
        )
        refused = [one for one in outcomes if isinstance(one, Exception)]
        assert all(isinstance(one, HasEnded) for one in refused)
        paid += 100 if refused else 30
        assert (await player_of(api, world_id))["coin"] == paid
    booked = {held.account: held.amount for held in await balances(api.parts.store)}
    assert booked == {f"coin/{world_id}": paid, "coin_granted": -paid}


async def test_an_arc_that_waited_for_the_quest_is_told_and_goes_on(
    temporal_client: Client, store: Store, task_queue_prefix: str
) -> None:
    definition = an_arc(
        {
            "first": {"kind": "quest", "template": "side-a", "next": [to("wait")]},
            "wait": {"kind": "wait", "until": {"quest": "first"}, "next": [to("end")]},
        }
    )
    queue = queue_of(Role.STORY, f"{task_queue_prefix}-settling")
    steps = SettlementActivities(store, temporal_client)
    async with (
        arc_stage(temporal_client, store, task_queue_prefix) as on,
        Worker(
            temporal_client,
            task_queue=queue,
            workflows=[SettlementWorkflow],
            activities=[steps.stop, steps.settle],
        ),
    ):
        arc = await on.begin(definition)
        quest = await arc.quest("first")
        await arc.at("wait")
        ref = QuestRef(
            quest_id=QuestId(quest.quest_id),
            world_id=WorldId(on.world),
            player_id=PlayerId("player"),
        )
        wish = Settle(
            quest=ref, outcome="failed", compensation=Reward(), by="ops", reason="the row was lost"
        )
        await temporal_client.execute_workflow(
            SETTLEMENT, wish, id=settlement_workflow_id(ref.quest_id), task_queue=queue
        )
        assert await asyncio.wait_for(arc.handle.result(), 30) == ArcState.ENDED
        # It would look by itself in time; it does not have to wait until then.
        events = (await arc.handle.fetch_history()).events
        heard = [e.workflow_execution_signaled_event_attributes.signal_name for e in events]
        assert "quest_ended" in heard


def _ref(world_id: str, quest: Json) -> QuestRef:
    return QuestRef(
        quest_id=QuestId(quest["quest_id"]),
        world_id=WorldId(world_id),
        player_id=PlayerId("mara"),
    )


def _settlement(world_id: str, quest: Json) -> Settlement:
    return Settlement(
        quest_id=quest["quest_id"],
        world_id=WorldId(world_id),
        player_id=PlayerId("mara"),
        outcome=QuestState.FAILED,
        compensation=Reward(coin=30),
        by="ops",
        reason="both at once",
    )


def _reward(world_id: str, quest: Json) -> QuestStep:
    progress = QuestProgress(state=QuestState.COMPLETED, revision=quest["revision"] + 5)
    return QuestStep(
        quest_id=quest["quest_id"],
        world_id=WorldId(world_id),
        player_id=PlayerId("mara"),
        progress=progress,
        at=datetime.now(UTC),
        kind="quest.completed",
    )
