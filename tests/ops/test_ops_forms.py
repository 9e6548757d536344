"""What an operator sends from the console is what was shown, and what came of it is said."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from loreloom.state.keys import Scope
from tests.console.signing_in import sign_in, token_on
from tests.ops.playing import causes_in
from tests.support.serving import Api

pytestmark = pytest.mark.usefixtures("worker")

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
OPS = "/console/ops"


@pytest.fixture
async def operator(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """An operator who is signed in."""
    async with httpx.AsyncClient(base_url=api.url) as client:
        await sign_in(client, api.secrets[Scope.OPS])
        yield client


async def terminated(api: Api, world: str) -> str:
    """A quest whose process somebody ended by mistake."""
    quest = await api.accepted(world)
    await api.parts.temporal.get_workflow_handle(quest["workflow_id"]).terminate("by mistake")
    workflow_id: str = quest["workflow_id"]
    return workflow_id


def sent_by(page: str, mark: str = 'class="sure"') -> dict[str, list[str]]:
    """What a form sends: that which makes a dry run so, or the one of a mark."""
    form = page[page.index(mark) :].partition("</form>")[0]
    sent: dict[str, list[str]] = {}
    for name, value in HIDDEN.findall(form):
        sent.setdefault(name, []).append(value)
    return sent


async def test_only_what_a_dry_run_showed_is_replayed(
    api: Api, operator: httpx.AsyncClient
) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    shown = await terminated(api, world)
    (cause,) = await causes_in(api, world, 1)
    asked = {
        "form_token": await token_on(operator, "/console/worlds"),
        "by": "query",
        "world_id": world,
        "cause": cause["cause"],
        "reason": "it was a mistake",
    }
    sent = sent_by((await operator.post(f"{OPS}/replays", data=asked)).text)

    unseen = await terminated(api, world)
    while (await causes_in(api, world, 1))[0]["count"] < 2:
        pass
    made = (await operator.post(f"{OPS}/replays", data=sent)).text

    assert "1 replayed, 0 refused." in made
    kept = (await api.ops.get("/v1/ops/replays")).json()["items"]
    assert [each["workflow_id"] for each in kept] == [shown]
    story = (await api.ops.get(f"/v1/ops/workflows/{unseen}")).json()
    assert story["state"] == "terminated"


async def test_a_page_that_is_gone_back_to_replays_anew(
    api: Api, operator: httpx.AsyncClient
) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    workflow_id = await terminated(api, world)
    page = (await operator.get(f"{OPS}/workflows/{workflow_id}")).text
    asked = {**sent_by(page, f'action="{OPS}/replay"'), "from": "start", "reason": "a mistake"}
    for number in (1, 2):
        sent = sent_by((await operator.post(f"{OPS}/replay", data=asked)).text)
        for _ in range(2):
            made = (await operator.post(f"{OPS}/replay", data=sent)).text
            assert "1 replayed, 0 refused." in made
        kept = await api.ops.get("/v1/ops/replays", params={"workflow_id": workflow_id})
        assert len(kept.json()["items"]) == number


async def test_a_quest_that_was_ended_shows_how_and_is_not_ended_anew(
    api: Api, operator: httpx.AsyncClient
) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    quest = await api.accepted(world)
    form = {
        "form_token": await token_on(operator, "/console/worlds"),
        "quest_id": quest["quest_id"],
        "outcome": "failed",
        "coin": "30",
        "reason": "the purse <i>was lost</i>",
    }
    page = f"{OPS}/workflows/{quest['workflow_id']}"
    assert "End the quest instead" in (await operator.get(page)).text
    assert (await operator.post(f"{OPS}/settle", data=form)).status_code == 303

    shown = (await operator.get(page)).text
    assert "ended the quest as failed" in shown
    assert "the player was given 30 coin" in shown
    assert "the purse &lt;i&gt;was lost&lt;/i&gt;" in shown
    assert "End the quest instead" not in shown
    assert (await operator.post(f"{OPS}/settle", data=form)).status_code == 303
    other = await operator.post(f"{OPS}/settle", data={**form, "coin": "500"})
    assert other.status_code == 409
    assert "before, as failed, and gave 30 coin" in other.text
    player = (await api.game.get(f"/v1/worlds/{world}/players/mara")).json()
    assert player["coin"] == 30
