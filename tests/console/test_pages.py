"""The console in a real browser: what a designer sees, by mouse, by keyboard and by axe."""

import re
import secrets
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.keys import Scope
from loreloom.state.store import Event
from loreloom.state.tables.worlds import World
from loreloom.workflows.roles import Role, queue_of
from tests.console.conftest import Console, Reader
from tests.console.looking import NARROW, overhang, serious_findings
from tests.console.told import REFUSED, TOLD


def pages(console: Console) -> dict[str, str]:
    """Every page that a designer has, by its address, with its heading."""
    told = console.told
    world = f"/console/worlds/{told.world_id}"
    canon = "/console/canon/default"
    return {
        "/console/worlds": "Worlds",
        world: "Shard <one>",
        f"{world}/players": "Players",
        f"{world}/players/mara": "Mara",
        f"{world}/quests": "Quests",
        f"{world}/quests?state=expired": "Quests",
        f"{world}/arcs": "Arcs",
        f"/console/quests/{told.quest_id}": "The Lantern",
        f"/console/arcs/{told.arc_id}": "The Two Copies",
        canon: "Canon default",
        f"{canon}?q=who+keeps+the+light": "Canon default",
        f"{canon}?q=who+keeps+the+light&player_id=mara": "Canon default",
        f"{canon}/entities": "Canon default",
        f"/console/documents/{told.passage.document_id}": "The Harbour",
        f"/console/passages/{told.passage.passage_id}": "The keeper of the light",
        f"/console/entities/{told.passage.entities[0].entity_id}": "Old Hest",
        "/console/generations/gen_lantern/whatif": "What if",
        f"{world}/whatif": "What if, for many",
        "/console/find?q=nobody": "Nothing has this id",
    }


def ops_pages(console: Console) -> dict[str, str]:
    """The pages that only an operator has, by their addresses, with their headings."""
    told = console.told
    return {
        "/console/ops": "What is wrong",
        "/console/ops/health": "Health",
        "/console/ops/workflows": "Workflows",
        "/console/ops/workflows?kind=arc&state=running": "Workflows",
        f"/console/ops/workflows/arc/{told.arc_id}": f"arc/{told.arc_id}",
        "/console/ops/replays": "Replays",
    }


def answers(console: Console) -> dict[str, tuple[dict[str, str], str]]:
    """The pages that answer a form and change nothing: what is sent, and the heading."""
    player = f"/console/worlds/{console.told.world_id}/players/other"
    return {
        f"{player}/erase": ({"reason": "x"}, "What would be erased"),
        "/console/ops/replay": ({"workflow_id": "quest/none", "reason": "x"}, "would happen"),
    }


async def each_page(console: Console, reader: Reader) -> AsyncIterator[str]:
    """An operator's way through every page, to the door."""
    page = reader.page
    for address, heading in {**pages(console), **ops_pages(console)}.items():
        answer = await page.goto(address)
        assert answer is not None
        assert answer.status == (404 if "nobody" in address else 200), address
        await expect(page.locator("h1")).to_have_text(re.compile(re.escape(heading)))
        yield address
    for address, (sent, heading) in answers(console).items():
        await send(page, address, sent)
        await expect(page.locator("h1")).to_have_text(re.compile(re.escape(heading)))
        yield address
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Key", exact=True)).to_be_visible()
    yield "/console/sign-in"


async def send(page: Page, address: str, fields: dict[str, str]) -> None:
    """Send a form from the page that is open, with its token."""
    script = """([address, fields]) => {
        const form = document.querySelector("form.out");
        form.action = address;
        for (const [name, value] of Object.entries(fields)) {
            const field = Object.assign(document.createElement("input"), {name, value});
            form.append(field);
        }
        form.submit();
    }"""
    async with page.expect_navigation():
        await page.evaluate(script, [address, fields])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_can_be_read_by_everyone(console: Console, scheme: str) -> None:
    reader = await console.signed_in(Scope.OPS, color_scheme=scheme)
    async for address in each_page(console, reader):
        assert await serious_findings(reader.page) == [], address
    # What is not there is answered 404, which the browser puts down as an error of its own.
    assert [c for c in reader.complaints if "404" not in c] == []
    await reader.page.context.close()


async def test_no_page_is_wider_than_a_narrow_screen(console: Console) -> None:
    reader = await console.signed_in(Scope.OPS, viewport=NARROW)
    async for address in each_page(console, reader):
        assert await overhang(reader.page) <= 0, address
    await reader.page.context.close()


