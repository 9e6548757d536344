"""A served console over a small canon and a few stories, and a browser that looks at it."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from temporalio.client import Client

from loreloom.api.parts import ApiConfig, AppParts
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig
from loreloom.state.databases import drop_database
from loreloom.state.keys import Scope
from loreloom.state.store import Store
from tests.conftest import copy_database
from tests.console.told import Told, tell
from tests.support.serving import Api, serving

CHROMIUM = "chromium"
# As root and without a network of its own; the rest keeps Chromium from calling its maker.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
ARCS = Path(__file__).parents[2] / "content" / "arcs"
TEMPLATES = Path(__file__).parents[2] / "content" / "quests"
REGIONS = ("Harbour", "Upper Market")
PATIENCE_MS = 10_000


@dataclass(frozen=True)
class Console:
    """The console as it is served, what has been told in it, and people who look at it."""

    api: Api
    told: Told
    browser: Browser

    async def visitor(self, **look: object) -> BrowserContext:
        """Somebody who is not signed in."""
        context = await self.browser.new_context(base_url=self.api.url, **look)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        return context

    async def signed_in(self, scope: Scope, **look: object) -> "Reader":
        """Somebody with a key of that scope, on the console's first page."""
        context = await self.visitor(**look)
        page = await context.new_page()
        reader = Reader(page, [])
        page.on(
            "console",
            lambda said: (
                reader.complaints.append(said.text) if said.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: reader.complaints.append(str(error)))
        await page.goto("/console/sign-in")
        await page.get_by_label("Key", exact=True).fill(self.api.secrets[scope])
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/worlds")
        return reader


@dataclass(frozen=True)
class Reader:
    """A page of somebody who is signed in, and what the browser complained of on it."""

    page: Page
    complaints: list[str]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium, as the system has it."""
    program = shutil.which(CHROMIUM)
    if program is None:
        told = "the console's tests need Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield opened
        await opened.close()


@pytest.fixture(scope="session")
async def console(
    browser: Browser, _template_url: str, temporal_client: Client
) -> AsyncIterator[Console]:
    """One console for all tests here; what they change is their own."""
    url = copy_database(_template_url)
    store = Store(url)
    embedder = Embedder.load(EmbeddingConfig())
    config = ApiConfig(
        queue_prefix=f"console-{secrets.token_hex(4)}",
        regions=REGIONS,
        poll_seconds=0.05,
        auth_cache_seconds=0.0,
        arcs_folder=ARCS,
        templates_folder=TEMPLATES,
        temporal_ui_url="http://temporal.example",
    )
    try:
        async with serving(AppParts(store, temporal_client, embedder, config)) as api:
            yield Console(api, await tell(api, embedder), browser)
    finally:
        await store.close()
        drop_database(url)


@pytest.fixture
async def designer(console: Console) -> AsyncIterator[Reader]:
    """A designer on the first page."""
    reader = await console.signed_in(Scope.DESIGNER)
    yield reader
    await reader.page.context.close()


@pytest.fixture
async def operator(console: Console) -> AsyncIterator[Reader]:
    """An operator on the first page."""
    reader = await console.signed_in(Scope.OPS)
    yield reader
    await reader.page.context.close()
