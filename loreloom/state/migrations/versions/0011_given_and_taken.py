"""What a purchase gave and what was taken back is said of itself, not read from its state."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("delivered", "taken_back"):
        no = sa.text("false")
        op.add_column("payments", sa.Column(name, sa.Boolean(), server_default=no, nullable=False))
    op.add_column(
        "payments",
        sa.Column("coin_held", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    # Only what was never delivered has a reason.
    op.execute(
        "UPDATE payments SET delivered = true WHERE reason IS NULL AND state IN"
        " ('fulfilled', 'partly_refunded', 'refunded', 'disputed', 'dispute_lost')"
    )
    op.execute(
        "UPDATE payments SET taken_back = true WHERE delivered"
        " AND (state IN ('refunded', 'dispute_lost') OR (amount > 0 AND refunded >= amount))"
    )
    # A pass that was bought while one ran began when that one ended, and said it began at once.
    op.execute(
        "UPDATE entitlements SET since = until - make_interval(days => pass.days) FROM"
        " (SELECT payment_id, (quote->'item'->>'days')::integer AS days FROM payments) AS pass"
        " WHERE pass.payment_id = entitlements.payment_id AND pass.days IS NOT NULL"
    )
    op.create_index(
        "ix_provider_events_unknown",
        "provider_events",
        ["intent"],
        postgresql_where="outcome = 'unknown_payment'",
    )


def downgrade() -> None:
    op.drop_index("ix_provider_events_unknown", table_name="provider_events")
    for name in ("coin_held", "taken_back", "delivered"):
        op.drop_column("payments", name)
