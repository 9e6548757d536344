"""A Temporal server whose clock skips ahead while a workflow only waits."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from loreloom.workers.temporal_connection import add_search_attributes
from loreloom.workflows import attributes


@asynccontextmanager
async def skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """A server whose clock begins now."""
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter,
        test_server_existing_path=str(Path(sys.executable).with_name("temporal-test-server")),
    ) as environment:
        await add_search_attributes(environment.client, [key.name for key in attributes.ALL])
        yield environment


@asynccontextmanager
async def skipping_by_hand() -> AsyncIterator[WorkflowEnvironment]:
    """A server whose clock begins now, as a stand-in's beside it does, and moves when it is told.

    Else the wait for a result would skip on, and once nothing is due, by years.
    """
    async with skipping_server() as environment:
        with environment.auto_time_skipping_disabled():
            yield environment


async def sleep_until(skipping: WorkflowEnvironment, moment: datetime) -> None:
    """Return once it is that moment there."""
    await skipping.sleep(moment - await skipping.get_current_time())
