"""Workers of clocks and weathers in processes of their own, so that a test can kill them."""

import asyncio
import multiprocessing
from datetime import timedelta
from multiprocessing.context import ForkServerContext, ForkServerProcess

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from loreloom.activities.clock import ClockActivities
from loreloom.activities.weather import WeatherActivities
from loreloom.state.store import Store
from loreloom.workflows.clock import WorldClockWorkflow
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.weather import RegionWeatherWorkflow
from tests.clock.stage import CountingLife


class Workers:
    """Starts workers out of a process that has loaded everything: none takes long to be there."""

    def __init__(self, client: Client, database: str, prefix: str) -> None:
        address = client.service_client.config.target_host
        self._where = (address, client.namespace, database, prefix)
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])

    def start(self) -> ForkServerProcess:
        """A worker that serves until it is killed, or the test run ends."""
        process = self._context.Process(target=_run, args=self._where, daemon=True)
        process.start()
        return process


def _run(*where: str) -> None:
    asyncio.run(_serve(*where))


async def _serve(address: str, namespace: str, database: str, prefix: str) -> None:
    client = await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter
    )
    store = Store(database)
    worker = Worker(
        client,
        task_queue=queue_of(Role.STORY, prefix),
        workflows=[WorldClockWorkflow, RegionWeatherWorkflow],
        activities=[
            *ClockActivities(store, client).all(),
            *WeatherActivities(store).all(),
            CountingLife().live,
        ],
        workflow_runner=UnsandboxedWorkflowRunner(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
    )
    await worker.run()