async def test_from_a_players_complaint_to_the_passage_behind_a_sentence(
    console: Console, designer: Reader
) -> None:
    page = designer.page
    await page.goto(f"/console/worlds/{console.told.world_id}/quests")
    await page.get_by_role("link", name="mara").first.click()
    await page.get_by_role("link", name="The Lantern").click()
    sentence = page.locator(".words p", has_text="Somebody owes Old Hest.")
    await sentence.get_by_role("link", name="Passage 1").click()
    passage = page.locator("blockquote", has_text="She has kept it for forty years.")
    await expect(passage).to_be_visible()


async def test_a_quests_story_says_why(console: Console, designer: Reader) -> None:
    page = designer.page
    await page.goto(f"/console/quests/{console.told.quest_id}")
    story = page.get_by_role("region", name="The story")
    await expect(story).to_contain_text(
        "1\N{THIN SPACE}200 tokens in, 300 out · 4\N{THIN SPACE}100 ms · 2 attempts"
    )
    await expect(story.get_by_text("1 of 2 attempts refused")).to_be_visible()
    await expect(story).to_contain_text("nobody is the Moon Emperor")
    await story.get_by_text("Its text").first.click()
    await expect(story.get_by_text(REFUSED)).to_be_visible()
    await story.get_by_text("1 found and left out").click()
    await expect(story.get_by_text("left out: no room")).to_be_visible()
    stands = page.get_by_role("complementary", name="Where it stands")
    await expect(stands.get_by_role("listitem").filter(has_text="The keeper")).to_contain_text(
        "rumour"
    )
    link = page.get_by_role("link", name="the raw events in Temporal")
    address = await link.get_attribute("href")
    assert address is not None
    assert address.endswith("/workflows/quest%2Fquest_lantern")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("player_id=mara", True), ("player_id=other", False), ("state=designing", True),
        ("kind=side&region=Harbour", True), ("kind=main", False), ("region=Upper+Market", False),
        ("entity=Old+Hest", True), ("entity=the+Lantern", True), ("entity=Nobody", False),
        ("since=2020-01-01T00:00", True), ("until=2020-01-01T00:00", False),
    ],
)  # fmt: skip
async def test_quests_are_found_by_what_is_known_of_them(
    console: Console, designer: Reader, asked: str, found: bool
) -> None:
    await designer.page.goto(f"/console/worlds/{console.told.world_id}/quests?{asked}")
    await expect(designer.page.get_by_role("link", name="The Lantern")).to_have_count(int(found))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("player_id=mara&state=running&arc=the-two-copies", True), ("arc=the-candle-count", False),
        ("entity=Philippa+Noake&region=&since=2020-01-01T00:00", True), ("entity=Nobody", False),
        ("until=2020-01-01T00:00", False), ("moved_since=2020-01-01T00:00", True),
    ],
)  # fmt: skip
async def test_arcs_are_found_by_what_is_known_of_them(
    console: Console, designer: Reader, asked: str, found: bool
) -> None:
    await designer.page.goto(f"/console/worlds/{console.told.world_id}/arcs?{asked}")
    await expect(designer.page.get_by_role("link", name="The Two Copies")).to_have_count(int(found))


async def test_an_arc_says_where_it_stands_and_what_would_have_to_hold(
    console: Console, designer: Reader
) -> None:
    await designer.page.goto(f"/console/arcs/{console.told.arc_id}")
    graph = designer.page.get_by_role("group", name=re.compile("The Two Copies: 11 beats"))
    await graph.get_by_role("link", name="while-it-lasts").click()
    card = designer.page.locator("#beat-while-it-lasts")
    await expect(card).to_contain_text("if the last quest must have completed")


async def test_what_an_arc_told_leads_to_the_passage_behind_it(
    console: Console, designer: Reader
) -> None:
    await designer.page.goto(f"/console/arcs/{console.told.arc_id}")
    way = designer.page.get_by_role("region", name="The way that it came")
    await way.get_by_text(TOLD).get_by_role("link", name="Passage 1 speaks").click()
    await expect(way.get_by_role("blockquote")).to_contain_text("She has kept it for forty years")
    await expect(way.get_by_text("1 of 2 attempts refused")).to_be_visible()


async def test_a_tie_reads_as_its_document_says_it(console: Console, designer: Reader) -> None:
    page = designer.page
    await page.goto("/console/canon/default/entities")
    await expect(page.get_by_role("row", name="Old Hest")).to_contain_text("keeper →: The Lantern")
    await page.get_by_role("link", name="Old Hest").click()
    ties = page.get_by_role("region", name="Ties")
    await expect(ties.get_by_role("listitem")).to_have_text("keeper →: The Lantern")
    await ties.get_by_role("link", name="The Lantern").click()
    await expect(page.locator("h1")).to_have_text("The Lantern")


