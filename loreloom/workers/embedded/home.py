"""The folder that a stack keeps everything in, and the lock that keeps it to one stack."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

import psutil

STOPPING_SECONDS = 25


class HomeInUseError(Exception):
    """Another stack, or what is left of one that was killed, still uses the folder."""

    def __init__(self, home: Path, owner: str) -> None:
        super().__init__(
            f"another stack (process {owner}) uses {home}; stop it, or set LORELOOM_HOME"
        )
        self.home = home


def lock_home(home: Path) -> IO[str]:
    """Make the folder and lock it for as long as the returned file, or a copy of it, is open.

    When the owner was killed its parts are still stopping: they are waited for. Raises
    HomeInUseError while another stack lives, or when its parts do not end.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / "logs").mkdir(exist_ok=True)
    file = (home / "stack.lock").open("a+")
    deadline = time.monotonic() + STOPPING_SECONDS
    while not _try_lock(file):
        file.seek(0)
        owner = file.read().strip()
        if _alive(owner) or time.monotonic() > deadline:
            file.close()
            raise HomeInUseError(home, owner)
        time.sleep(0.1)
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def set_aside(log: Path) -> None:
    """Keep the log of the run before as ``NAME.1``, so that a log tells of one run."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(owner: str) -> bool:
    return owner.isdigit() and psutil.pid_exists(int(owner))
