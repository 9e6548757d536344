"""Purchases, entitlements, the provider's events and the ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEVER_CHANGED = """
CREATE FUNCTION ledger_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is never changed' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
BALANCED = """
CREATE FUNCTION ledger_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM ledger_entries WHERE transaction_id = NEW.transaction_id
        GROUP BY currency HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$
"""
LEDGER = ("ledger_transactions", "ledger_entries")


def _time(name: str, *, now: bool = False, nullable: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    kind = sa.DateTime(timezone=True)
    return sa.Column(name, kind, server_default=default, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _of_player(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["world_id", "player_id"],
        ["players.world_id", "players.player_id"],
        name=op.f(f"fk_{table}_world_id_player_id_players"),
    )


def _of_payment(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["payment_id"],
        ["payments.payment_id"],
        name=op.f(f"fk_{table}_payment_id_payments"),
    )


def upgrade() -> None:
    op.create_table(
        "payments",
        _text("payment_id"),
        _text("world_id"),
        _text("player_id"),
        _text("state"),
        _text("item"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _text("currency"),
        sa.Column("quote", postgresql.JSONB(), nullable=False),
        _text("checkout", nullable=True),
        _text("checkout_url", nullable=True),
        _text("intent", nullable=True),
        sa.Column("refund_asked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default="0", nullable=False),
        _text("reason", nullable=True),
        _time("created_at", now=True),
        _time("updated_at", now=True),
        sa.CheckConstraint(
            "refunded <= refund_asked AND refund_asked <= amount",
            name=op.f("ck_payments_refunds_fit"),
        ),
        _of_player("payments"),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
    )
    op.create_index("ix_payments_player", "payments", ["world_id", "player_id", "created_at"])
    op.create_index("uq_payments_intent", "payments", ["intent"], unique=True)
    op.create_table(
        "refunds",
        _text("refund_id"),
        _text("payment_id"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _text("state"),
        _text("reason", nullable=True),
        _text("failure", nullable=True),
        _time("created_at", now=True),
        _time("updated_at", now=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        _of_payment("refunds"),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_refunds")),
    )
    op.create_index(op.f("ix_refunds_payment_id"), "refunds", ["payment_id"])
    op.create_table(
        "disputes",
        _text("dispute_id"),
        _text("payment_id"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _text("state"),
        _time("created_at", now=True),
        _time("updated_at", now=True),
        _of_payment("disputes"),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_payment_id"), "disputes", ["payment_id"])
    op.create_table(
        "entitlements",
        _text("payment_id"),
        _text("world_id"),
        _text("player_id"),
        _text("entitlement"),
        _time("since", now=True),
        _time("until", nullable=True),
        _time("held_at", nullable=True),
        _time("taken_at", nullable=True),
        _of_payment("entitlements"),
        _of_player("entitlements"),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_entitlements")),
    )
    op.create_index(
        "uq_entitlements_lasting",
        "entitlements",
        ["world_id", "player_id", "entitlement"],
        unique=True,
        postgresql_where="until IS NULL AND taken_at IS NULL",
    )
    op.create_index("ix_entitlements_player", "entitlements", ["world_id", "player_id", "since"])
    op.create_table(
        "store_stock",
        _text("world_id"),
        _text("item"),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_store_stock_taken_not_negative")),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_store_stock_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("world_id", "item", name=op.f("pk_store_stock")),
    )
    op.create_table(
        "coupon_uses",
        _text("code"),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_coupon_uses_taken_not_negative")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_coupon_uses")),
    )
    op.create_table(
        "provider_events",
        _text("event_id"),
        _text("kind"),
        _text("payment_id", nullable=True),
        _text("intent", nullable=True),
        _text("dispute_id", nullable=True),
        sa.Column("deliveries", sa.BigInteger(), server_default="1", nullable=False),
        _time("received_at", now=True),
        _time("handled_at", nullable=True),
        _text("outcome", nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_provider_events")),
    )
    op.create_index(
        "ix_provider_events_open",
        "provider_events",
        ["received_at"],
        postgresql_where="handled_at IS NULL",
    )
    _create_ledger()


def _create_ledger() -> None:
    op.create_table(
        "ledger_transactions",
        _text("transaction_id"),
        _text("payment_id"),
        _text("kind"),
        _time("at", now=True),
        _of_payment("ledger_transactions"),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_ledger_transactions")),
    )
    op.create_index(
        op.f("ix_ledger_transactions_payment_id"), "ledger_transactions", ["payment_id"]
    )
    op.create_table(
        "ledger_entries",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _text("transaction_id"),
        _text("account"),
        _text("currency"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entries_amount_moves")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.transaction_id"],
            name=op.f("fk_ledger_entries_transaction_id_ledger_transactions"),
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger_entries")),
    )
    op.create_index(op.f("ix_ledger_entries_transaction_id"), "ledger_entries", ["transaction_id"])
    op.create_index("ix_ledger_entries_account", "ledger_entries", ["account", "currency"])
    op.execute(NEVER_CHANGED)
    op.execute(BALANCED)
    for table in LEDGER:
        op.execute(
            f"CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_never_changed()"
        )
    op.execute(
        "CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entries"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_is_balanced()"
    )


def downgrade() -> None:
    for table in (
        "ledger_entries", "ledger_transactions", "provider_events", "coupon_uses", "store_stock",
        "entitlements", "disputes", "refunds", "payments",
    ):  # fmt: skip
        op.drop_table(table)
    op.execute("DROP FUNCTION ledger_is_balanced")
    op.execute("DROP FUNCTION ledger_is_never_changed")