async def test_what_happens_appears_while_one_looks(console: Console, designer: Reader) -> None:
    world = WorldId(console.told.world_id)
    await designer.page.goto(f"/console/worlds/{world}")
    await expect(designer.page.get_by_text("live", exact=True)).to_be_visible()
    async with console.api.parts.store.transaction() as tx:
        happened = Event(
            world_id=world,
            key="test/live",
            kind="rumour.begun",
            subject=world,
            player_id=PlayerId("mara"),
            data={"text": "<b>a light</b> was seen"},
        )
        tx.tell(happened)
    first = designer.page.get_by_role("list", name="What happens now").locator("li").first
    await expect(first).to_contain_text("It is whispered: <b>a light</b> was seen")


async def test_a_worlds_clock_runs_and_its_facts_are_read_anew(console: Console) -> None:
    world_id = WorldId((await console.api.world(name="Turning"))["world_id"])
    reader = await console.signed_in(Scope.DESIGNER)
    page = reader.page
    await page.clock.install()
    await page.goto(f"/console/worlds/{world_id}")
    await expect(page.get_by_text("live", exact=True)).to_be_visible()
    now, season = (
        page.locator("dl.facts div", has_text=name).locator("dd") for name in ("Now", "Season")
    )
    await page.get_by_role("link", name="what if").focus()
    await page.clock.run_for(3600 * 1000)
    await expect(page.get_by_text("still", exact=True)).to_be_visible()
    await expect(now).to_contain_text(re.compile(r"^(19|20):"))
    await expect(season).to_have_text("spring")

    async with console.api.parts.store.transaction() as tx:
        later = update(World).where(World.world_id == world_id)
        await tx.run(later.values(game_anchor=World.game_anchor + 100 * 24 * 3600))
    await page.get_by_role("searchbox").focus()
    await page.clock.run_for(5000)
    await expect(season).to_have_text(re.compile("summer|autumn|winter"))
    await expect(now).to_contain_text(re.compile("^08:"))
    assert reader.complaints == []
    await page.context.close()


async def test_the_forecast_is_said_in_words_too(console: Console, designer: Reader) -> None:
    await designer.page.goto(f"/console/worlds/{console.told.world_id}")
    pictures = designer.page.locator("svg.forecast")
    await expect(pictures).to_have_count(2)
    said = await pictures.first.get_attribute("aria-label")
    assert said is not None
    assert re.search(r"now for \d+ h.*between -?\d+ and -?\d+ °C", said), said


async def test_the_keyboard_alone_is_enough(console: Console, designer: Reader) -> None:
    page = designer.page
    await page.goto(f"/console/worlds/{console.told.world_id}/quests")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.textContent") == "The Lantern":
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="The Lantern")).to_be_visible()


async def test_any_id_leads_to_its_page(console: Console, designer: Reader) -> None:
    told = console.told
    passage = told.passage
    entity_id = passage.entities[0].entity_id
    for name, address in {
        "quest/quest_lantern": f"quests/{told.quest_id}",
        told.arc_id: f"arcs/{told.arc_id}",
        passage.passage_id: f"passages/{passage.passage_id}",
        passage.document_id: f"documents/{passage.document_id}",
        f"ingest/{passage.document_id}/1": f"documents/{passage.document_id}",
        entity_id: f"entities/{entity_id}",
        "mara": f"worlds/{told.world_id}/players/mara",
    }.items():
        await go_to(designer.page, name)
        await designer.page.wait_for_url(f"**/console/{address}")


async def test_a_texts_id_leads_to_where_it_stands(console: Console, designer: Reader) -> None:
    page = designer.page
    for name, story in {
        "gen_lantern": f"quests/{console.told.quest_id}",
        "gen_summons": f"arcs/{console.told.arc_id}",
    }.items():
        await go_to(page, name)
        await page.wait_for_url(f"**/console/{story}#{name}")
        await expect(page.locator(f"#{name}")).to_be_in_viewport()


async def test_what_has_no_other_page_leads_ops_to_its_workflow(
    console: Console, designer: Reader, operator: Reader
) -> None:
    parts, refund = console.api.parts, f"refund/{secrets.token_hex(6)}"
    queue = queue_of(Role.STORY, parts.config.queue_prefix)
    running = await parts.temporal.start_workflow("Refund", id=refund, task_queue=queue)
    for name, address in {refund: f"workflows/{refund}", "pay_cloak": "payments/pay_cloak"}.items():
        await go_to(operator.page, name)
        await operator.page.wait_for_url(f"**/console/ops/{address}")
        await go_to(designer.page, name)
        await expect(designer.page.locator("h1")).to_have_text("Nothing has this id")
    await running.terminate()


async def go_to(page: Page, name: str) -> None:
    """Type an id into the box at the top."""
    await page.get_by_role("searchbox", name=re.compile("Find a quest")).fill(name)
    await page.keyboard.press("Enter")
