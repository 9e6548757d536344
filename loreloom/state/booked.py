"""Every purchase as the books have it, for reconciliation."""

from sqlalchemy import ColumnElement, and_, func, not_, or_, select

from loreloom.domain import money
from loreloom.domain.price_book import ItemKind
from loreloom.domain.provider import DisputeStanding
from loreloom.domain.reconciliation import BookedPayment
from loreloom.state.store import Store
from loreloom.state.tables.payments import (
    Dispute,
    Entitlement,
    LedgerEntry,
    LedgerTransaction,
    Payment,
)


async def booked_payments(store: Store) -> list[BookedPayment]:
    """All purchases with what ledger, entitlements and disputes say of each, oldest first."""
    query = select(
        Payment.payment_id,
        Payment.state,
        Payment.intent,
        Payment.amount,
        Payment.currency,
        Payment.refund_asked,
        Payment.refunded,
        _disputed().label("disputed"),
        _at_provider().label("at_provider"),
        or_(
            Payment.quote["item"]["kind"].astext == ItemKind.COIN_PACK, not_(Payment.entitles)
        ).label("gives_none"),
        _entitled().label("entitled"),
    ).order_by(Payment.created_at)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        BookedPayment(
            payment_id=row.payment_id,
            state=row.state,
            intent=row.intent,
            amount=row.amount,
            currency=row.currency,
            refund_asked=row.refund_asked,
            refunded=row.refunded,
            disputed=int(row.disputed),
            at_provider=int(row.at_provider),
            entitled=None if row.gives_none else row.entitled,
        )
        for row in rows
    ]


def _disputed() -> ColumnElement[int]:
    of_payment = and_(
        Dispute.payment_id == Payment.payment_id, Dispute.state != DisputeStanding.WON
    )
    return select(func.coalesce(func.sum(Dispute.amount), 0)).where(of_payment).scalar_subquery()


def _at_provider() -> ColumnElement[int]:
    return (
        select(func.coalesce(func.sum(LedgerEntry.amount), 0))
        .join(LedgerTransaction, LedgerTransaction.transaction_id == LedgerEntry.transaction_id)
        .where(
            LedgerTransaction.payment_id == Payment.payment_id,
            LedgerEntry.account == money.PROVIDER,
            LedgerEntry.currency == Payment.currency,
        )
        .scalar_subquery()
    )


def _entitled() -> ColumnElement[bool]:
    return (
        select(Entitlement.payment_id)
        .where(Entitlement.payment_id == Payment.payment_id, Entitlement.taken_at.is_(None))
        .exists()
    )
