"""What the provider told: stored first by the event's id, then handled, then marked handled."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, and_, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.provider import ToldEvent
from loreloom.state.paging import Page, page_of
from loreloom.state.store import Store
from loreloom.state.tables.payments import Payment, ProviderEvent

UNKNOWN_PAYMENT = "unknown_payment"
"""What handling an event came to that is about a payment which we do not know, or not yet."""


class KeptEvent(BaseModel):
    """An event as ops read it. ``outcome`` is what handling it came to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    told: ToldEvent
    deliveries: int
    received_at: datetime
    handled_at: datetime | None
    outcome: str | None


async def keep_event(store: Store, told: ToldEvent) -> bool:
    """Store an event by its id; whether it is still to be handled. A repeat is only counted."""
    statement = pg_insert(ProviderEvent).values(**told.model_dump())
    counted = statement.on_conflict_do_update(
        index_elements=["event_id"], set_={"deliveries": ProviderEvent.deliveries + 1}
    )
    async with store.transaction() as tx:
        row = (await tx.run(counted.returning(ProviderEvent.handled_at))).one()
    return row.handled_at is None


async def mark_handled(store: Store, event_id: str, outcome: str) -> None:
    """The event needs no more handling."""
    async with store.transaction() as tx:
        await tx.run(
            update(ProviderEvent)
            .where(ProviderEvent.event_id == event_id)
            .values(handled_at=func.now(), outcome=outcome)
        )


async def find_event(store: Store, event_id: str) -> KeptEvent | None:
    """The event of that id, or ``None``."""
    query = select(ProviderEvent.__table__).where(ProviderEvent.event_id == event_id)
    async with store.reading() as connection:
        row = (await connection.execute(query)).first()
    return _kept(row) if row is not None else None


async def pending_events(store: Store, *, after: str | None, limit: int) -> Page[KeptEvent]:
    """Events that nobody has handled, oldest first; ``after`` is the last page's last event."""
    place = (ProviderEvent.received_at, ProviderEvent.event_id)
    query = (
        select(ProviderEvent.__table__)
        .where(ProviderEvent.handled_at.is_(None))
        .order_by(*place)
        .limit(limit + 1)
    )
    if after is not None:
        last = select(*place).where(ProviderEvent.event_id == after)
        query = query.where(tuple_(*place) > last.scalar_subquery())
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return page_of([_kept(row) for row in rows], limit, lambda event: event.told.event_id)


async def unhandled_events(store: Store, age: timedelta, limit: int) -> Sequence[ToldEvent]:
    """Events older than ``age`` that are to be handled, oldest first.

    Nobody has handled them, or what they are about was unknown then and is known now: the provider
    may tell of a payment before its purchase has learned which payment it is.
    """
    known_by_now = and_(
        ProviderEvent.outcome == UNKNOWN_PAYMENT,
        select(Payment.payment_id).where(Payment.intent == ProviderEvent.intent).exists(),
    )
    query = (
        select(ProviderEvent.__table__)
        .where(
            or_(ProviderEvent.handled_at.is_(None), known_by_now),
            ProviderEvent.received_at < func.now() - age,
        )
        .order_by(ProviderEvent.received_at)
        .limit(limit)
    )
    async with store.reading() as connection:
        return [_told(row) for row in await connection.execute(query)]


def _kept(row: Row[Any]) -> KeptEvent:
    return KeptEvent(
        told=_told(row),
        deliveries=row.deliveries,
        received_at=row.received_at,
        handled_at=row.handled_at,
        outcome=row.outcome,
    )


def _told(row: Row[Any]) -> ToldEvent:
    return ToldEvent(
        event_id=row.event_id,
        kind=row.kind,
        payment_id=row.payment_id,
        intent=row.intent,
        dispute_id=row.dispute_id,
        subscription_id=row.subscription_id,
    )
