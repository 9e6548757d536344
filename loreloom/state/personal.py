"""Where a player's data lies, and what becomes of it when the player is erased.

A test holds the list against the tables: one that has a player, and is not in it, fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Table,
    and_,
    delete,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from loreloom.domain.ids import (
    ArcId,
    DisputeId,
    PaymentId,
    PlayerId,
    QuestId,
    RefundId,
    SubscriptionId,
    WorldId,
    arc_workflow_id,
    dispute_workflow_id,
    payment_workflow_id,
    quest_workflow_id,
    refund_workflow_id,
    subscription_workflow_id,
)
from loreloom.domain.money import coin_erased
from loreloom.domain.payment import UNPAID, PaymentState
from loreloom.domain.provider import UNDECIDED
from loreloom.state import erasures
from loreloom.state.erasures import AskedErasure
from loreloom.state.ledger import book
from loreloom.state.players import NoPlayer
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.access import IdempotentRequest
from loreloom.state.tables.arcs import Arc, ArcBeat, ArcContribution, ArcGoal
from loreloom.state.tables.base import Base
from loreloom.state.tables.generations import Generation, TokenUse, WhatIf
from loreloom.state.tables.life import MemoryRow
from loreloom.state.tables.ops import PlayerRepair, RefusedAct, Replay
from loreloom.state.tables.payments import (
    Dispute,
    Entitlement,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    Receipt,
    Refund,
    Subscription,
)
from loreloom.state.tables.quests import Quest, QuestAct, WorkflowStart
from loreloom.state.tables.worlds import ChronicleEntry, Fact, InventoryItem, Player, Standing

NAMED_IN_KEYS = ("player", "fact")
"""What the keys of entries begin with that name their player next."""
OWED = (*sorted(UNPAID), PaymentState.UNFULFILLED, PaymentState.DISPUTED)
"""States of a purchase in which money or goods are still on their way."""


class StillOwes(Exception):
    """Something of the player's is still under way with the payment provider."""


@dataclass(frozen=True, slots=True)
class Whose:
    """A player of a world."""

    world_id: WorldId
    player_id: PlayerId

    def in_table(self, table: type[Base]) -> ColumnElement[bool]:
        """The player's rows of a table that names world and player."""
        columns = table.__table__.columns
        return and_(columns.world_id == self.world_id, columns.player_id == self.player_id)


def _of_quests(table: type[Base], whose: Whose) -> ColumnElement[bool]:
    quests = select(Quest.quest_id).where(whose.in_table(Quest))
    return table.__table__.columns.quest_id.in_(quests)


def _of_arcs(table: type[Base], whose: Whose) -> ColumnElement[bool]:
    arcs = select(Arc.arc_id).where(whose.in_table(Arc))
    return table.__table__.columns.arc_id.in_(arcs)


def _shared_contributions(whose: Whose) -> ColumnElement[bool]:
    """What the player gave to goals of the whole world."""
    arcs = select(Arc.arc_id).where(Arc.world_id == whose.world_id, Arc.player_id.is_(None))
    return and_(ArcContribution.arc_id.in_(arcs), ArcContribution.player_id == whose.player_id)


def _stories(whose: Whose) -> Subquery:
    """The workflows of what is told or done for the player, as far as tables know them."""
    return union_all(
        _begun(quest_workflow_id(QuestId("")), Quest.quest_id, whose.in_table(Quest)),
        _begun(arc_workflow_id(ArcId("")), Arc.arc_id, whose.in_table(Arc)),
        _begun(payment_workflow_id(PaymentId("")), Payment.payment_id, whose.in_table(Payment)),
        _begun(refund_workflow_id(RefundId("")), Refund.refund_id, _of_payments(Refund, whose)),
        _begun(
            dispute_workflow_id(DisputeId("")), Dispute.dispute_id, _of_payments(Dispute, whose)
        ),
        _begun(
            subscription_workflow_id(SubscriptionId("")),
            Subscription.subscription_id,
            whose.in_table(Subscription),
        ),
    ).subquery()


def _begun(
    root: str, named: InstrumentedAttribute[str], mine: ColumnElement[bool]
) -> Select[tuple[str, datetime]]:
    begun = named.class_.__table__.columns.created_at
    workflow_id = (literal(root) + named).label("workflow_id")
    return select(workflow_id, begun.label("begun")).where(mine)


def _of_stories(table: type[Base], whose: Whose) -> ColumnElement[bool]:
    return table.__table__.columns.workflow_id.in_(select(_stories(whose).c.workflow_id))


