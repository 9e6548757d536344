"""The ledger: movements are booked once, sum to zero, and are never changed."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, insert, select

from loreloom.domain.ids import PaymentId
from loreloom.domain.money import Posting, balanced
from loreloom.state.store import Store, Transaction
from loreloom.state.tables.payments import LedgerEntry, LedgerTransaction


class Balance(BaseModel):
    """What an account holds, in minor units of the currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str
    currency: str
    amount: int


class Movement(BaseModel):
    """What one step booked; its postings sum to zero in each currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transaction_id: str
    kind: str
    at: datetime
    postings: tuple[Posting, ...]


async def book(
    tx: Transaction, key: str, payment_id: PaymentId | None, kind: str, postings: Sequence[Posting]
) -> None:
    """Add a movement under the key of its step; a movement of nothing is not booked.

    ``payment_id`` is null for coin that nobody bought.

    The database itself refuses one that does not sum to zero, and a second one of the same key.
    """
    moving = balanced(postings)
    if not moving:
        return
    await tx.run(
        insert(LedgerTransaction).values(transaction_id=key, payment_id=payment_id, kind=kind)
    )
    await tx.run(
        insert(LedgerEntry),
        [{"transaction_id": key, **posting.model_dump()} for posting in moving],
    )


async def balances(store: Store) -> list[Balance]:
    """Every account's balance, by account and currency."""
    query = (
        select(LedgerEntry.account, LedgerEntry.currency, func.sum(LedgerEntry.amount))
        .group_by(LedgerEntry.account, LedgerEntry.currency)
        .order_by(LedgerEntry.account, LedgerEntry.currency)
    )
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        Balance(account=account, currency=currency, amount=int(amount))
        for account, currency, amount in rows
    ]


async def movements_of(store: Store, payment_id: PaymentId) -> list[Movement]:
    """What was booked for a purchase, oldest first."""
    query = (
        select(
            LedgerTransaction.transaction_id,
            LedgerTransaction.kind,
            LedgerTransaction.at,
            LedgerEntry.account,
            LedgerEntry.currency,
            LedgerEntry.amount,
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.transaction_id)
        .where(LedgerTransaction.payment_id == payment_id)
        .order_by(LedgerTransaction.at, LedgerTransaction.transaction_id, LedgerEntry.entry_id)
    )
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        Movement(
            transaction_id=key,
            kind=kind,
            at=at,
            postings=tuple(
                Posting(account=row.account, currency=row.currency, amount=row.amount)
                for row in entries
            ),
        )
        for (key, kind, at), entries in groupby(rows, lambda row: tuple(row[:3]))
    ]
