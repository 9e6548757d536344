"""Purchases from before a purchase said itself what it gave, and what was taken back."""

from alembic import command
from sqlalchemy import select, text

from loreloom.domain.ids import PaymentId, PlayerId, WorldId
from loreloom.domain.price_book import PriceBook
from loreloom.state import worlds
from loreloom.state.migrations import config_for, upgrade
from loreloom.state.payments import find_payment
from loreloom.state.players import create_player
from loreloom.state.store import Store
from loreloom.state.tables.payments import Entitlement
from tests.builders import a_world_record
from tests.payments.conftest import BOOK

WORLD, PLAYER = WorldId("world"), PlayerId("mara")
BEFORE = {
    # by state, what was refunded of it and why it ended: was it delivered, was it taken back
    ("created", 0, None): (False, False),
    ("failed", 0, "card_declined"): (False, False),
    ("fulfilled", 0, None): (True, False),
    ("partly_refunded", 100, None): (True, False),
    ("refunded", 1200, None): (True, True),
    ("refunded", 1200, "already_owned"): (False, False),
    ("unfulfilled", 0, "already_owned"): (False, False),
    ("disputed", 0, None): (True, False),
    ("disputed", 1200, None): (True, True),
    ("dispute_lost", 0, None): (True, True),
}
PURCHASE = text(
    "INSERT INTO payments (payment_id, world_id, player_id, state, item, amount, currency, quote,"
    " refund_asked, refunded, reason) VALUES (:payment_id, 'world', 'mara', :state, 'pass', 1200,"
    " 'USD', CAST(:quote AS jsonb), :refunded, :refunded, :reason)"
)
PASS = text(
    "INSERT INTO entitlements (payment_id, world_id, player_id, entitlement, since, until) VALUES"
    " ('payment_2', 'world', 'mara', 'pass', '2026-01-01', '2026-06-30')"
)


async def test_what_was_bought_before_is_known_as_given_or_taken(
    store: Store, database_url: str
) -> None:
    await worlds.create_world(store, a_world_record(WORLD))
    await create_player(store, WORLD, PLAYER, "Mara", 1)
    command.downgrade(config_for(database_url), "0011-1")
    quote = PriceBook.model_validate(BOOK).item("pass").model_dump_json()
    said = f'{{"item": {quote}, "currency": "USD", "list_amount": 1200, "amount": 1200}}'
    async with store.transaction() as tx:
        for number, (state, refunded, reason) in enumerate(BEFORE):
            row = {"state": state, "refunded": refunded, "reason": reason, "quote": said}
            await tx.run(PURCHASE, {**row, "payment_id": f"payment_{number}"})
        await tx.run(PASS)
    upgrade(database_url)

    for number, expected in enumerate(BEFORE.values()):
        found = await find_payment(store, PaymentId(f"payment_{number}"))
        assert found is not None
        assert (found.delivered, found.taken_back) == expected, found.state
    async with store.reading() as connection:
        held = (await connection.execute(select(Entitlement.since, Entitlement.until))).one()
    # It was bought while another ran, and began where that one ended.
    assert (held.until - held.since).days == 90
