"""Whether the process lives, whether its parts answer, and its metrics."""

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import Field

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer
from loreloom.api.readiness import PartState, examine
from loreloom.api.schemas.fields import View

router = APIRouter(tags=["process"])

OPEN: dict[str, Any] = {"security": []}


class Alive(View):
    """The process lives."""

    status: str = "alive"


class Readiness(View):
    """Whether every part answers, and what is wrong with those that do not."""

    ready: bool
    parts: dict[str, PartState] = Field(examples=[{"postgres": {"ok": True, "detail": None}}])


@router.get("/healthz", operation_id="healthz", response_model=Alive, openapi_extra=OPEN)
async def healthz() -> Response:
    """The process lives and serves."""
    return answer(Alive())


@router.get(
    "/readyz",
    operation_id="readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "A part does not answer; it says which."}},
    openapi_extra=OPEN,
)
async def readyz(request: Request) -> Response:
    """Whether Postgres, Temporal, the workers and the knowledge base answer."""
    parts = await examine(context_of(request).parts)
    ready = all(part.ok for part in parts.values())
    return answer(Readiness(ready=ready, parts=parts), 200 if ready else 503)


@router.get(
    "/metrics",
    operation_id="metrics",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
    openapi_extra=OPEN,
)
async def metrics(request: Request) -> Response:
    """Metrics in Prometheus' text format."""
    context = context_of(request)
    await context.figures.refresh()
    return Response(context.metrics.text(), media_type=CONTENT_TYPE_LATEST)
