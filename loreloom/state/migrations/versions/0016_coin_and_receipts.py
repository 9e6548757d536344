"""Coin that nobody bought is booked too, and what was sold has its receipt."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

UNBOOKED = """
    SELECT world_id, sum(coin) - coalesce((
        SELECT sum(amount) FROM ledger_entries
        WHERE currency = 'COIN' AND account = 'coin/' || world_id
    ), 0) AS coin
    FROM (
        SELECT world_id, coin FROM players UNION ALL SELECT world_id, coin_held FROM payments
    ) AS had GROUP BY world_id
"""
"""What the players of each world have beyond what the ledger knows."""
SOLD = """
    INSERT INTO receipts (payment_id, receipt, paid_at)
    SELECT payment_id, jsonb_build_object(
        'lines', jsonb_build_array(jsonb_build_object(
            'item', quote->'item'->'item', 'kind', quote->'item'->'kind',
            'name', quote->'item'->'name',
            'price', price, 'discount', price - amount, 'amount', amount
        )),
        'currency', currency, 'total', amount, 'coupon', quote->'coupon',
        'creator', CASE WHEN quote->>'coupon' IS NULL THEN 'null' ELSE quote->'creator' END
    ), at
    FROM (
        SELECT *,
            CASE WHEN quote->>'coupon' IS NOT NULL AND entitles
                THEN greatest((quote->'item'->'prices'->>currency)::bigint, amount)
                ELSE amount
            END AS price,
            coalesce((
                SELECT at FROM ledger_transactions
                WHERE transaction_id = 'payment/' || payments.payment_id || '/sale'
            ), created_at) AS at
        FROM payments WHERE delivered
    ) AS sold
    ORDER BY at, payment_id
"""
"""The receipts of what was delivered before receipts were written."""


def upgrade() -> None:
    op.alter_column("ledger_transactions", "payment_id", nullable=True)
    op.execute(
        f"INSERT INTO ledger_transactions (transaction_id, kind)"
        f" SELECT 'coin/' || world_id || '/opening', 'opening' FROM ({UNBOOKED}) u WHERE coin <> 0"
    )
    op.execute(
        f"INSERT INTO ledger_entries (transaction_id, account, currency, amount)"
        f" SELECT 'coin/' || world_id || '/opening', side.account, 'COIN', side.amount"
        f" FROM ({UNBOOKED}) u CROSS JOIN LATERAL (VALUES"
        f" ('coin/' || world_id, coin), ('coin_granted', -coin)) AS side (account, amount)"
        f" WHERE coin <> 0"
    )
    # The deferred check of what was inserted must be over before the table is altered again.
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    op.create_table(
        "receipts",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("receipt", JSONB(), nullable=False),
        sa.Column(
            "paid_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.payment_id"], name="fk_receipts_payment_id_payments"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_receipts"),
        sa.UniqueConstraint("payment_id", name="uq_receipts_payment_id"),
    )
    op.execute(SOLD)


def downgrade() -> None:
    op.drop_table("receipts")
    for table in ("ledger_entries", "ledger_transactions"):
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    op.execute(
        "DELETE FROM ledger_entries WHERE transaction_id IN"
        " (SELECT transaction_id FROM ledger_transactions WHERE payment_id IS NULL)"
    )
    op.execute("DELETE FROM ledger_transactions WHERE payment_id IS NULL")
    for table in ("ledger_entries", "ledger_transactions"):
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    op.alter_column("ledger_transactions", "payment_id", nullable=False)
