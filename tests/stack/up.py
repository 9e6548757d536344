"""`loreloom up` and `loreloom demo` in a process of their own, as a person starts them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Self

import psutil

from loreloom.workers.client import ApiClient
from tests.support.signals import as_at_a_terminal
from tests.support.waiting import wait_until

SERVING = "Ctrl-C stops it"
BEGIN_SECONDS = 120


class Command:
    """A command of `loreloom` that runs a stack under a home; its output goes to a file.

    It has begun once ``begun`` is in its output. No model serves unless ``settings`` say where.
    """

    def __init__(self, home: Path, *words: str, begun: str, **settings: str) -> None:
        self.home = home
        self.output_file = home.with_name(f"{home.name}.out")
        self._words = words
        self._begun = begun
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        addresses = ("DATABASE_URL", "TEMPORAL_ADDRESS", "GOLD_URLS", "SILVER_URLS")
        environment = {k: v for k, v in os.environ.items() if k not in addresses}
        own = {"LORELOOM_HOME": str(self.home), "COLUMNS": "200", **self._settings}
        with self.output_file.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "loreloom.workers.cli", *self._words],
                env={**environment, **own},
                stdout=output,
                stderr=output,
                preexec_fn=as_at_a_terminal,
            )
        try:
            wait_until(self._settled, f"it says {self._begun!r}", seconds=BEGIN_SECONDS)
            assert self._begun in self.output, self.output
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def _settled(self) -> bool:
        return self._begun in self.output or self.process.poll() is not None


class Up(Command):
    """Runs `loreloom up` with some parts."""

    def __init__(self, home: Path, *parts: str, **settings: str) -> None:
        chosen = [word for part in parts for word in ("--part", part)]
        super().__init__(home, "up", *chosen, begun=SERVING, **settings)

    def client(self) -> ApiClient:
        """A client of its API, with its ops key."""
        found = re.search(r"API\s+(http://127\.0\.0\.1:\d+)", self.output)
        assert found, self.output
        keys = json.loads((self.home / "keys.json").read_text())
        return ApiClient(found[1], keys["ops"])

    def database_url(self) -> str:
        found = re.search(r"postgresql\+psycopg(://\S+)", self.output)
        assert found, self.output
        return "postgresql" + found[1]

    def temporal_address(self) -> str:
        found = re.search(r"Temporal\s+(127\.0\.0\.1:\d+)", self.output)
        assert found, self.output
        return found[1]


def alive(processes: list[psutil.Process]) -> list[str]:
    """Those of the processes that still do something, as a person would list them."""
    return [
        " ".join(process.cmdline())
        for process in processes
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]
