"""Free TCP ports on this machine."""

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 15_000
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on, never given twice by this process.

    It lies below the range that the system takes outgoing ports from: a client that knocks while
    the part is down could otherwise be connected to itself, and hold the port.
    """
    choices = random.SystemRandom()
    while True:
        port = choices.randrange(LOWEST, _highest())
        if port not in _given and is_free(port):
            _given.add(port)
            return port


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _highest() -> int:
    if not _EPHEMERAL_RANGE.exists():
        return 32_000
    return max(int(_EPHEMERAL_RANGE.read_text().split()[0]), LOWEST + 1000)
