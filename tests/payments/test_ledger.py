"""The ledger refuses what does not balance, and is never changed."""

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import IntegrityError

from loreloom.domain.money import Posting, UnbalancedError, balanced, movement
from loreloom.state.store import Store
from loreloom.state.tables.payments import LedgerEntry, LedgerTransaction
from tests.payments.conftest import Till


def test_postings_that_do_not_sum_to_zero_in_each_currency_are_refused() -> None:
    mixed = [
        Posting(account="a", currency="USD", amount=5),
        Posting(account="b", currency="EUR", amount=-5),
    ]
    with pytest.raises(UnbalancedError):
        balanced(mixed)
    assert balanced(movement("a", "b", 0, "USD")) == ()


async def test_the_database_itself_keeps_the_ledger(till: Till) -> None:
    world = await till.buyer()
    payment = await till.bought(world, "coat")
    before = await till.balance()
    store = till.api.parts.store

    for change in (
        update(LedgerEntry).values(amount=1),
        delete(LedgerEntry),
        update(LedgerTransaction).values(kind="other"),
        text("TRUNCATE ledger_entries"),
    ):
        with pytest.raises(IntegrityError):
            async with store.transaction() as tx:
                await tx.run(change)
    with pytest.raises(IntegrityError):
        await _book_one_side(store, payment["payment_id"])
    assert await till.balance() == before


async def _book_one_side(store: Store, payment_id: str) -> None:
    async with store.transaction() as tx:
        key = "one side"
        row = {"transaction_id": key, "payment_id": payment_id, "kind": "sale"}
        await tx.run(insert(LedgerTransaction).values(**row))
        entry = {"transaction_id": key, "account": "a", "currency": "USD", "amount": 5}
        await tx.run(insert(LedgerEntry).values(**entry))
