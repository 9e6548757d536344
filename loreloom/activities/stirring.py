"""Lets workflows look at their world again."""

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loreloom.activities.signatures.weather import LOOK_AGAIN

FOR_LATER = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
)
"""What Temporal answers to a signal that it may take at another time."""


async def stir(client: Client, workflow_id: str) -> None:
    """Let a workflow look again. One that is over, or takes no more signals, needs no other try;
    raises ``RPCError`` where another try may reach it."""
    try:
        await client.get_workflow_handle(workflow_id).signal(LOOK_AGAIN)
    except RPCError as error:
        if error.status in FOR_LATER:
            raise
        activity.logger.info("%s is not told to look again: %s", workflow_id, error)
