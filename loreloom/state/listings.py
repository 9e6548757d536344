"""The provider's list while it is compared with the books.

It may be longer than a worker's memory: it lies in temporary tables for so long, and is read a page
of our purchases at a time.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from loreloom.domain.ids import PaymentId
from loreloom.domain.provider import ProviderDispute, ProviderPayment
from loreloom.domain.reconciliation import Books, Listed
from loreloom.state.booked import booked_page, whole_books
from loreloom.state.store import Store
from loreloom.state.tables.payments import Payment

PAGE = 200

_LISTING = MetaData()
_PAYMENTS = Table(
    "listed_payments",
    _LISTING,
    Column("intent", Text, primary_key=True),
    Column("payment_id", Text, index=True),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("refunded", BigInteger),
    Column("created_at", DateTime(timezone=True)),
    prefixes=["TEMPORARY"],
)
_CHARGES = Table(
    "listed_charges",
    _LISTING,
    Column("intent", Text, primary_key=True),
    Column("payment_id", Text),
    prefixes=["TEMPORARY"],
)
_DISPUTES = Table(
    "listed_disputes",
    _LISTING,
    Column("dispute_id", Text, primary_key=True),
    Column("standing", Text),
    Column("amount", BigInteger),
    Column("intent", Text, index=True),
    Column("created_at", DateTime(timezone=True)),
    prefixes=["TEMPORARY"],
)


class Listing:
    """What the provider lists, as far as it was added."""

    def __init__(self, store: Store, connection: AsyncConnection) -> None:
        self._store = store
        self._connection = connection

    async def add_charges(self, charges: Mapping[str, PaymentId]) -> None:
        """By which payments subscriptions were paid, before these payments are added."""
        rows = [{"intent": intent, "payment_id": booked} for intent, booked in charges.items()]
        await self._add(_CHARGES, rows)

    async def add_payments(self, payments: Sequence[ProviderPayment]) -> None:
        """Payments; one of a subscription's charge is booked as that says."""
        query = select(_CHARGES).where(_CHARGES.c.intent.in_([paid.intent for paid in payments]))
        booked = {row.intent: row.payment_id for row in await self._connection.execute(query)}
        rows = [paid.model_dump() for paid in payments]
        named = [row | {"payment_id": booked.get(row["intent"], row["payment_id"])} for row in rows]
        await self._add(_PAYMENTS, named)

    async def add_disputes(self, disputes: Sequence[ProviderDispute]) -> None:
        """Disputes."""
        await self._add(_DISPUTES, [dispute.model_dump() for dispute in disputes])

    async def sides(self, at: datetime) -> AsyncIterator[tuple[Books, Listed]]:
        """Both sides, page by page: what belongs together is on one. It was listed from ``at`` on.

        Our purchases come first, then what the provider lists of purchases that we have not, then
        what is of the whole books.
        """
        after = PaymentId("")
        while (ours := await booked_page(self._store, after, PAGE)).payments:
            yield ours, await self._listed_of(ours, at)
            after = ours.payments[-1].payment_id
        after = PaymentId("")
        while strays := await self._strays(after):
            yield Books(), Listed(at=at, payments=tuple(strays))
            after = PaymentId(str(strays[-1].payment_id))
        yield await whole_books(self._store), Listed(at=at)

    async def count(self) -> int:
        """How many payments are in it."""
        return int(
            (await self._connection.execute(select(func.count(_PAYMENTS.c.intent)))).scalar_one()
        )

    async def _listed_of(self, ours: Books, at: datetime) -> Listed:
        names = [booked.payment_id for booked in ours.payments]
        intents = [booked.intent for booked in ours.payments if booked.intent is not None]
        paid = select(_PAYMENTS).where(_PAYMENTS.c.payment_id.in_(names))
        questioned = select(_DISPUTES).where(_DISPUTES.c.intent.in_(intents))
        disputes = await self._connection.execute(questioned.order_by(_DISPUTES.c.dispute_id))
        return Listed(
            at=at,
            payments=tuple(await self._read(paid.order_by(_PAYMENTS.c.created_at.desc()))),
            disputes=tuple(ProviderDispute.model_validate(dict(row._mapping)) for row in disputes),
        )

    async def _strays(self, after: PaymentId) -> list[ProviderPayment]:
        """All payments of the next purchases that we have not."""
        ours = select(Payment.payment_id).where(Payment.payment_id == _PAYMENTS.c.payment_id)
        next_ones = (
            select(_PAYMENTS.c.payment_id)
            .where(_PAYMENTS.c.payment_id > after, ~ours.exists())
            .distinct()
            .order_by(_PAYMENTS.c.payment_id)
            .limit(PAGE)
        )
        strays = select(_PAYMENTS).where(_PAYMENTS.c.payment_id.in_(next_ones))
        return await self._read(strays.order_by(_PAYMENTS.c.payment_id, _PAYMENTS.c.intent))

    async def _read(self, query: Any) -> list[ProviderPayment]:
        rows = await self._connection.execute(query)
        return [ProviderPayment.model_validate(dict(row._mapping)) for row in rows]

    async def _add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            await self._connection.execute(pg_insert(table).on_conflict_do_nothing(), rows)


@asynccontextmanager
async def listing(store: Store) -> AsyncIterator[Listing]:
    """An empty list, which is gone with the block."""
    async with store.apart() as connection:
        await connection.run_sync(_LISTING.create_all, checkfirst=False)
        yield Listing(store, connection)
