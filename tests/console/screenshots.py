"""Makes the pictures in docs/screenshots from a story that the demo played with the real model.

Run ``python -m tests.console.screenshots``. It needs what ``make demo`` needs, and Chromium; it
takes some minutes.
"""

import asyncio
import shutil
import tempfile
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
FAILED = 3
FULL_PURSE = 2**63 - 1


def fail(api: ApiClient, database_url: str) -> str:
    """Quests whose reward cannot be granted, because their player's purse is full; the world."""
    world_id: str = api.post("/v1/worlds", {"name": "The second shard", "templates_only": True})[
        "world_id"
    ]
    world = f"/v1/worlds/{world_id}"
    api.post(f"{world}/players", {"player_id": "tam", "name": "Tam Underhill"})
    # As psycopg has it: without the driver in the name.
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "UPDATE players SET coin = %s WHERE world_id = %s", (FULL_PURSE, world_id)
        )
    played = 0
    while played < FAILED:
        asked = api.post(f"{world}/quests", {"player_id": "tam", "kind": "side"})
        path = f"/v1/quests/{asked['quest_id']}"
        quest = api.wait(path, lambda found: found["state"] == "offered", "an offer")
        if any(objective["condition"] for objective in quest["objectives"]):
            continue
        api.post(f"{path}/accept")
        for number, (act, body, times) in enumerate(acts(quest)):
            for time in range(times):
                api.post(f"{path}/{act}", {**body, "action_id": f"act-{number}-{time}"})
        api.wait(
            f"/v1/ops/workflows/{quest['workflow_id']}", _is_bad, "a reward that is not granted"
        )
        played += 1
    return world_id


def addresses(api: ApiClient, quest: Json, failed_in: str) -> dict[str, str]:
    """The page of each picture; in the world `failed_in` quests have failed."""
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
    return {
        "sign-in": "/console/sign-in",
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
        "workflows": f"/console/ops/workflows?world_id={failed_in}&kind=quest",
        "workflow": f"/console/ops/workflows/{quest['workflow_id']}",
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
        await page.get_by_label("Key", exact=True).fill(key)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/worlds")
        for name, address in pages.items():
            await page.goto(address)
            await page.screenshot(path=INTO / f"{name}.png")
        await take_replay(page, pages["workflows"])
        await browser.close()


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
            failed_in = fail(api, stack.settings.required_database_url())
            pages = addresses(api, quest, failed_in)
        asyncio.run(take(stack.settings.api_url, stack.keys.ops, pages))


if __name__ == "__main__":
    main()
