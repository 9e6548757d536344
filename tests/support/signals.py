"""Signals as a process hears them that was started at a terminal."""

import signal


def as_at_a_terminal() -> None:
    """In a child before its program begins: whatever the test run ignores is heard again.

    A run under nohup, or in the background of a script, hands ignored signals on to its children.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
