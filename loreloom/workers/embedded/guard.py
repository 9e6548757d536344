"""Runs one program and never lets it outlive the stack that started it.

    python -I -S guard.py STOP_SIGNAL GRACE_SECONDS USER COMMAND…

Standard input is a pipe that the stack holds open. When the stack ends, however it ends, the pipe
closes: the guard then stops the program with STOP_SIGNAL, and what is left of it after the grace
with SIGKILL. A part of its own, in the standard library only, because it has to work after the
stack was killed. USER is a system user to run the program as, or `-`.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """In the child: end when the guard itself is killed. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def leave_to_the_child(_number: int, _frame: FrameType | None) -> None:
    """A signal to the group reaches the program as well, and the guard waits for its end."""


def stop_when_abandoned(
    child: "subprocess.Popen[bytes]", stop_signal: signal.Signals, grace: float
) -> None:
    """Wait until the stack is gone, then end the whole group, the guard included."""
    while os.read(0, 1):
        pass
    child.send_signal(stop_signal)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        pass
    finally:
        os.killpg(0, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    stop_signal, grace, user, *command = arguments
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave_to_the_child)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        user=None if user == "-" else user,
        group=None if user == "-" else user,
        extra_groups=None if user == "-" else [],
        preexec_fn=die_with_parent,
    )
    threading.Thread(
        target=stop_when_abandoned,
        args=(child, signal.Signals(int(stop_signal)), float(grace)),
        daemon=True,
    ).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
