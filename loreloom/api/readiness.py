"""What `/readyz` asks of each part, each within a second or two."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from loreloom.api.ops.queues import queues_of
from loreloom.api.parts import AppParts
from loreloom.domain.ids import WorldId
from loreloom.knowledge.documents import list_documents
from loreloom.knowledge.models import DEFAULT_CANON
from loreloom.knowledge.problems import LoreProblem
from loreloom.state.chronicle import heads

SECONDS = 2.0
RPC_TIME = timedelta(seconds=1.5)
AWAY = (SQLAlchemyError, RPCError, RuntimeError, LoreProblem, TimeoutError)
"""What asking a part that is away, or too slow, ends with."""


class PartState(BaseModel):
    """Whether a part answers; if not, ``detail`` says what is wrong."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    detail: str | None = None


class NotReady(Exception):
    """A part answers, but not as it must."""


async def examine(parts: AppParts) -> dict[str, PartState]:
    """The state of every part, asked at once."""
    asked = {
        "postgres": _postgres(parts),
        "temporal": _temporal(parts),
        "workers": _workers(parts),
        "knowledge": _knowledge(parts),
    }
    states = await asyncio.gather(*(_state(question) for question in asked.values()))
    return dict(zip(asked, states, strict=True))


async def _state(question: Awaitable[None]) -> PartState:
    try:
        async with asyncio.timeout(SECONDS):
            await question
    except NotReady as error:
        return PartState(ok=False, detail=str(error))
    except AWAY as error:
        return PartState(ok=False, detail=f"does not answer ({type(error).__name__})")
    return PartState(ok=True)


async def _postgres(parts: AppParts) -> None:
    await heads(parts.store, [WorldId("")])


async def _temporal(parts: AppParts) -> None:
    if not await parts.temporal.service_client.check_health(timeout=RPC_TIME):
        raise NotReady("answers, but does not serve")


async def _workers(parts: AppParts) -> None:
    queues = await queues_of(parts.temporal, parts.config.queue_prefix)
    deserted = dict.fromkeys(queue.queue for queue in queues if not queue.pollers)
    if deserted:
        raise NotReady(f"no worker polls {', '.join(deserted)}")


async def _knowledge(parts: AppParts) -> None:
    await list_documents(parts.store, DEFAULT_CANON, limit=1)
