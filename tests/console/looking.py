"""What keeps people from reading a page."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, ViewportSize

SERIOUS = {"serious", "critical"}


NARROW = ViewportSize(width=360, height=720)


async def serious_findings(page: Page) -> list[str]:
    """What axe finds that keeps people from using the page."""
    found = (await Axe().run(page)).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in SERIOUS]


async def overhang(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    wide: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wide
