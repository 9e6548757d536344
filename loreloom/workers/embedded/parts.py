"""One part of the embedded stack: a program in a process of its own, with a log of its own."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil
from mirakuru import SimpleExecutor
from mirakuru.exceptions import ProcessFinishedWithError

GUARD = Path(__file__).with_name("guard.py")
LOG_TAIL_LINES = 15


class PartFailedError(Exception):
    """A part that did not start. The message says which, why, and where its log is."""

    def __init__(self, part: str, reason: str, log: Path) -> None:
        self.part = part
        self.reason = reason
        self.log = log
        super().__init__(f"{part} did not start: {reason}")

    def report(self) -> str:
        """What to show a person: the reason, the end of the log, and where the rest is."""
        return f"{self}\n{_tail(self.log)}Its log: {self.log}"


@dataclass(frozen=True, slots=True)
class Program:
    """What to run for a part, and how to tell that it answers.

    ``ready`` is asked again and again, must not block for long, and is true once the part serves.
    ``ready_seconds`` bounds that; ``stop_seconds`` bounds how long a part may take to stop before
    it is killed. ``user`` is a system user to run it as. ``ready_file`` is removed before each
    start, for a program that writes it once it serves.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_seconds: float = 60
    stop_seconds: float = 10
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None
    ready_file: Path | None = None


class Part:
    """A program under a guard, so that no process outlives the stack, also if that is killed."""

    def __init__(self, program: Program, log: Path, lock: IO[str]) -> None:
        self.program = program
        self.log = log
        self._lock = lock
        self._executor: SimpleExecutor | None = None

    @property
    def name(self) -> str:
        """The part's name, as messages give it."""
        return self.program.name

    @property
    def pid(self) -> int | None:
        """The guard's process id; ``None`` when nothing was launched."""
        process = self._executor.process if self._executor else None
        return process.pid if process else None

    def launch(self) -> None:
        """Start the process and return at once; `check` says whether it serves."""
        if self.program.ready_file:
            self.program.ready_file.unlink(missing_ok=True)
        with self.log.open("a") as log:
            self._executor = SimpleExecutor(
                self._guarded_command(),
                cwd="/",
                timeout=self.program.stop_seconds,
                sleep=0.05,
                stop_signal=self.program.stop_signal,
                envvars=dict(self.program.environment),
                stdout=log,
                stderr=log,
                # The guard holds the stack's lock too: a home is free only when all its parts are
                # gone, also if the stack itself was killed.
                popen_kwargs={"pass_fds": (self._lock.fileno(),)},
            )
            self._executor.start()

    def running(self) -> bool:
        """Whether the process lives."""
        return self._executor is not None and self._executor.running()

    def check(self) -> bool:
        """Whether the part serves now. Raises PartFailedError if its process has ended."""
        if self.program.ready():
            return True
        if not self.running():
            raise PartFailedError(self.name, self._how_it_ended(), self.log)
        return False

    def stop(self) -> None:
        """Ask the part to stop, wait, and kill what is left of it."""
        if self._executor is None:
            return
        remains = self._descendants()
        with suppress(ProcessFinishedWithError):
            self._executor.stop()
        self._sweep(remains)

    def kill(self) -> None:
        """SIGKILL to the whole tree of processes; returns when all of it is gone."""
        if self._executor is None:
            return
        remains = self._descendants()
        self._executor.kill()
        self._sweep(remains)

    def _guarded_command(self) -> list[str]:
        program = self.program
        guard = [sys.executable, "-I", "-S", str(GUARD)]
        how = [str(int(program.stop_signal)), str(program.stop_seconds), program.user or "-"]
        return [*guard, *how, *program.command]

    def _how_it_ended(self) -> str:
        process = self._executor.process if self._executor else None
        code = process.poll() if process else None
        return f"its process ended with exit code {code}"

    def _descendants(self) -> list[psutil.Process]:
        if self.pid is None:
            return []
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).children(recursive=True)
        return []

    def _sweep(self, remains: list[psutil.Process]) -> None:
        # Postgres' own children leave its process group and hide their environment.
        _, alive = psutil.wait_procs(remains, timeout=2)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=5)
        self._executor = None


def clean_environment() -> dict[str, str]:
    """Python variables that would lead another environment's Python astray, emptied."""
    return {name: "" for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV") if name in os.environ}


def _tail(log: Path) -> str:
    if not log.exists():
        return ""
    lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    return "".join(f"  | {line}\n" for line in lines)
