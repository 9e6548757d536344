"""A player's page: what a designer sees there, and how ops put right, take out and erase."""

import json
import re

import pytest
from playwright.async_api import expect

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.keys import Scope
from loreloom.state.players import find_player
from loreloom.state.repairs import repairs_of
from loreloom.workflows.signatures import ERASURE
from tests.console.conftest import Console, Reader
from tests.console.looking import serious_findings
from tests.console.signing_in import browserless, sign_in, token_on


@pytest.mark.parametrize("asked", ["mar", "MARA"])
async def test_a_player_is_found_by_id_or_name_and_leads_to_the_stories(
    console: Console, designer: Reader, asked: str
) -> None:
    page = designer.page
    await page.goto(f"/console/worlds/{console.told.world_id}/players")
    await page.get_by_label("Id or name").fill(asked)
    await page.get_by_role("button", name="Find").click()
    await page.get_by_role("rowheader").get_by_role("link").click()
    await expect(page.locator("h1")).to_have_text("Mara")
    await expect(page.get_by_role("link", name="The Two Copies")).to_be_visible()
    await page.get_by_role("link", name="The Lantern").click()
    await page.get_by_role("link", name="mara", exact=True).click()
    await page.wait_for_url(f"**/console/worlds/{console.told.world_id}/players/mara")


async def test_a_designer_sees_no_payments_and_repairs_nothing(console: Console) -> None:
    address = f"/console/worlds/{console.told.world_id}/players/mara"
    async with browserless(console) as client:
        await sign_in(client, console.api.secrets[Scope.DESIGNER])
        seen = (await client.get(address)).text
        for hidden in ("red-cloak", "Payments", "Entitlements", f"{address}/"):
            assert hidden not in seen
        assert (await client.get(f"{address}/export")).status_code == 403
        form = {"form_token": await token_on(client, address), "reason": "x", "coin": "9"}
        for act in ("repair", "erase"):
            assert (await client.post(f"{address}/{act}", data=form)).status_code == 403
    player = await find_player(
        console.api.parts.store, WorldId(console.told.world_id), PlayerId("mara")
    )
    assert player is not None
    assert player.coin == 0


async def test_ops_puts_a_players_rows_right_and_it_is_kept(
    console: Console, operator: Reader
) -> None:
    page, store = operator.page, console.api.parts.store
    world_id = WorldId(console.told.world_id)
    await page.goto(f"/console/worlds/{world_id}/players/other")
    await page.get_by_label("Coin").fill("70")
    await page.get_by_label("Another thing").fill("a <b>lamp</b>")
    await page.get_by_label("its count").fill("2")
    await page.get_by_label("Another faction").fill("The Guild")
    await page.get_by_label("its standing").fill("-3")
    await page.get_by_label("Why", exact=False).first.fill("its <i>row</i> was lost")
    await page.get_by_role("button", name="Put it right").click()
    await expect(page.get_by_text("2 × a <b>lamp</b>")).to_be_visible()
    await expect(page.get_by_role("cell", name="its <i>row</i> was lost")).to_be_visible()
    assert await serious_findings(page) == []

    player = await find_player(store, world_id, PlayerId("other"))
    assert player is not None
    assert (player.coin, player.inventory) == (70, {"a <b>lamp</b>": 2})
    assert player.standing == {"The Guild": -3}
    (kept,) = await repairs_of(store, world_id, PlayerId("other"), 5)
    assert kept.reason == "its <i>row</i> was lost"
    assert kept.by.startswith("test-ops")
    assert (kept.before.coin, kept.after.coin, kept.after.experience) == (0, 70, None)
    assert operator.complaints == []


async def test_a_repair_that_is_sent_twice_is_one(console: Console) -> None:
    world_id = (await console.api.world())["world_id"]
    await console.api.player(world_id, "twice")
    address = f"/console/worlds/{world_id}/players/twice"
    async with browserless(console) as client:
        await sign_in(client, console.api.secrets[Scope.OPS])
        found = re.search(r'name="repair_id" value="([^"]+)"', (await client.get(address)).text)
        assert found is not None
        form = {
            "form_token": await token_on(client, address),
            "repair_id": found[1],
            "reason": "lost",
            "experience": "40",
        }
        for _ in range(2):
            assert (await client.post(f"{address}/repair", data=form)).status_code == 303
        no_reason = await client.post(f"{address}/repair", data={**form, "reason": ""})
        assert no_reason.status_code == 422
    kept = await repairs_of(console.api.parts.store, WorldId(world_id), PlayerId("twice"), 5)
    assert len(kept) == 1


async def test_what_was_bought_is_shown_to_ops(console: Console, operator: Reader) -> None:
    page = operator.page
    await page.goto(f"/console/worlds/{console.told.world_id}/players/mara")
    row = page.get_by_role("row", name="red-cloak")
    await expect(row).to_contain_text("4.99 EUR")
    address = await row.get_by_role("link").get_attribute("href")
    assert address == "/console/ops/payments/pay_cloak"


async def test_ops_takes_a_player_out_and_erases_after_a_look_and_a_typed_word(
    console: Console, operator: Reader
) -> None:
    page, api = operator.page, console.api
    world_id = (await api.world())["world_id"]
    await api.player(world_id, "leaver")
    await page.goto(f"/console/worlds/{world_id}/players/leaver")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="as a file").click()
    kept = json.loads((await (await downloading.value).path()).read_text())
    assert (kept["player_id"], kept["rows"]["players"][0]["name"]) == ("leaver", "Leaver")

    await page.get_by_label("Why the player is erased").fill("asked for it")
    await page.get_by_role("button", name="See what would be erased").click()
    await expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
    assert await serious_findings(page) == []
    await page.get_by_label("Type the player's id").fill("leave")
    await page.get_by_role("button", name="Erase").click()
    await expect(page.get_by_text("That was another id.")).to_be_visible()
    await expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
    await page.get_by_label("Type the player's id").fill("leaver")
    await page.get_by_role("button", name="Erase").click()
    begun = page.get_by_text("It goes on by itself").get_by_role("link")
    workflow = api.parts.temporal.get_workflow_handle(await begun.inner_text())
    assert (await workflow.describe()).workflow_type == ERASURE
    await workflow.terminate("this console has no worker")
