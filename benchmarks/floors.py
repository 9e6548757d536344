"""How a floor is served: by a process of its own, as the engine's worker is one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from loreloom.workers.settings import Settings


@contextmanager
def bare_worker(module: str, settings: Settings) -> Iterator[None]:
    """A process that runs a module which prints a line once it serves, until the block ends."""
    command = [sys.executable, "-m", module]
    environment = {**os.environ, **settings.environment()}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError(f"{module} did not start")
        try:
            yield
        finally:
            process.terminate()
