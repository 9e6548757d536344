"""What the payment provider tells: stored first, then handled, then marked."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import OpsCaller
from loreloom.api.http.bodies import read_bytes
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.lookups import shop_of
from loreloom.api.schemas.fields import After, EventIdPath, Limit
from loreloom.api.schemas.payments import EventList, EventView, WebhookReceived
from loreloom.api.shop import BadWebhook
from loreloom.api.told_events import pending, resend, the_event
from loreloom.state.provider_events import keep_event

MAX_WEBHOOK_BYTES = 512 * 1024
Signature = Annotated[str, Header(alias="Stripe-Signature", max_length=4096)]

router = APIRouter(tags=["payments"])


@router.post(
    "/v1/webhooks/stripe",
    operation_id="receive_webhook",
    response_model=WebhookReceived,
    responses=problems(400, 413, 422),
)
async def receive_webhook(request: Request, signature: Signature = "") -> Response:
    """Take an event from the provider. It needs no key: the provider signs what it sends."""
    context = context_of(request)
    body = await read_bytes(request, MAX_WEBHOOK_BYTES)
    try:
        told = shop_of(context).read_webhook(body, signature)
    except BadWebhook:
        raise ApiError(ErrorCode.BAD_SIGNATURE, "not signed by the provider") from None
    handled = True
    if await keep_event(context.parts.store, told):
        handled = await context.events.handle(told)
    return answer(WebhookReceived(event_id=told.event_id, handled=handled))


@router.get(
    "/v1/webhooks/stripe/events",
    operation_id="list_provider_events",
    response_model=EventList,
    responses=problems(422),
)
async def list_provider_events(
    request: Request, caller: OpsCaller, limit: Limit = 50, after: After = None
) -> Response:
    """What the provider told and nobody has handled yet, oldest first."""
    return answer(await pending(request, after, limit))


@router.get(
    "/v1/webhooks/stripe/events/{event_id}",
    operation_id="get_provider_event",
    response_model=EventView,
    responses=problems(404),
)
async def get_provider_event(
    request: Request, caller: OpsCaller, event_id: EventIdPath
) -> Response:
    """An event that the provider told: how often, and what handling it came to."""
    return answer(await the_event(request, event_id))


@router.post(
    "/v1/webhooks/stripe/events/{event_id}/resend",
    operation_id="resend_provider_event",
    response_model=EventView,
    responses=problems(404),
)
async def resend_provider_event(
    request: Request, caller: OpsCaller, event_id: EventIdPath
) -> Response:
    """Handle a stored event again. That is harmless: whoever is told looks at the provider."""
    return answer(await resend(request, event_id))
