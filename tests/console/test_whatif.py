"""What if, in a real browser: a designer changes a moment and reads then and now."""

import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from playwright.async_api import expect
from temporalio.client import Client

from loreloom.state.keys import Scope
from tests.console.conftest import Console, Reader
from tests.console.looking import serious_findings
from tests.support.serving import serving
from tests.support.whatif import asking

ANSWERED_MS = 30_000


@pytest.fixture
async def answering(console: Console, temporal_client: Client) -> AsyncIterator[Console]:
    """The console again, where what is asked is served.

    On queues of its own: the stories of the other console go on waiting. There is no tier; how a
    model answers is for tests/quest.
    """
    parts, prefix = console.api.parts, f"whatif-{secrets.token_hex(4)}"
    own = replace(parts, config=replace(parts.config, queue_prefix=prefix))
    async with (
        asking(temporal_client, parts.store, parts.embedder, prefix),
        serving(own) as api,
    ):
        yield replace(console, api=api)


@pytest.fixture
async def designer(answering: Console) -> AsyncIterator[Reader]:
    """A designer on the first page."""
    reader = await answering.signed_in(Scope.DESIGNER)
    yield reader
    await reader.page.context.close()


async def test_from_a_sentence_to_the_same_moment_with_another_prompt(
    console: Console, designer: Reader
) -> None:
    page = designer.page
    await page.goto(f"/console/quests/{console.told.quest_id}")
    await page.get_by_role("link", name="what if").click()
    await expect(page.get_by_label("user")).to_contain_text("Wish:")
    await page.get_by_label("user").fill("Write about an eel <b>that</b> owes.")
    await page.get_by_label("Tier").select_option("gold")
    await page.get_by_role("button", name="Ask again").click()
    await page.wait_for_url("**/console/whatifs/*")
    told = page.get_by_role("region", name="Now", exact=True)
    await expect(told).to_contain_text("no tier answered", timeout=ANSWERED_MS)
    await expect(page.get_by_role("region", name="Then", exact=True)).to_contain_text(
        "Somebody owes Old Hest."
    )
    await told.get_by_text("What was asked").click()
    await expect(told).to_contain_text("Write about an eel <b>that</b> owes.")
    await expect(page.locator("p.data")).to_contain_text("prompt edited")
    figures = page.get_by_role("table")
    await expect(figures.get_by_role("row", name="Taken yes no")).to_be_visible()
    assert await serious_findings(page) == []
    assert designer.complaints == []


async def test_nothing_changed_is_the_same_prompt_and_the_same_passages(
    console: Console, designer: Reader
) -> None:
    page = designer.page
    await page.goto("/console/generations/gen_lantern/whatif")
    await page.get_by_role("button", name="Ask again").click()
    await expect(page.locator("p.data")).to_have_text("Nothing was changed.")


async def test_a_passage_that_was_left_out_is_put_in(console: Console, designer: Reader) -> None:
    page = designer.page
    await page.goto("/console/generations/gen_lantern/whatif")
    await page.get_by_label("The tide").check()
    await page.get_by_role("button", name="Ask again").click()
    await expect(page.locator("p.data")).to_contain_text(console.told.left_out.passage_id)
    told = page.get_by_role("region", name="Now", exact=True)
    await expect(told).to_contain_text("The tide", timeout=ANSWERED_MS)


async def test_a_template_is_edited_and_tells_the_same_moment(designer: Reader) -> None:
    page = designer.page
    await page.goto("/console/generations/gen_lantern/whatif")
    await page.get_by_label("Begin with").select_option("side-half-a-roll")
    await page.get_by_role("button", name="Show it").click()
    text = page.get_by_label("Template")
    await expect(text).to_contain_text("template_id: side-half-a-roll")
    whole = await text.input_value()
    await text.fill(whole.replace("Half a roll at first light", "Half an <b>eel</b>"))
    await page.get_by_role("button", name="Tell it by this").click()
    await page.wait_for_url("**/console/whatifs/*")
    now = page.get_by_role("region", name="Now", exact=True)
    await expect(now).to_contain_text("Half an <b>eel</b>", timeout=ANSWERED_MS)
    await expect(now).to_contain_text("template side-half-a-roll")
    await expect(now.locator(".words p").first).to_contain_text("Half an <b>eel</b>")
    then = page.get_by_role("region", name="Then", exact=True)
    await expect(then.locator(".words p").first).to_contain_text("The Lantern")
    await expect(page.locator("p.data")).to_contain_text("side-half-a-roll")
    assert await serious_findings(page) == []
    assert designer.complaints == []
    await page.goto("/console/generations/gen_lantern/whatif")
    await page.get_by_label("Template").fill("title: [")
    await page.get_by_role("button", name="Tell it by this").click()
    await expect(page.locator("main")).to_contain_text("this is no YAML")


async def test_a_page_that_waits_is_not_loaded_again(console: Console) -> None:
    """Nobody serves what is asked here: the page waits as long as it is looked at."""
    reader = await console.signed_in(Scope.DESIGNER)
    page = reader.page
    await page.clock.install()
    for address in (
        "generations/gen_lantern/whatif",
        f"worlds/{console.told.world_id}/whatif",
    ):
        await page.goto(f"/console/{address}")
        await page.get_by_role("button", name="Ask again").click()
        await page.wait_for_url(re.compile("/console/whatif(-set)?s/"))
        await expect(page.get_by_role("status")).to_have_text("live")
        find = page.get_by_role("searchbox")
        await find.fill("half a na")
        async with page.expect_response("**/now"):
            await page.clock.run_for(2000)
        await expect(find).to_have_value("half a na")
        await expect(find).to_be_focused()
    assert reader.complaints == []
    await page.context.close()


async def test_many_texts_are_counted_then_and_now(console: Console, designer: Reader) -> None:
    page = designer.page
    await page.goto(f"/console/worlds/{console.told.world_id}")
    await page.get_by_role("link", name="what if").click()
    await page.get_by_label("Instructions").fill("Write drily.")
    await page.get_by_role("button", name="Ask again").click()
    await page.wait_for_url("**/console/whatif-sets/*")
    taken = page.get_by_role("row", name="Texts taken 1 of 1 0 of 1")
    await expect(taken).to_be_visible(timeout=ANSWERED_MS)
    time = page.get_by_role("row", name=re.compile("median 4 100 [0-9]+$"))
    await expect(time).to_be_visible()
    await expect(page.locator("p.data")).to_contain_text("Write drily.")
    assert await serious_findings(page) == []
    assert designer.complaints == []


async def test_what_cannot_be_asked_is_said_and_begins_nothing(
    console: Console, designer: Reader
) -> None:
    page = designer.page
    await page.goto("/console/generations/gen_lantern/whatif")
    await page.get_by_label("user").fill("Another prompt.")
    await page.get_by_label("Make the prompt anew").check()
    await page.get_by_role("button", name="Ask again").click()
    await expect(page.locator("main")).to_contain_text("messages are the whole prompt")
