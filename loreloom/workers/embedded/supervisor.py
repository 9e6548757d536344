"""Keeps a started stack serving: a part that dies is started again, until someone says stop."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from loreloom.workers.embedded.stack import PartName, Stack

LOOK_EVERY_SECONDS = 0.5
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 60.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class Recovery:
    """How a part that died is doing: when it is next started, and how long after that it waits."""

    wait: float = FIRST_WAIT_SECONDS
    start_at: float | None = None
    started_at: float = 0.0

    def died(self, now: float) -> float:
        """Plan the next start; the seconds until then."""
        if now - self.started_at > STEADY_SECONDS:
            self.wait = FIRST_WAIT_SECONDS
        waits = self.wait
        self.start_at = now + waits
        self.wait = min(self.wait * 2, LONGEST_WAIT_SECONDS)
        return waits

    def launched(self, now: float) -> None:
        """The part was started again."""
        self.start_at = None
        self.started_at = now


def keep_serving(stack: Stack, stop: threading.Event, say: Callable[[str], None]) -> None:
    """Watch the stack until `stop` is set."""
    recoveries = {name: Recovery() for name in stack.started}
    while not stop.wait(LOOK_EVERY_SECONDS):
        for name, recovery in recoveries.items():
            _look_after(stack, name, recovery, say)


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Within it, a signal that asks to end raises KeyboardInterrupt in the main thread, once.

    Further ones are ignored, so that an impatient second Ctrl-C does not cut the stopping short.
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(signal.Signals(number).name)

    # A hangup that the caller ignores, as nohup does, stays ignored.
    heard = [n for n in STOP_SIGNALS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _look_after(
    stack: Stack, name: PartName, recovery: Recovery, say: Callable[[str], None]
) -> None:
    now = time.monotonic()
    if recovery.start_at is not None:
        if now >= recovery.start_at:
            stack.launch(name)
            recovery.launched(now)
    elif not stack.running(name):
        stack.kill(name)
        waits = recovery.died(now)
        log = stack.part(name).log
        say(f"{name} has ended; starting it again in {waits:.0f} s (its log: {log})")
