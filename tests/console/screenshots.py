"""Makes the pictures in docs/screenshots from a story that the demo played with the real model.

Run ``python -m tests.console.screenshots``. It needs what ``make demo`` needs, and Chromium; it
takes some minutes.
"""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from playwright.async_api import Page, async_playwright
from rich.console import Console

from loreloom.workers.client import ApiClient, Json
from loreloom.workers.commands.knowledge import ingest_paths
from loreloom.workers.demo import play
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import Stack
from loreloom.workers.settings import PROJECT, Settings
from tests.chaos.players import acts
from tests.console.conftest import FLAGS

INTO = PROJECT / "docs" / "screenshots"
SIZE = {"width": 1280, "height": 860}
"""Of the window; a picture shows what one sees first."""
WHOLE = {"failed"}
"""Pages that are shown to their ends: what can be done there stands last."""
FAILED = 3
FULL_PURSE = 2**63 - 1
PLAYER, NAMESAKE = "tam", "broker"
"""Of the second world; the first has a player of the latter's id too."""


@dataclass(frozen=True)
class Failed:
    """A world where quests have failed, and the workflow of one that could not tell its end."""

    world_id: str
    untold: str


def fail(api: ApiClient, database_url: str) -> Failed:
    """Quests whose reward cannot be granted, because their player's purse is full, and one whose
    story was lost before its epilogue."""
    world_id: str = api.post("/v1/worlds", {"name": "The second shard", "templates_only": True})[
        "world_id"
    ]
    for player_id, name in ((PLAYER, "Tam Underhill"), (NAMESAKE, "Another broker")):
        api.post(f"/v1/worlds/{world_id}/players", {"player_id": player_id, "name": name})
    # As psycopg has it: without the driver in the name.
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "UPDATE players SET coin = %s WHERE world_id = %s AND player_id = %s",
            (FULL_PURSE, world_id, PLAYER),
        )
        for _ in range(FAILED):
            play_badly(api, accepted(api, world_id, PLAYER))
        quest = accepted(api, world_id, NAMESAKE)
        connection.execute(
            "UPDATE quests SET story = NULL WHERE quest_id = %s", (quest["quest_id"],)
        )
        play_badly(api, quest)
    return Failed(world_id, quest["workflow_id"])


def accepted(api: ApiClient, world_id: str, player_id: str) -> Json:
    """A quest that is accepted, and that can be played without waiting for anything."""
    while True:
        body = {"player_id": player_id, "kind": "side"}
        asked = api.post(f"/v1/worlds/{world_id}/quests", body)
        path = f"/v1/quests/{asked['quest_id']}"
        quest = api.wait(path, lambda found: found["state"] == "offered", "an offer")
        if not any(objective["condition"] for objective in quest["objectives"]):
            api.post(f"{path}/accept")
            return quest


def play_badly(api: ApiClient, quest: Json) -> None:
    """Play a quest to the step that fails."""
    for number, (act, body, times) in enumerate(acts(quest)):
        for time in range(times):
            action = {**body, "action_id": f"act-{number}-{time}"}
            api.post(f"/v1/quests/{quest['quest_id']}/{act}", action)
    api.wait(f"/v1/ops/workflows/{quest['workflow_id']}", _is_bad, "a step that fails")