def _answers(whose: Whose) -> ColumnElement[bool]:
    """Kept answers that name the player and no other world."""
    return and_(
        _says(f'"player_id":"{whose.player_id}"'),
        or_(not_(_says('"world_id":')), _says(f'"world_id":"{whose.world_id}"')),
    )


def _says(text: str) -> ColumnElement[bool]:
    return func.pg_catalog.position(IdempotentRequest.body, func.convert_to(text, "UTF8")) > 0


def _of_payments(table: type[Base], whose: Whose) -> ColumnElement[bool]:
    payments = select(Payment.payment_id).where(whose.in_table(Payment))
    return table.__table__.columns.payment_id.in_(payments)


def _ledger_entries(whose: Whose) -> ColumnElement[bool]:
    booked = select(LedgerTransaction.transaction_id).where(_of_payments(LedgerTransaction, whose))
    return LedgerEntry.transaction_id.in_(booked)


def holdings(whose: Whose) -> Mapping[type[Base], ColumnElement[bool]]:
    """Every table that holds something of a player, with which of its rows, children first."""
    return {
        QuestAct: _of_quests(QuestAct, whose),
        RefusedAct: _of_quests(RefusedAct, whose),
        ArcContribution: or_(_shared_contributions(whose), _of_arcs(ArcContribution, whose)),
        ArcGoal: _of_arcs(ArcGoal, whose),
        ArcBeat: _of_arcs(ArcBeat, whose),
        WorkflowStart: _of_stories(WorkflowStart, whose),
        Replay: _of_stories(Replay, whose),
        PlayerRepair: whose.in_table(PlayerRepair),
        WhatIf: whose.in_table(WhatIf),
        Generation: whose.in_table(Generation),
        TokenUse: whose.in_table(TokenUse),
        MemoryRow: whose.in_table(MemoryRow),
        Fact: whose.in_table(Fact),
        InventoryItem: whose.in_table(InventoryItem),
        Standing: whose.in_table(Standing),
        ChronicleEntry: whose.in_table(ChronicleEntry),
        IdempotentRequest: _answers(whose),
        Arc: whose.in_table(Arc),
        Quest: whose.in_table(Quest),
        Entitlement: whose.in_table(Entitlement),
        Subscription: whose.in_table(Subscription),
        LedgerEntry: _ledger_entries(whose),
        LedgerTransaction: _of_payments(LedgerTransaction, whose),
        Receipt: _of_payments(Receipt, whose),
        Refund: _of_payments(Refund, whose),
        Dispute: _of_payments(Dispute, whose),
        Payment: whose.in_table(Payment),
        Player: whose.in_table(Player),
    }


KEPT: frozenset[type[Base]] = frozenset(
    {
        ChronicleEntry,
        Entitlement,
        Subscription,
        LedgerEntry,
        LedgerTransaction,
        Receipt,
        Refund,
        Dispute,
        Payment,
    }
)
"""Tables whose rows stay under a pseudonym: the world's order of events, and the books.

So do contributions to goals of a whole world.
"""


async def rows_of(store: Store, whose: Whose) -> dict[str, list[dict[str, Any]]]:
    """All rows that hold something of the player, by table."""
    async with store.reading() as connection:
        return {
            _table(table).name: [
                {name: _readable(value) for name, value in row._mapping.items()}
                for row in await connection.execute(select(_table(table)).where(mine))
            ]
            for table, mine in holdings(whose).items()
        }


async def counts_of(store: Store, whose: Whose) -> dict[str, int]:
    """How many rows of each table hold something of the player."""
    async with store.reading() as connection:
        return {
            _table(table).name: await _count(connection, table, mine)
            for table, mine in holdings(whose).items()
        }


async def workflows_of(store: Store, whose: Whose) -> tuple[str, ...]:
    """The workflows that tell or do something for the player, newest first, by the tables."""
    async with store.reading() as connection:
        return await _workflows_of(connection, whose)


async def require_nothing_owed(store: Store, whose: Whose) -> None:
    """Raises ``StillOwes`` while money or goods are on their way."""
    async with store.reading() as connection:
        await _require_nothing_owed(connection, whose)


