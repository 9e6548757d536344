"""Real parts for the tests, shared by the whole run.

A test takes what it needs: `database_url` or `store` for a migrated database of its own,
`temporal_client` for Temporal, `model_url` for a model server, `start_engine` for workers and API
processes against these, `time_skipping` for a Temporal server that skips time; `api` and `worker`
of `tests.support.serving` for the two beside the test, in its own process. Nothing is started that
no test of the run asks for.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from xdist.remote import Producer

from loreloom.state.databases import drop_database, ensure_database
from loreloom.state.store import Store
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import PartName, Stack
from tests.support.scheduling import MODEL, GroupedScheduling, group_of
from tests.support.servers import SharedServers, reach, serve, settings_for_tests
from tests.support.skipping import skipping_server

pytest_plugins = ["tests.support.serving"]

MAIN = "main"
ADDRESS, KEY = "LORELOOM_TEST_SERVERS", "LORELOOM_TEST_SERVERS_KEY"
servers_key = pytest.StashKey[SharedServers]()
folder_key = pytest.StashKey[Path]()


def namespace_of(process: str) -> str:
    """The Temporal namespace of a test process: `main`, or xdist's `gw0`, `gw1` …"""
    return f"tests-{process}"


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        key = bytes.fromhex(os.environ[KEY])
        config.stash[servers_key] = reach(os.environ[ADDRESS], key)
        return
    processes = [f"gw{number}" for number in range(len(config.getoption("tx", None) or []))]
    folder = Path(tempfile.mkdtemp(prefix="loreloom-tests-"))
    servers = SharedServers(folder, tuple(map(namespace_of, processes or [MAIN])))
    config.stash[folder_key] = folder
    config.stash[servers_key] = servers
    if processes:
        key = secrets.token_bytes(16)
        os.environ[KEY] = key.hex()
        os.environ[ADDRESS] = serve(servers, key)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupedScheduling:
    return GroupedScheduling(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    asks_model = [i for i in session.items if "model_url" in getattr(i, "fixturenames", ())]
    for item in asks_model:
        if group_of(item.nodeid) != MODEL:
            raise pytest.UsageError(f"{item.nodeid} asks the model outside of its group")
    # The model takes a quarter of a minute to load: begin while other tests run.
    if asks_model:
        session.config.stash[servers_key].begin_model()


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(folder_key, None)
    if folder is not None:
        config.stash[servers_key].stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def process_name() -> str:
    """What tells this test process from those beside it."""
    return os.environ.get("PYTEST_XDIST_WORKER", MAIN)


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> SharedServers:
    """The shared servers; most tests take one of the fixtures below instead."""
    return pytestconfig.stash[servers_key]


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """A migrated, empty database of the test's own."""
    return new_database()


@pytest.fixture(scope="session")
def _template_url(servers: SharedServers) -> str:
    return servers.template_database_url()


@pytest.fixture
def new_database(_template_url: str) -> Iterator[Callable[[], str]]:
    """Makes migrated, empty databases; they are dropped after the test."""
    made: list[str] = []

    def make() -> str:
        made.append(copy_database(_template_url))
        return made[-1]

    yield make
    for url in made:
        drop_database(url)


def copy_database(template_url: str) -> str:
    """A new database, as the template is."""
    base, _, template = template_url.rpartition("/")
    url = f"{base}/test_{secrets.token_hex(6)}"
    ensure_database(url, template=template)
    return url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store on `database_url`."""
    opened = Store(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def temporal_address(servers: SharedServers) -> str:
    """The shared Temporal server."""
    return servers.temporal_address()


@pytest.fixture(scope="session")
def temporal_namespace(process_name: str) -> str:
    """The Temporal namespace of this test process."""
    return namespace_of(process_name)


@pytest.fixture(scope="session")
async def temporal_client(temporal_address: str, temporal_namespace: str) -> Client:
    """A client of the shared server in this process' namespace."""
    return await Client.connect(
        temporal_address,
        namespace=temporal_namespace,
        data_converter=pydantic_data_converter,
    )


@pytest.fixture(scope="session")
async def early_client(servers: SharedServers, temporal_namespace: str) -> Client:
    """A client of a server that suggests to continue as new after a few events."""
    return await Client.connect(
        servers.early_temporal_address(),
        namespace=temporal_namespace,
        data_converter=pydantic_data_converter,
    )


@pytest.fixture
def task_queue_prefix() -> str:
    """A task queue prefix of the test's own, so that no other test's worker takes its tasks."""
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal server whose clock skips ahead while a workflow only waits.

    It is the test's own: what another test left in it would be skipped through, too.
    """
    async with skipping_server() as environment:
        yield environment


@pytest.fixture(scope="session")
def model_url(servers: SharedServers) -> str:
    """The base URL (it ends in ``/v1``) of a model server that answers to `gold` and `silver`."""
    url = servers.model_url()
    if url is None:
        if os.environ.get("CI"):
            pytest.fail("no model server is installed")
        pytest.skip("no model server is installed on this machine")
    return url


@pytest.fixture(scope="session")
def start_engine(
    _template_url: str,
    temporal_address: str,
    temporal_namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Stack]]:
    """Starts a worker and an API on the shared servers; keyword arguments are settings.

    Each engine has a home, a database, a port and task queues of its own and lives until the end
    of the run, or until the test stops it. `settings.api_url` and `keys` say how to call it.
    Without `gold_urls` and `silver_urls` it has no model.
    """
    engines: list[tuple[Stack, str]] = []

    def start(**changes: Any) -> Stack:
        database = copy_database(_template_url)
        settings = settings_for_tests(
            tmp_path_factory.mktemp("engine"),
            **{
                "database_url": database,
                "temporal_address": temporal_address,
                "temporal_namespace": temporal_namespace,
                "task_queue_prefix": f"test-{secrets.token_hex(6)}",
                "loreloom_port": free_port(),
                **changes,
            },
        )
        stack = Stack(settings, parts=[PartName.WORKER, PartName.API])
        engines.append((stack, database))
        return stack.start()

    yield start
    for stack, database in engines:
        stack.stop()
        drop_database(database)


@pytest.fixture(scope="session")
def engine(start_engine: Callable[..., Stack]) -> Stack:
    """A worker and an API for tests that leave both running; `support.scheduling` names them."""
    return start_engine()
