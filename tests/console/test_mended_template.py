"""Quests that a broken template failed: it is mended, they are replayed, played and paid once."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from temporalio.client import Client

from loreloom.state.keys import Scope
from loreloom.workers.settings import PROJECT
from loreloom.workers.worker import open_workers
from loreloom.workflows.roles import Role
from tests.console.conftest import Console
from tests.quest.stage import eventually
from tests.support.servers import settings_for_tests
from tests.support.serving import Api, serving

Json = dict[str, Any]

TEMPLATE = """
template_id: daily-one-errand
kind: daily
rating: {rating}
slots:
  giver: {{kind: person, otherwise: the lamplighter}}
  thing: {{kind: thing, otherwise: a can of oil}}
giver: giver
title: One errand
summary: Somebody has run out of oil an hour before dark.
offer: Bring me {{thing}}. The others will not wait for me, and neither will the dark.
objectives:
  - {{kind: collect, target: thing, text: "Bring {{thing}} before dark."}}
epilogues:
  completed: The lamps were lit in time, and nobody on the street knew that it had been close.
  failed: The street was dark for one night, and two people found their doors by hand.
"""
PATIENCE = 120


@dataclass(frozen=True)
class Engine:
    """An engine whose only daily template is given by a file, with a console over it."""

    console: Console
    temporal: Client
    prefix: str
    content: Path

    @property
    def api(self) -> Api:
        """Its API."""
        return self.console.api

    def write_template(self, rating: str) -> None:
        """The daily template, for worlds of that rating and above."""
        file = self.content / "quests" / "daily-one-errand.yaml"
        file.write_text(TEMPLATE.format(rating=rating))

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """A worker that takes the templates as they lie there."""
        url = self.api.parts.store.engine.url.render_as_string(hide_password=False)
        settings = settings_for_tests(
            self.content,
            content_folder=self.content,
            database_url=url,
            temporal_address=self.temporal.service_client.config.target_host,
            temporal_namespace=self.temporal.namespace,
            task_queue_prefix=self.prefix,
        )
        async with AsyncExitStack() as stack:
            for running in await open_workers(settings, tuple(Role), stack):
                await stack.enter_async_context(running)
            yield


@pytest.fixture
async def engine(
    console: Console, temporal_client: Client, tmp_path: Path
) -> AsyncIterator[Engine]:
    """On queues of its own, so that the stories of the other console go on waiting."""
    content, prefix = tmp_path / "content", f"mended-{secrets.token_hex(4)}"
    (content / "quests").mkdir(parents=True)
    for part in (PROJECT / "content").iterdir():
        if part.name != "quests":
            (content / part.name).symlink_to(part)
    (content / "quests" / "epilogues.yaml").symlink_to(
        PROJECT / "content" / "quests" / "epilogues.yaml"
    )
    parts = console.api.parts
    own = replace(parts, config=replace(parts.config, queue_prefix=prefix))
    async with serving(own) as api:
        yield Engine(replace(console, api=api), temporal_client, prefix, content)


async def test_a_template_is_mended_and_what_it_failed_is_replayed_and_paid_once(
    engine: Engine,
) -> None:
    await _holds(engine, 12)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_a_hundred_that_a_template_failed_are_replayed_and_paid_once(engine: Engine) -> None:
    await _holds(engine, 100)


async def _holds(engine: Engine, quests: int) -> None:
    api = engine.api
    world_id = (await api.world(name="Street", rating="teen"))["world_id"]
    await api.player(world_id, "ines")
    engine.write_template("mature")
    async with engine.worker():
        asked = await asyncio.gather(
            *(api.quest(world_id, "ines", kind="daily") for _ in range(quests))
        )
        ids = [quest["quest_id"] for quest in asked]
        for quest_id in ids:
            await api.until_state(quest_id, "broken", seconds=PATIENCE)

        engine.write_template("teen")
        await _replay_all(engine, quests)
        for quest_id in ids:
            await _play(api, quest_id)
        ended = [await api.until_state(quest_id, "completed") for quest_id in ids]
    assert all(quest["rewards_granted"] for quest in ended)
    granted = [
        entry for entry in await _entries(api, world_id) if entry["kind"] == "reward.granted"
    ]
    assert Counter(entry["subject"] for entry in granted) == {f"quest/{each}": 1 for each in ids}
    player = (await api.game.get(f"/v1/worlds/{world_id}/players/ines")).json()
    assert player["coin"] == sum(quest["rewards"]["coin"] for quest in ended)
    assert player["experience"] == sum(quest["rewards"]["experience"] for quest in ended)


async def _replay_all(engine: Engine, quests: int) -> None:
    """As an operator does it, in a browser: by the cause, with a look at what would happen."""
    operator = await engine.console.signed_in(Scope.OPS)
    page = operator.page

    async def all_are_listed() -> bool:
        await page.goto("/console/ops")
        row = page.get_by_role("row", name="Design the quest from the canon")
        return await row.count() == 1 and (await row.inner_text()).startswith(str(quests))

    await eventually(all_are_listed, "every broken quest is listed")
    await expect(page.get_by_text("no template for a daily quest rated teen")).to_be_visible()
    await page.get_by_role("link", name="Design the quest from the canon").click()
    await page.get_by_label("Which").select_option("query")
    await page.get_by_label("Why").fill("the template was rated for another world")
    await page.get_by_role("button", name="See what would happen").click()
    await expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
    await page.get_by_role("button", name=f"Replay {quests}").click()
    done = page.get_by_text(f"{quests} replayed, 0 refused.")
    await expect(done).to_be_visible(timeout=PATIENCE * 1000)
    assert operator.complaints == []
    await page.context.close()


async def _play(api: Api, quest_id: str) -> None:
    """From the offer to the end."""
    offered = await api.until_state(quest_id, "offered", seconds=PATIENCE)
    path = f"/v1/quests/{quest_id}"
    assert (await api.game.post(f"{path}/accept")).status_code == 200
    (objective,) = offered["objectives"]
    body = {
        "action_id": "brought",
        "objective_id": objective["objective_id"],
        "amount": objective["required"],
    }
    answer = await api.game.post(f"{path}/progress", json=body)
    assert answer.status_code == 200, answer.text


async def _entries(api: Api, world_id: str) -> list[Json]:
    """All that the world's chronicle tells."""
    found: list[Json] = []
    after = None
    while True:
        query = {"limit": 200, **({"after": after} if after else {})}
        page = (await api.designer.get(f"/v1/worlds/{world_id}/chronicle", params=query)).json()
        found += page["items"]
        after = page["next"]
        if after is None:
            return found
