"""Heartbeats for activities that wait on a model: a dead worker is noticed in seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

HEARTBEAT_SECONDS = 2.0
"""How often an activity says that it lives; workflows give it up after a few missing ones."""


@asynccontextmanager
async def heartbeating() -> AsyncIterator[None]:
    """Heartbeat for as long as the block runs."""
    beating = asyncio.create_task(_beat())
    try:
        yield
    finally:
        beating.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT_SECONDS)
