"""Who erased whom is kept, of whom only the pseudonym; the chronicle tells no reason."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("workflow_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_erasures_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("pseudonym", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_listing", "erasures", ["at", "pseudonym"], unique=False)
    op.execute("UPDATE chronicle SET data = '{}' WHERE kind = 'player.erased'")


def downgrade() -> None:
    op.drop_index("ix_erasures_listing", table_name="erasures")
    op.drop_table("erasures")
