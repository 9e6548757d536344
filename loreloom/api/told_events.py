"""What the payment provider told, as operators read it and have it handled again."""

from fastapi import Request

from loreloom.api.context import context_of
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.schemas.payments import EventList, EventView
from loreloom.state.provider_events import KeptEvent, find_event, pending_events


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
    return await the_event(request, event_id)


async def the_event(request: Request, event_id: str) -> EventView:
    """An event that the provider told. Raises ``ApiError`` if there is none."""
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
