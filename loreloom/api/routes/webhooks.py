"""What the payment provider tells: stored first, then handled, then marked."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import OpsCaller
from loreloom.api.http.bodies import read_bytes
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.routes.payments import shop_of
from loreloom.api.schemas.fields import ID, After, Limit
from loreloom.api.schemas.payments import EventList, EventView, WebhookReceived
from loreloom.api.shop import BadWebhook
from loreloom.state.provider_events import KeptEvent, find_event, keep_event, pending_events

MAX_WEBHOOK_BYTES = 512 * 1024
EventIdPath = Annotated[str, Path(pattern=ID)]
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
    return answer(_view(await _the_event(request, event_id)))


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


async def pending(request: Request, after: str | None, limit: int) -> EventList:
    """A page of what nobody has handled."""
    store = context_of(request).parts.store
    found = await pending_events(store, after=from_cursor("events", after), limit=limit)
    return EventList(
        items=tuple(map(_view, found.items)),
        next=to_cursor("events", found.next),
    )


async def resend(request: Request, event_id: str) -> EventView:
    """Handle an event again; how it stands afterwards. Raises ``ApiError`` if there is none."""
    event = await _the_event(request, event_id)
    await context_of(request).events.handle(event.told)
    return _view(await _the_event(request, event_id))


async def _the_event(request: Request, event_id: str) -> KeptEvent:
    found = await find_event(context_of(request).parts.store, event_id)
    if found is None:
        raise ApiError(ErrorCode.UNKNOWN_EVENT, f"the provider has told of no event {event_id}")
    return found


def _view(event: KeptEvent) -> EventView:
    return EventView(
        event_id=event.told.event_id,
        kind=event.told.kind,
        payment_id=event.told.payment_id,
        deliveries=event.deliveries,
        received_at=event.received_at,
        handled_at=event.handled_at,
        outcome=event.outcome,
    )
