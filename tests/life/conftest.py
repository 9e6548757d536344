"""An API over the example world; workflows run in tests that take `worker` too."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from loreloom.api.parts import AppParts
from tests.knowledge.conftest import LORE, ingest_into
from tests.life.worlds import example
from tests.support.serving import Api, serving


@pytest.fixture
async def api(parts: AppParts) -> AsyncIterator[Api]:
    """A running API whose worlds live by the example content."""
    content = example()
    config = replace(parts.config, life=content, regions=content.regions)
    async with serving(replace(parts, config=config)) as running:
        yield running


@pytest.fixture
async def lore(parts: AppParts) -> None:
    """The documents that name the factions and most of their people, read in."""
    for file in sorted(LORE.glob("0[3-6]*.md")):
        await ingest_into(parts.store, parts.embedder, file.stem, file.read_text(encoding="utf-8"))
