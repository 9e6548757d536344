"""What is asked again, and what comes of it: in tables, where a player's words can be erased."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "whatifs",
        sa.Column("whatif_id", sa.Text(), nullable=False),
        sa.Column("generation_id", sa.Text(), nullable=False),
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=True),
        sa.Column("variation", postgresql.JSONB(), nullable=False),
        sa.Column("said", postgresql.JSONB(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["generations.generation_id"],
            name=op.f("fk_whatifs_generation_id_generations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_whatifs_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("whatif_id", name=op.f("pk_whatifs")),
    )
    op.create_index("ix_whatifs_of", "whatifs", ["generation_id"], unique=False)
    op.create_table(
        "whatif_sets",
        sa.Column("whatif_id", sa.Text(), nullable=False),
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("otherwise", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_whatif_sets_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("whatif_id", name=op.f("pk_whatif_sets")),
    )


def downgrade() -> None:
    op.drop_table("whatif_sets")
    op.drop_table("whatifs")
