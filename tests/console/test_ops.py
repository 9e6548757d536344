"""An operator finds what broke, mends it, and has it played on: in a browser, paid once each."""

import asyncio
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect
from sqlalchemy import update
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from loreloom.activities.settlement import SettlementActivities
from loreloom.domain.ids import QuestId
from loreloom.domain.quest import QuestState
from loreloom.state.keys import Scope
from loreloom.state.quests import find_quest
from loreloom.state.store import Store
from loreloom.state.tables.worlds import Player
from loreloom.workers.verifying import read_recorded
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.settlement import SettlementWorkflow
from tests.builders import a_plan
from tests.console.conftest import Console, Reader
from tests.console.looking import NARROW, overhang, serious_findings
from tests.quest.stage import Stage, eventually, stage
from tests.support.events import pending_event
from tests.support.serving import serving

BROKEN = 5
MARK = "wages-by-overflow"


async def break_quests(on: Stage, store: Store) -> list[str]:
    """Quests that were played to their end, and whose reward cannot be granted."""
    quests = [await on.accepted() for _ in range(BROKEN)]
    await set_coin(store, 2**63 - 1)

    async def play(number: int) -> str:
        quest = quests[number]
        assert (await quest.progress("last")).state is QuestState.BROKEN
        with pytest.raises(WorkflowFailureError):
            await quest.handle.result()
        return quest.quest_id

    return list(await asyncio.gather(*(play(n) for n in range(BROKEN))))


async def set_coin(store: Store, coin: int) -> None:
    async with store.transaction() as tx:
        await tx.run(update(Player).where(Player.player_id == "player").values(coin=coin))


async def test_what_broke_is_mended_and_replayed_and_paid_once(
    console: Console, operator: Reader
) -> None:
    parts, page = console.api.parts, operator.page
    store, prefix = parts.store, parts.config.queue_prefix
    reason = f"{MARK} <b>{secrets.token_hex(3)}</b>"
    async with stage(parts.temporal, store, prefix, a_plan()) as on:
        ids = await break_quests(on, store)

        async def all_are_listed() -> bool:
            await page.goto("/console/ops")
            row = page.get_by_role("row", name="Grant the reward")
            return await row.count() == 1 and (await row.inner_text()).startswith(str(BROKEN))

        await eventually(all_are_listed, "every broken quest is listed")
        assert await serious_findings(page) == []
        await page.get_by_role("link", name="Grant the reward").click()
        assert await serious_findings(page) == []
        await page.get_by_role("link", name=ids[0]).click()
        await expect(page.get_by_role("heading", name="Grant the reward: failed")).to_be_visible()
        assert await serious_findings(page) == []
        await page.emulate_media(color_scheme="dark")
        await page.set_viewport_size(NARROW)
        assert await serious_findings(page) == []
        assert await overhang(page) <= 0
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="as a file").click()
        (kept,) = read_recorded(await (await downloading.value).path())
        assert kept.workflow_id == f"quest/{ids[0]}"
        await page.get_by_role("link", name="all that failed alike").click()

        await set_coin(store, 5)
        await page.get_by_label("Mark all on this page").check()
        await page.get_by_label("Why").fill(reason)
        await page.get_by_role("button", name="See what would happen").click()
        await expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
        assert await serious_findings(page) == []
        assert {(await quest_state(on, quest_id)) for quest_id in ids} == {QuestState.BROKEN}
        await page.get_by_role("button", name=f"Replay {BROKEN}").click()
        await expect(page.get_by_text(f"{BROKEN} replayed, 0 refused.")).to_be_visible()

        for quest_id in ids:
            handle = parts.temporal.get_workflow_handle(f"quest/{quest_id}")
            assert await handle.result() == QuestState.COMPLETED
        assert (await on.player()).coin == 5 + BROKEN * 12

    await page.get_by_role("link", name="Replays").click()
    await expect(page.get_by_role("cell", name=reason)).to_have_count(BROKEN)
    assert operator.complaints == []


async def test_a_quest_that_cannot_be_mended_is_ended_and_compensated(
    console: Console, temporal_client: Client
) -> None:
    parts = console.api.parts
    prefix = f"{parts.config.queue_prefix}-settling"
    own = replace(parts, config=replace(parts.config, queue_prefix=prefix))
    async with stage(parts.temporal, parts.store, prefix, a_plan(), world="ended") as on:
        quest = await on.accepted()
    steps = SettlementActivities(parts.store, temporal_client)
    settling = Worker(
        temporal_client,
        task_queue=queue_of(Role.STORY, prefix),
        workflows=[SettlementWorkflow],
        activities=[steps.stop, steps.settle],
    )
    async with settling, serving(own) as api:
        reader = await replace(console, api=api).signed_in(Scope.OPS)
        page = reader.page
        await page.goto(f"/console/ops/workflows/quest/{quest.quest_id}")
        assert await serious_findings(page) == []
        await page.get_by_label("Coin given").fill("31")
        await page.get_by_label("Why it is ended").fill("its row <i>was lost</i>")
        await page.get_by_role("button", name="End the quest").click()
        await page.wait_for_url(f"**/console/quests/{quest.quest_id}")
        await expect(page.locator("h1 + .state")).to_have_text("failed")
        said = "ended the quest as failed: its row <i>was lost</i>"
        await expect(page.get_by_text(said)).to_be_visible()
        assert await serious_findings(page) == []
        assert reader.complaints == []
        assert (await on.player()).coin == 31
        await page.context.close()


async def quest_state(on: Stage, quest_id: str) -> QuestState:
    """Where readers see a quest."""
    found = await find_quest(on.store, QuestId(quest_id))
    assert found is not None
    return found.progress.state


async def test_a_replay_needs_a_reason_and_something_to_replay(
    console: Console, operator: Reader
) -> None:
    page = operator.page
    await page.goto("/console/worlds")
    token = await page.locator("input[name=form_token]").first.input_value()
    for form, said in (
        ({"workflow_id": "quest/none"}, "reason"),
        ({"reason": "because"}, "mark at least one"),
    ):
        answer = await page.context.request.post(
            "/console/ops/replays", form={"form_token": token, **form}
        )
        assert answer.status == 422
        assert said in await answer.text()


async def test_health_is_seen_at_a_glance_and_stays_so(console: Console, operator: Reader) -> None:
    page = operator.page
    await page.goto("/console/ops")
    await page.get_by_role("link", name="Health").click()
    await expect(page.get_by_text("live", exact=True)).to_be_visible()
    queue = f"{console.api.parts.config.queue_prefix}-knowledge"
    await expect(page.get_by_role("row", name=queue)).to_contain_text("none")
    await expect(page.get_by_text(f"{queue} (activity): no worker")).to_be_visible()
    assert await serious_findings(page) == []
    seen = page.locator("dl.facts div", has_text="Seen").locator("dd")
    before = await seen.inner_text()
    await expect(seen).not_to_have_text(before, timeout=20_000)
    await page.set_viewport_size(NARROW)
    assert await overhang(page) <= 0
    assert operator.complaints == []


async def test_a_pending_webhook_is_seen_and_resent_where_the_rest_is_wrong(
    console: Console, operator: Reader
) -> None:
    await pending_event(console.api.parts.store, "evt_1", datetime.now(UTC) + timedelta(hours=1))
    page = operator.page
    await page.goto("/console/ops")
    row = page.get_by_role("row", name="evt_1")
    await expect(row).to_contain_text("product.created")
    assert await serious_findings(page) == []
    await row.get_by_role("button", name="Resend evt_1").click()
    await expect(page.get_by_text("whatever the payment provider told was handled")).to_be_visible()
    assert operator.complaints == []
