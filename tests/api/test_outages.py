"""Parts that are away: 503 with a wait, 202 where the work can start later, and readiness."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from temporalio.worker import Worker

from loreloom.api.parts import AppParts
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.domain.quest import QuestProgress, offered
from loreloom.state.quest_steps import QuestStep, record_step
from loreloom.state.store import Store
from loreloom.workflows.roles import Role, queue_of
from tests.builders import a_plan
from tests.quest.stage import GivenWriting, eventually
from tests.support.outages import absent_temporal, closed_port
from tests.support.serving import Api, serving


@pytest.mark.usefixtures("worker")
async def test_a_quest_that_temporal_missed_is_started_by_the_sweep(
    parts: AppParts, temporal_namespace: str
) -> None:
    away = replace(parts, temporal=await absent_temporal(temporal_namespace))
    async with serving(away) as api:
        world_id = (await api.world())["world_id"]
        await api.player(world_id)
        began = asyncio.get_running_loop().time()
        quest = await api.quest(world_id)
        assert asyncio.get_running_loop().time() - began < 4
        act = await api.game.post(f"/v1/quests/{quest['quest_id']}/accept")
        assert (act.status_code, act.json()["code"]) == (503, "temporal_unavailable")
        assert act.headers["Retry-After"]
        ready = await api.nobody.get("/readyz")
        assert ready.status_code == 503
        states = {name: part["ok"] for name, part in ready.json()["parts"].items()}
        assert states == {
            "postgres": True,
            "temporal": False,
            "workers": False,
            "knowledge": True,
        }
    async with serving(parts) as api:
        await api.until_state(quest["quest_id"], "offered")
        assert (await api.nobody.get("/readyz")).json()["ready"] is True


async def test_without_a_worker_it_is_not_ready(api: Api) -> None:
    ready = await api.nobody.get("/readyz")
    assert ready.status_code == 503
    assert [name for name, part in ready.json()["parts"].items() if not part["ok"]] == ["workers"]
    assert (await api.nobody.get("/healthz")).status_code == 200


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("worker_roles", [(Role.STORY, Role.SILVER)])
async def test_roles_without_a_worker_are_named(
    api: Api, worker_roles: tuple[Role, ...], task_queue_prefix: str
) -> None:
    async def seen() -> bool:
        said = (await api.nobody.get("/readyz")).json()["parts"]["workers"]["detail"]
        return not any(queue_of(role, task_queue_prefix) in said for role in worker_roles)

    await eventually(seen, "the workers that run are polling")
    ready = await api.nobody.get("/readyz")
    assert ready.status_code == 503
    deserted = [queue_of(role, task_queue_prefix) for role in (Role.GOLD, Role.KNOWLEDGE)]
    assert ready.json()["parts"]["workers"] == {
        "ok": False,
        "detail": f"no worker polls {', '.join(deserted)}",
    }


async def test_an_act_that_no_worker_answers_may_be_repeated(parts: AppParts) -> None:
    config = replace(parts.config, act_seconds=0.5)
    async with serving(replace(parts, config=config)) as api:
        world_id = (await api.world())["world_id"]
        await api.player(world_id)
        quest = await api.quest(world_id)
        act = await api.game.post(f"/v1/quests/{quest['quest_id']}/accept")
        assert (act.status_code, act.json()["code"]) == (503, "act_unanswered")
        assert act.headers["Retry-After"]


async def test_without_postgres_every_answer_is_503(parts: AppParts) -> None:
    async with serving(parts) as api:
        assert (await api.game.get("/v1/worlds")).status_code == 200
        store = Store(f"postgresql+psycopg://postgres@127.0.0.1:{closed_port()}/none")
        await api.parts.store.engine.dispose()
        api.parts.store.engine = store.engine
        answer = await api.game.get("/v1/worlds")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["Retry-After"]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("worker_roles", [(Role.STORY,)])
async def test_an_offer_that_its_own_process_does_not_know_yet_is_to_be_accepted_a_moment_later(
    api: Api, task_queue_prefix: str
) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    quest = await api.quest(world_id)
    # What a worker leaves that dies between the statement and the end of its task.
    left = QuestStep(
        quest_id=quest["quest_id"],
        world_id=WorldId(world_id),
        player_id=PlayerId("mara"),
        progress=offered(QuestProgress()),
        at=datetime.now(UTC),
        kind="quest.offered",
    )
    await record_step(api.parts.store, left)
    path = f"/v1/quests/{quest['quest_id']}/accept"
    behind = await api.game.post(path)
    assert (behind.status_code, behind.json()["code"]) == (503, "act_unanswered")
    assert int(behind.headers["Retry-After"]) >= 1
    # No other refusal is taken for it: what is not offered cannot be worked on a moment later.
    act = {"action_id": "one", "objective_id": "objective_1", "amount": 1}
    early = await api.game.post(f"/v1/quests/{quest['quest_id']}/progress", json=act)
    assert (early.status_code, early.json()["code"]) == (409, "wrong_state")

    design = GivenWriting(api.parts.store, a_plan(), {}).design
    silver = queue_of(Role.SILVER, task_queue_prefix)

    async def accepted() -> bool:
        return (await api.game.post(path)).status_code == 200

    async with Worker(api.parts.temporal, task_queue=silver, activities=[design]):
        await eventually(accepted, "the process has caught up")
