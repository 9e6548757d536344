"""Servers that are not there."""

import socket

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter


def closed_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def absent_temporal(namespace: str) -> Client:
    return await Client.connect(
        f"127.0.0.1:{closed_port()}",
        namespace=namespace,
        data_converter=pydantic_data_converter,
        lazy=True,
    )
