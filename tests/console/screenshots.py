"""Makes the pictures in docs/screenshots from a story that the demo played with the real model.

Run ``python -m tests.console.screenshots``. It needs what ``make demo`` needs, and Chromium; it
takes some minutes.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import Page, async_playwright
from rich.console import Console

from loreloom.workers.client import ApiClient, Json
from loreloom.workers.commands.knowledge import ingest_paths
from loreloom.workers.demo import play
from loreloom.workers.ports import free_port
from loreloom.workers.settings import PROJECT, Settings
from loreloom.workers.stack import Stack
from tests.console.conftest import FLAGS

INTO = PROJECT / "docs" / "screenshots"
SIZE = {"width": 1280, "height": 860}
"""Of the window; a picture shows what one sees first."""


def addresses(api: ApiClient, quest: Json) -> dict[str, str]:
    """The page of each picture."""
    world_id = quest["world_id"]
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
        "world": f"/console/worlds/{world_id}",
        "quest": f"/console/quests/{quest['quest_id']}",
        "quests": f"/console/worlds/{world_id}/quests",
        "whatif-form": f"/console/generations/{asked['generation_id']}/whatif",
        "whatif": f"/console/whatifs/{one}",
        "whatif-set": f"/console/whatif-sets/{many}",
        "arc": f"/console/arcs/{arc['arc_id']}",
        "canon": "/console/canon/default?q=who+keeps+the+bridge",
        "entities": "/console/canon/default/entities",
        "health": "/console/ops/health",
        "workflows": "/console/ops/workflows?state=completed&kind=quest",
        "workflow": f"/console/ops/workflows/{quest['workflow_id']}",
    }


def _is_over(seen: Json) -> bool:
    return bool(seen["state"] != "running")


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
        await browser.close()


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
            pages = addresses(api, quest)
        asyncio.run(take(stack.settings.api_url, stack.keys.ops, pages))


if __name__ == "__main__":
    main()
