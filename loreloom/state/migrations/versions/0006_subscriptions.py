"""Subscriptions, and the arc that a chapter opens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("quote", postgresql.JSONB(), nullable=False),
        sa.Column("paid_until", TIME, nullable=False),
        sa.Column(
            "cancel_at_period_end", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.payment_id"],
            name=op.f("fk_subscriptions_payment_id_payments"),
        ),
        sa.ForeignKeyConstraint(
            ["world_id", "player_id"],
            ["players.world_id", "players.player_id"],
            name=op.f("fk_subscriptions_world_id_player_id_players"),
        ),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_subscriptions")),
    )
    op.create_index(
        "uq_subscriptions_live",
        "subscriptions",
        ["world_id", "player_id"],
        unique=True,
        postgresql_where="ended_at IS NULL",
    )
    op.create_index("uq_subscriptions_provider", "subscriptions", ["provider_id"], unique=True)
    op.add_column("payments", sa.Column("subscription_id", sa.Text(), nullable=True))
    op.add_column(
        "payments",
        sa.Column("entitles", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.add_column("payments", sa.Column("opens", postgresql.JSONB(), nullable=True))
    op.add_column("provider_events", sa.Column("subscription_id", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("provider_events", "subscription_id")
    for name in ("opens", "entitles", "subscription_id"):
        op.drop_column("payments", name)
    op.drop_table("subscriptions")
