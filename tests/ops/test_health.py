"""What is wrong at a glance: queues without workers, dead servers, what waits."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from loreloom.api.parts import AppParts, TierServers
from loreloom.domain.ids import GenerationId, PlayerId, WorldId
from loreloom.domain.provider import ToldEvent
from loreloom.generation.outcomes import Outcome
from loreloom.generation.shelf import TemplateShelf
from loreloom.state.generations import KeptGeneration, keep_generation
from loreloom.state.provider_events import keep_event
from loreloom.state.store import Store
from loreloom.state.tables.payments import ProviderEvent
from loreloom.workers.apiserver import problem_of
from loreloom.workers.settings import PROJECT
from tests.quest.stage import eventually
from tests.support.outages import absent_temporal, closed_port
from tests.support.serving import Api, serving

HEALTH = "/v1/ops/health"
CONTENT = PROJECT / "content"


async def health(api: Api) -> dict[str, Any]:
    answer = await api.ops.get(HEALTH)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_queue_that_nobody_works_on_shows_its_backlog(api: Api) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    await api.quest(world)
    story = f"{api.parts.config.queue_prefix}-story"

    async def waits() -> bool:
        (queue, *_) = (await health(api))["queues"]
        assert (queue["queue"], queue["tasks"], queue["pollers"]) == (story, "workflow", 0)
        return bool(queue["backlog"] >= 1)

    await eventually(waits, "the quest's task is in the backlog")
    assert any(
        said.startswith(f"{story} (workflow): no worker") for said in (await health(api))["wrong"]
    )


@pytest.mark.usefixtures("worker")
async def test_an_engine_that_is_well_has_nothing_wrong(api: Api) -> None:
    async def well() -> bool:
        return not (await health(api))["wrong"]

    await eventually(well, "every queue is polled and nothing waits")
    seen = await health(api)
    assert all(queue["pollers"] for queue in seen["queues"])
    assert seen["sweeps"]["done_at"] is not None
    assert (await api.designer.get(HEALTH)).status_code == 403


async def test_what_waits_and_who_failed_is_said(parts: AppParts) -> None:
    address = f"127.0.0.1:{closed_port()}"
    dead = TierServers("gold", "gold", (f"http://studio:a-secret@{address}/v1",))
    config = replace(parts.config, tiers=(dead,), sweep_seconds=3600)
    async with serving(replace(parts, config=config)) as api:
        world = (await api.world(player_daily_tokens=100))["world_id"]
        await api.player(world)
        await _spend(api.parts.store, WorldId(world))
        await _told_long_ago(api.parts.store)

        seen = await health(api)

        (gold,) = seen["tiers"]["items"]
        (server,) = gold["servers"]
        assert not server["answers"]
        assert (server["calls"]["made"], server["calls"]["failed"]) == (2, 1)
        assert server["calls"]["total_p50_ms"] == 1500
        (texts,) = seen["texts"]
        assert (texts["purpose"], texts["made"], texts["by_template"]) == ("quest", 1, 0)
        (spent,) = seen["budgets"]
        assert (spent["player_id"], spent["tokens"], spent["budget"]) == ("mara", 150, 100)
        assert seen["webhooks"]["count"] == 1
        said = "\n".join(seen["wrong"])
        assert f"gold {address} does not answer" in said
        assert server["address"] == address
        assert "a-secret" not in json.dumps(seen)
        assert "player mara" in said
        assert "1 webhooks wait" in said


async def test_a_template_that_cannot_be_used_is_named(parts: AppParts, tmp_path: Path) -> None:
    folder = shutil.copytree(CONTENT / "quests", tmp_path / "quests")
    problem = partial(problem_of, TemplateShelf(folder))
    async with serving(
        replace(parts, config=replace(parts.config, templates_problem=problem))
    ) as api:
        assert (await health(api))["templates"] is None
        (folder / "new.yaml").write_text("template_id: new\nkind: weekly\n")
        assert f"{folder / 'new.yaml'}:2: kind: " in (await health(api))["templates"]
        told = [said for said in (await health(api))["wrong"] if "quest templates" in said]
        assert len(told) == 1
        (folder / "new.yaml").unlink()
        assert (await health(api))["templates"] is None


async def test_with_temporal_away_the_rest_is_told(
    parts: AppParts, temporal_namespace: str
) -> None:
    away = replace(parts, temporal=await absent_temporal(temporal_namespace))
    async with serving(away) as api:
        seen = await health(api)
    assert [each["part"] for each in seen["unanswered"]] == ["queues"]
    assert seen["queues"] == []
    assert seen["starts"] == {"count": 0, "oldest": None}


async def _spend(store: Store, world: WorldId) -> None:
    async with store.transaction() as tx:
        await keep_generation(
            tx,
            KeptGeneration(
                generation_id=GenerationId("gen_1"),
                key="gen_1",
                world_id=world,
                player_id=PlayerId("mara"),
                subject="quest/quest_1",
                purpose="quest",
                record={
                    "source": "generated",
                    "reason": None,
                    "milliseconds": 3000,
                    "attempts": [_call(Outcome.STALLED, 2000), _call(Outcome.OK, 1000)],
                },
                tokens=150,
            ),
        )


def _call(outcome: Outcome, milliseconds: int) -> dict[str, Any]:
    return {
        "tier": "gold",
        "url_index": 0,
        "outcome": outcome,
        "first_token_ms": 200,
        "total_ms": milliseconds,
        "problems": [],
    }


async def _told_long_ago(store: Store) -> None:
    told = ToldEvent(event_id="evt_1", kind="charge.updated")
    assert await keep_event(store, told)
    async with store.transaction() as tx:
        long_ago = datetime.now(UTC) - timedelta(minutes=5)
        await tx.run(update(ProviderEvent).values(received_at=long_ago))
