"""The migrations make what the tables say."""

from asyncio import to_thread

import pytest
from alembic import command
from sqlalchemy import create_engine, insert, text

from loreloom.domain.ids import PaymentId, PlayerId, WorldId, payment_workflow_id
from loreloom.domain.payment import Bought, sale
from loreloom.domain.price_book import Quote, StoreItem
from loreloom.domain.receipt import receipt_of
from loreloom.state.booked import whole_books
from loreloom.state.ledger import balances, book
from loreloom.state.migrations import config_for, upgrade
from loreloom.state.players import create_player
from loreloom.state.receipts import find_receipt
from loreloom.state.store import Store
from loreloom.state.tables.payments import Payment
from loreloom.state.worlds import create_world
from tests.builders import a_world_record

PRICES = {"USD": 499, "EUR": 459}
PACK = {
    "item": "coin-300",
    "kind": "coin_pack",
    "name": "Coin",
    "about": "For the market.",
    "coin": 300,
    "prices": PRICES,
}
COAT = {"item": "coat", "kind": "cosmetic", "name": "Coat", "about": "Warm.", "prices": PRICES}
BEFORE_COIN = "0015"
"""One before the migration that books coin."""

GIVEN = (
    "INSERT INTO worlds (world_id, name, canon, seed, rating, world_daily_tokens,"
    " player_daily_tokens, calendar, clock_anchor, game_anchor, scale)"
    " VALUES ('w', 'W', 'default', 1, 'teen', 1, 1, '{}', now(), 0, 60)",
    "INSERT INTO arc_definitions (digest, arc, definition) VALUES ('d', 'ours', '{}')",
    "INSERT INTO arcs (arc_id, world_id, arc, digest, state)"
    " VALUES ('a', 'w', 'ours', 'd', 'running')",
    "INSERT INTO arc_goals (arc_id, goal, seq, target, total) VALUES ('a', 'candles', 3, 9, 2)",
    "INSERT INTO arc_contributions (arc_id, action_id, goal, player_id, amount, total)"
    " VALUES ('a', 'act-1', 'candles', 'mara', 2, 2)",
)
GIVEN_SINCE = (
    "INSERT INTO arc_goals (arc_id, goal, seq, target) VALUES ('a', 'candles', 5, 9)",
    "INSERT INTO arc_contributions (arc_id, player_id, action_id, goal, seq, amount, total)"
    " VALUES ('a', 'nils', 'act-1', 'candles', 3, 1, 3), ('a', 'nils', 'x', 'candles', 5, 1, 1)",
)
"""A goal as one release kept it, and what only the release after it can keep."""


def test_the_migrations_end_in_the_tables_as_the_code_has_them(database_url: str) -> None:
    command.check(config_for(database_url))


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    upgrade(database_url)
    command.check(config_for(database_url))


async def test_what_was_sold_and_held_before_the_books_knew_it_is_in_them(
    store: Store, database_url: str
) -> None:
    config = config_for(database_url)
    await create_world(store, a_world_record("old"))
    await create_player(store, WorldId("old"), PlayerId("mara"), "Mara", 1)
    pack, coat = (StoreItem.model_validate(item) for item in (PACK, COAT))
    cheaper = {"coupon": "WREN", "creator": "wren", "creator_share": 22, "creator_percent": 5}
    sold = {
        "held": Quote(item=pack, currency="USD", list_amount=499, amount=499),
        "coat": Quote(item=coat, currency="USD", list_amount=499, amount=449, **cheaper),
    }
    await to_thread(command.downgrade, config, BEFORE_COIN)
    async with store.transaction() as tx:
        for name, quote in sold.items():
            await tx.run(
                insert(Payment),
                {
                    "payment_id": name, "world_id": "old", "player_id": "mara",
                    "state": "fulfilled", "delivered": True, "item": quote.item.item,
                    "amount": quote.amount, "currency": "USD",
                    "quote": quote.model_dump(mode="json"),
                },
            )  # fmt: skip
            bought = Bought(world_id=WorldId("old"), player_id=PlayerId("mara"), quote=quote)
            key = f"{payment_workflow_id(PaymentId(name))}/sale"
            await book(tx, key, PaymentId(name), "sale", sale(bought))
        # Of what was sold a dispute holds a part; quests paid 70, and nobody booked it.
        await tx.run(text("UPDATE payments SET coin_held = 250 WHERE payment_id = 'held'"))
        await tx.run(text("UPDATE players SET coin = 120"))

    for _ in range(2):
        await to_thread(upgrade, database_url)
        booked = {held.account: held.amount for held in await balances(store)}
        assert (booked["coin_granted"], booked["coin/old"]) == (-70, 370)
        assert (await whole_books(store)).coin == ()
        for name, quote in sold.items():
            found = await find_receipt(store, PaymentId(name))
            bought = Bought(world_id=WorldId("old"), player_id=PlayerId("mara"), quote=quote)
            assert found is not None
            assert found.receipt == receipt_of(bought)
        await to_thread(command.downgrade, config, BEFORE_COIN)
    await to_thread(command.upgrade, config, "head")


def test_every_migration_can_be_taken_back(database_url: str) -> None:
    command.downgrade(config_for(database_url), "base")
    upgrade(database_url)
    command.check(config_for(database_url))


def test_what_was_given_to_a_goal_is_kept_under_the_visit_that_opened_it(
    database_url: str,
) -> None:
    config = config_for(database_url)
    command.downgrade(config, "0008")
    engine = create_engine(database_url)
    with engine.begin() as connection:
        for statement in GIVEN:
            connection.execute(text(statement))
    command.upgrade(config, "head")
    with engine.begin() as connection:
        rows = connection.execute(text("SELECT action_id, seq FROM arc_contributions")).all()
        assert [tuple(row) for row in rows] == [("act-1", 3)]
        for statement in GIVEN_SINCE:
            connection.execute(text(statement))
    command.downgrade(config, "0008")
    with engine.begin() as connection:
        kept = connection.execute(text("SELECT player_id, action_id FROM arc_contributions")).all()
        assert [tuple(row) for row in kept] == [("mara", "act-1")]
    engine.dispose()
    command.upgrade(config, "head")
    command.check(config)


@pytest.mark.parametrize(
    ("action_id", "state", "revision", "after"),
    [
        ("quest.offered@1", "offered", 1, "quest.offered 1"),
        ("quest.accepted@2", "active", 2, "quest.accepted 2"),
        ("quest.failed@5", "failed", 5, "quest.failed 5"),
        ("quest.failed@5", "active", 3, "quest.failed@5"),
        ("quest.accepted@2", "active", 3, "quest.accepted@2"),
        ("a@b", "active", 3, "a@b"),
    ],
)
def test_steps_of_quests_that_run_keep_their_ids_apart_from_callers(
    database_url: str, action_id: str, state: str, revision: int, after: str
) -> None:
    command.downgrade(config_for(database_url), "0008")
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(
                "INSERT INTO quest_acts (quest_id, action_id, revision, progress)"
                " VALUES ('quest', :action_id, :revision,"
                " jsonb_build_object('state', CAST(:state AS text)))"
            ),
            {"action_id": action_id, "revision": revision, "state": state},
        )
    upgrade(database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT action_id FROM quest_acts")) == after
    engine.dispose()
