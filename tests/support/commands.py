"""The command line, run in a thread beside the API that it calls."""

import asyncio

from typer.testing import CliRunner, Result

from loreloom.workers.cli import app

SECONDS = 30


async def loreloom(*words: str) -> Result:
    """A command, in a thread, because the API is served beside it."""
    async with asyncio.timeout(SECONDS):
        return await asyncio.to_thread(CliRunner().invoke, app, words)