def addresses(api: ApiClient, quest: Json, failed: Failed) -> dict[str, str]:
    """The page of each picture that one sees by going there."""
    world_id = quest["world_id"]
    rests_on = quest["citations"][0]
    documents = {told["name"]: told["document_id"] for told in api.pages("/v1/lore/documents")}
    entity = next(iter(api.pages("/v1/lore/entities")))["entity_id"]
    (arc,) = api.get(f"/v1/worlds/{world_id}/arcs")["items"]
    steps = api.get(f"/v1/quests/{quest['quest_id']}/history")["steps"]
    made = [step["generation"] for step in steps if step["generation"]]
    asked = next(text for text in made if text["record"]["asked"] is not None)
    body = {"temperature": 0.2, "tier": "gold"}
    one = api.post(f"/v1/generations/{asked['generation_id']}/whatif", body)["whatif_id"]
    api.wait(f"/v1/whatifs/{one}", _is_over, "a text asked for again")
    many = api.post(
        f"/v1/worlds/{world_id}/whatifs", {"purpose": "quest", "otherwise": {"temperature": 0.2}}
    )["whatif_id"]
    api.wait(f"/v1/whatif-sets/{many}", _is_over, "a set asked for again")
    told = api.get(f"/v1/worlds/{world_id}/chronicle", kind="payment.requested")["items"]
    return {
        "worlds": "/console/worlds",
        "world": f"/console/worlds/{world_id}",
        "quest": f"/console/quests/{quest['quest_id']}",
        "quests": f"/console/worlds/{world_id}/quests",
        "player": f"/console/worlds/{world_id}/players/{quest['player_id']}",
        "whatif-form": f"/console/generations/{asked['generation_id']}/whatif",
        "whatif": f"/console/whatifs/{one}",
        "whatif-many": f"/console/worlds/{world_id}/whatif",
        "whatif-set": f"/console/whatif-sets/{many}",
        "arcs": f"/console/worlds/{world_id}/arcs",
        "arc": f"/console/arcs/{arc['arc_id']}",
        "players": f"/console/worlds/{world_id}/players",
        "canon": "/console/canon/default?q=who+keeps+the+bridge",
        "document": f"/console/documents/{documents[rests_on['document']]}",
        "passage": f"/console/passages/{rests_on['passage_id']}",
        "entities": "/console/canon/default/entities",
        "entity": f"/console/entities/{entity}",
        "ops": "/console/ops",
        "health": "/console/ops/health",
        "workflows": f"/console/ops/workflows?world_id={failed.world_id}&kind=quest",
        "workflow": f"/console/ops/workflows/{quest['workflow_id']}",
        "failed": f"/console/ops/workflows/{failed.untold}",
        "purchase": f"/console/ops/payments/{told[0]['data']['payment_id']}",
        "find": f"/console/find?q={NAMESAKE}",
    }


def _is_over(seen: Json) -> bool:
    return bool(seen["state"] != "running")


def _is_bad(seen: Json) -> bool:
    return bool(seen["failing"])


async def take(url: str, key: str, pages: dict[str, str]) -> None:
    """A picture of each page, as an operator sees it."""
    program = shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        context = await browser.new_context(base_url=url, viewport=SIZE)  # type: ignore[arg-type]
        page: Page = await context.new_page()
        await page.goto("/console/sign-in")
        await page.screenshot(path=INTO / "sign-in.png")
        await page.get_by_label("Key", exact=True).fill(key)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/worlds")
        for name, address in pages.items():
            await page.goto(address)
            await page.screenshot(path=INTO / f"{name}.png", full_page=name in WHOLE)
        await take_erasure(page, pages["player"])
        await take_replay(page, pages["workflows"])
        await browser.close()


async def take_erasure(page: Page, player: str) -> None:
    """What would be erased, before it is."""
    await page.goto(player)
    await page.get_by_label("Why the player is erased").fill("The player asked for it")
    await page.get_by_role("button", name="See what would be erased").click()
    await page.screenshot(path=INTO / "erasure.png")


async def take_replay(page: Page, workflows: str) -> None:
    """What a replay would do, what it did, and the log of them."""
    await page.goto(workflows)
    await page.get_by_label("Mark all on this page").check()
    await page.get_by_label("Why").fill("The purse was put right")
    await page.get_by_role("button", name="See what would happen").click()
    await page.screenshot(path=INTO / "dry-run.png")
    await page.get_by_role("button", name="Replay").click()
    await page.screenshot(path=INTO / "replayed.png")
    await page.goto("/console/ops/replays")
    await page.screenshot(path=INTO / "replays.png")


def main() -> None:
    """Play, ask again, take the pictures."""
    home = Path(tempfile.mkdtemp(prefix="loreloom-pictures-"))
    told = Console()
    own = Settings()
    # The home is new, the model is the one that the set-up unpacked.
    settings = own.with_changes(
        loreloom_home=home, loreloom_port=free_port(), model_folder=own.embedded_model
    )
    with Stack(settings, say=told.print) as stack:
        assert stack.keys is not None
        with ApiClient(stack.settings.api_url, stack.keys.ops) as api:

            def ingest(lore: Path) -> None:
                ingest_paths(api, [lore], told)

            quest = play(api, told, PROJECT / "content" / "lore", ingest)
            failed = fail(api, stack.settings.required_database_url())
            pages = addresses(api, quest, failed)
        asyncio.run(take(stack.settings.api_url, stack.keys.ops, pages))


if __name__ == "__main__":
    main()