async def erase(store: Store, whose: Whose, asked: AskedErasure) -> tuple[str, ...]:
    """Erase the player in one transaction, once for a pseudonym; the workflows that are left over.

    Rows of the books stay under the pseudonym, and entries of the chronicle keep their place and
    kind and lose what they said. Raises ``StillOwes``, and ``NoPlayer`` if there is none and this
    pseudonym has erased none.
    """
    async with store.transaction() as tx:
        # Whoever gives the player something new waits for this row, and then finds none.
        found = await tx.run(select(Player.coin).where(whose.in_table(Player)).with_for_update())
        erased = await erasures.workflows_of(tx, asked.pseudonym)
        if erased is not None:
            return erased
        coin = found.scalar_one_or_none()
        if coin is None:
            raise NoPlayer(f"the world {whose.world_id} has no player {whose.player_id}")
        await _require_nothing_owed(tx.connection, whose)
        await _hold_stories(tx, whose)
        workflows = await _workflows_of(tx.connection, whose)
        await erasures.keep(tx, whose.world_id, asked, workflows)
        gone = coin_erased(whose.world_id, coin)
        await book(tx, f"erasure/{asked.pseudonym}", None, "erased", gone)
        await _rename(tx, whose, asked.pseudonym)
        for table, mine in holdings(whose).items():
            if table not in KEPT:
                await tx.run(delete(_table(table)).where(mine))
        subject = f"player/{asked.pseudonym}"
        tx.tell(
            Event(
                world_id=whose.world_id,
                key=f"{subject}/erased",
                kind="player.erased",
                subject=subject,
                player_id=asked.pseudonym,
            )
        )
        return workflows


async def _hold_stories(tx: Transaction, whose: Whose) -> None:
    """Wait for texts that are being kept: each takes its story's row, and later finds none."""
    await tx.run(select(Quest.quest_id).where(whose.in_table(Quest)).with_for_update())
    await tx.run(select(Arc.arc_id).where(whose.in_table(Arc)).with_for_update())


async def _rename(tx: Transaction, whose: Whose, pseudonym: PlayerId) -> None:
    """Hand the rows that stay over to the pseudonym."""
    await tx.run(
        pg_insert(Player).values(world_id=whose.world_id, player_id=pseudonym, name="erased")
    )
    entries = update(ChronicleEntry).where(whose.in_table(ChronicleEntry))
    own = ChronicleEntry.subject == f"player/{whose.player_id}"
    await tx.run(entries.where(own).values(subject=f"player/{pseudonym}"))
    for root in NAMED_IN_KEYS:
        old = f"{root}/{whose.player_id}/"
        key = literal(f"{root}/{pseudonym}/") + func.substr(ChronicleEntry.key, len(old) + 1)
        named = func.starts_with(ChronicleEntry.key, old)
        await tx.run(entries.where(named).values(key=key))
    await tx.run(entries.values(player_id=pseudonym, data={}))
    # The world's goal counts it still: it is the sum of what was given.
    given = update(ArcContribution).where(_shared_contributions(whose))
    await tx.run(given.values(player_id=pseudonym))
    for table in (Entitlement, Subscription, Payment):
        await tx.run(update(table).where(whose.in_table(table)).values(player_id=pseudonym))
    mine = and_(Payment.world_id == whose.world_id, Payment.player_id == pseudonym)
    await tx.run(update(Payment).where(mine).values(opens=None, checkout_url=None))


async def _require_nothing_owed(connection: AsyncConnection, whose: Whose) -> None:
    payments = select(Payment.payment_id, Payment.state).where(
        whose.in_table(Payment), Payment.state.in_(OWED)
    )
    refunds = select(Payment.payment_id, Payment.state).where(
        whose.in_table(Payment), Payment.refund_asked > Payment.refunded
    )
    lasting = select(Subscription.subscription_id, Subscription.state).where(
        whose.in_table(Subscription), Subscription.ended_at.is_(None)
    )
    questioned = select(Dispute.dispute_id, Dispute.state).where(
        _of_payments(Dispute, whose), Dispute.state.in_(UNDECIDED)
    )
    for query in (payments, refunds, lasting, questioned):
        row = (await connection.execute(query.limit(1))).first()
        if row is not None:
            raise StillOwes(f"{row[0]} is {row[1]}; settle, refund or cancel it first")


async def _workflows_of(connection: AsyncConnection, whose: Whose) -> tuple[str, ...]:
    stories = _stories(whose)
    newest = select(stories.c.workflow_id).order_by(stories.c.begun.desc(), stories.c.workflow_id)
    return tuple(await connection.scalars(newest))


async def _count(connection: AsyncConnection, table: type[Base], mine: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(_table(table)).where(mine)
    return int((await connection.execute(query)).scalar_one())


def _readable(value: Any) -> Any:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


def _table(table: type[Base]) -> Table:
    made = table.__table__
    assert isinstance(made, Table)
    return made
