"""The books as reconciliation reads them: purchases, disputes, and what the ledger sums to."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, func, literal, not_, or_, select, union_all

from loreloom.domain import money
from loreloom.domain.ids import DisputeId, PaymentId
from loreloom.domain.price_book import ItemKind
from loreloom.domain.provider import DisputeStanding
from loreloom.domain.reconciliation import AccountSum, BookedPayment, Books, WorldCoin
from loreloom.state.store import Store
from loreloom.state.tables.payments import (
    Dispute,
    Entitlement,
    LedgerEntry,
    LedgerTransaction,
    Payment,
)
from loreloom.state.tables.worlds import Player, World


async def whole_books(store: Store) -> Books:
    """What is of the books as a whole, and of no purchase."""
    return Books(
        unbalanced=tuple(await _unbalanced(store)),
        coin=tuple(await _coin_unlike_booked(store)),
    )


async def booked_page(store: Store, after: PaymentId, limit: int) -> Books:
    """Purchases by their ids, from ``after`` on, with the disputes that are known of them."""
    payments = await _booked_payments(store, after, limit)
    disputes = await _known_disputes(store, [booked.payment_id for booked in payments])
    return Books(payments=tuple(payments), disputes=disputes)


async def _booked_payments(store: Store, after: PaymentId, limit: int) -> list[BookedPayment]:
    """With what ledger, entitlements and disputes say of each."""
    columns = (
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
        and_(Payment.delivered, not_(Payment.taken_back)).label("given"),
        Payment.updated_at,
    )
    query = select(*columns).where(Payment.payment_id > after).order_by(Payment.payment_id)
    async with store.reading() as connection:
        rows = (await connection.execute(query.limit(limit))).all()
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
            given=row.given,
            entitled=None if row.gives_none else row.entitled,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


async def _known_disputes(store: Store, payment_ids: Collection[PaymentId]) -> frozenset[DisputeId]:
    query = select(Dispute.dispute_id).where(Dispute.payment_id.in_(payment_ids))
    async with store.reading() as connection:
        return frozenset(await connection.scalars(query))


async def _unbalanced(store: Store) -> list[AccountSum]:
    total = func.sum(LedgerEntry.amount)
    query = select(LedgerEntry.currency, total).group_by(LedgerEntry.currency).having(total != 0)
    async with store.reading() as connection:
        rows = await connection.execute(query.order_by(LedgerEntry.currency))
        return [AccountSum(currency=currency, amount=int(amount)) for currency, amount in rows]


async def _coin_unlike_booked(store: Store) -> list[WorldCoin]:
    """Worlds whose players have more or less coin than their account says."""
    had = union_all(
        select(Player.world_id, Player.coin), select(Payment.world_id, Payment.coin_held)
    ).subquery()
    held = (
        select(had.c.world_id, func.sum(had.c.coin).label("coin"))
        .group_by(had.c.world_id)
        .subquery()
    )
    booked = (
        select(LedgerEntry.account, func.sum(LedgerEntry.amount).label("coin"))
        .where(LedgerEntry.currency == money.COIN)
        .group_by(LedgerEntry.account)
        .subquery()
    )
    has, says = func.coalesce(held.c.coin, 0), func.coalesce(booked.c.coin, 0)
    # One statement, so that both sides are of one moment.
    query = (
        select(World.world_id, has, says)
        .outerjoin(held, held.c.world_id == World.world_id)
        .outerjoin(booked, booked.c.account == literal(money.coin_account("")) + World.world_id)
        .where(has != says)
        .order_by(World.world_id)
    )
    async with store.reading() as connection:
        rows = await connection.execute(query)
        return [
            WorldCoin(world_id=world_id, held=int(held), booked=int(booked))
            for world_id, held, booked in rows
        ]


def _disputed() -> ColumnElement[int]:
    took = (DisputeStanding.OPEN, DisputeStanding.LOST)
    of_payment = and_(Dispute.payment_id == Payment.payment_id, Dispute.state.in_(took))
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
