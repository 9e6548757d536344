"""The real servers that a test run shares: each started when it is first asked for, once a run.

They belong to pytest's main process. Under xdist the workers reach them through a manager, so that
all share one Postgres, one Temporal and one model server, and the last to end stops them.
"""

import threading
from collections.abc import Sequence
from multiprocessing.managers import BaseManager
from pathlib import Path

from loreloom.workers.embedded.ports import LOOPBACK
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import Settings

# Durability against power cuts is Postgres' own business; without it the tests take less time.
QUICK_POSTGRES = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


def settings_for_tests(home: Path, **changes: object) -> Settings:
    """Settings under a home of their own, whatever the environment says."""
    addresses = {"database_url": None, "temporal_address": None, "gold_urls": (), "silver_urls": ()}
    return Settings.model_validate(
        {
            **addresses,
            "loreloom_home": home,
            "model_folder": Settings().embedded_model,
            **changes,
        }
    )


EARLY = "early"

# Temporal deletes a history when it has noted that the run's other tasks are done, and notes that
# every half minute: tests of an erasure would wait for nothing else.
PROMPT_TEMPORAL = (
    'history.transferProcessorUpdateAckInterval="1s"',
    'history.visibilityProcessorUpdateAckInterval="1s"',
)


EARLY_TEMPORAL = (*PROMPT_TEMPORAL, "limit.historyCount.suggestContinueAsNew=40")


class SharedServers:
    """Starts each server at most once. Safe to call from several threads."""

    def __init__(self, folder: Path, namespaces: tuple[str, ...]) -> None:
        self._folder = folder
        self._namespaces = namespaces
        self._stacks: dict[str, Stack] = {}
        self._locks = {name: threading.Lock() for name in (*PartName, EARLY)}

    def template_database_url(self) -> str:
        """A migrated database that nobody writes to or stays connected to."""
        return self._started(PartName.POSTGRES).settings.required_database_url()

    def temporal_address(self) -> str:
        """The Temporal server, with one namespace for each test process."""
        return self._started(PartName.TEMPORAL).settings.required_temporal_address()

    def early_temporal_address(self) -> str:
        """A Temporal server that suggests to continue as new after a few events."""
        return self._started(
            EARLY, PartName.TEMPORAL, EARLY_TEMPORAL
        ).settings.required_temporal_address()

    def begin_model(self) -> None:
        """Start to load the model; returns at once."""
        self._started(PartName.VLLM)

    def model_url(self) -> str | None:
        """The model server once it serves; ``None`` where none is installed."""
        stack = self._started(PartName.VLLM)
        if PartName.VLLM not in stack.started:
            return None
        with self._locks[PartName.VLLM]:
            stack.wait_for(PartName.VLLM)
        return stack.settings.gold_urls[0]

    def stop(self) -> None:
        """Stop whatever was started."""
        for stack in self._stacks.values():
            stack.stop()

    def _started(
        self, name: str, part: PartName | None = None, dynamic: Sequence[str] = PROMPT_TEMPORAL
    ) -> Stack:
        with self._locks[name]:
            if name not in self._stacks:
                stack = Stack(
                    settings_for_tests(self._folder / name),
                    parts=[part or PartName(name)],
                    postgres_options=QUICK_POSTGRES,
                    temporal_namespaces=self._namespaces,
                    temporal_dynamic=dynamic,
                )
                self._stacks[name] = stack.start(wait_for_model=False)
            return self._stacks[name]


class ServersManager(BaseManager):
    """Carries calls from xdist's workers to the main process."""


def serve(servers: SharedServers, key: bytes) -> str:
    """Serve `servers` to other processes from a thread; the address to reach them at."""
    manager = type("Manager", (ServersManager,), {})(address=(LOOPBACK, 0), authkey=key)
    manager.register("servers", callable=lambda: servers)
    server = manager.get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"{LOOPBACK}:{server.address[1]}"


def reach(address: str, key: bytes) -> SharedServers:
    """The servers that the main process serves at `address`."""
    host, _, port = address.partition(":")
    manager = type("Manager", (ServersManager,), {})(address=(host, int(port)), authkey=key)
    manager.register("servers")
    manager.connect()
    return manager.servers()
