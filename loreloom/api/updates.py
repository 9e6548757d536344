"""An Update of a workflow that may not be there yet, or not for a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from loreloom.api.http.errors import ApiError
from loreloom.api.temporal import refusal_in

A = TypeVar("A")

WAIT_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Update(Generic[A]):
    """An Update as it is sent: it counts once for its id, and is answered with one of ``answer``.

    ``waits`` is how often a workflow that is not found is waited for.
    """

    workflow_id: str
    name: str
    update_id: str
    answer: type[A]
    argument: BaseModel | None = None
    waits: int = 2


class NotTaken(Exception):
    """No workflow has taken an Update; ``refusal`` is what its rules say, if it is they."""

    def __init__(self, refusal: ApiError | None) -> None:
        super().__init__("no workflow has taken the Update")
        self.refusal = refusal


async def send(client: Client, update: Update[A], should_run: Callable[[], Awaitable[bool]]) -> A:
    """Send an Update and return its answer. Raises ``NotTaken``, and what Temporal raises.

    A workflow that was just asked for may not run yet, and one that continues as new does not for a
    moment: both are waited for, as long as they should run.
    """
    handle = client.get_workflow_handle(update.workflow_id)
    arguments = [] if update.argument is None else [update.argument]
    for waited in range(update.waits + 1):
        try:
            answer: A = await handle.execute_update(
                update.name, args=arguments, id=update.update_id, result_type=update.answer
            )
        except WorkflowUpdateFailedError as error:
            raise NotTaken(refusal_in(error)) from error
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        else:
            return answer
        if waited == update.waits or not await should_run():
            break
        await asyncio.sleep(WAIT_SECONDS)
    raise NotTaken(None)
