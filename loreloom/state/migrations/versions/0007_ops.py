"""What ops have done, and verdicts that a replay must give again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "replays",
        sa.Column("replay_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=True),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("new_run_id", sa.Text(), nullable=True),
        sa.Column("from_point", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("replay_id", name=op.f("pk_replays")),
        sa.UniqueConstraint("run_id", name="uq_replays_run_id"),
    )
    op.create_index("ix_replays_listing", "replays", ["at", "replay_id"], unique=False)
    op.create_index("ix_replays_of", "replays", ["workflow_id", "at"], unique=False)
    op.create_index("ix_replays_batch", "replays", ["batch_id"], unique=False)
    op.create_table(
        "refused_acts",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("update_id", sa.Text(), nullable=False),
        sa.Column("unmet", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["quest_id"], ["quests.quest_id"], name=op.f("fk_refused_acts_quest_id_quests")
        ),
        sa.PrimaryKeyConstraint("quest_id", "update_id", name=op.f("pk_refused_acts")),
    )


def downgrade() -> None:
    op.drop_table("refused_acts")
    op.drop_index("ix_replays_batch", table_name="replays")
    op.drop_index("ix_replays_of", table_name="replays")
    op.drop_index("ix_replays_listing", table_name="replays")
    op.drop_table("replays")
