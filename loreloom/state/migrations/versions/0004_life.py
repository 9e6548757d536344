"""What the world remembers and does by itself."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "living",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asleep_since", sa.BigInteger(), nullable=True),
        sa.Column("untold", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_living_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("world_id", name=op.f("pk_living")),
    )
    op.create_table(
        "rumours",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("rumour_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("about", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("until_day", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_rumours_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("world_id", "rumour_id", name=op.f("pk_rumours")),
    )
    op.create_index("ix_rumours_listing", "rumours", ["world_id", "until_day"], unique=False)
    op.create_table(
        "openings",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("opening_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("until_day", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("quest_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_openings_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("world_id", "opening_id", name=op.f("pk_openings")),
    )
    op.create_index(
        "ix_openings_open",
        "openings",
        ["world_id", "until_day"],
        unique=False,
        postgresql_where="quest_id IS NULL",
    )
    op.create_table(
        "memories",
        sa.Column("memory_id", sa.Text(), nullable=False),
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("character", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("quest_kind", sa.Text(), nullable=False),
        sa.Column("game_seconds", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["world_id", "player_id"],
            ["players.world_id", "players.player_id"],
            name=op.f("fk_memories_world_id_player_id_players"),
        ),
        sa.PrimaryKeyConstraint("memory_id", name=op.f("pk_memories")),
    )
    op.create_index(
        "ix_memories_of",
        "memories",
        ["world_id", "character", "player_id", "game_seconds"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_memories_of", table_name="memories")
    op.drop_table("memories")
    op.drop_index("ix_openings_open", table_name="openings", postgresql_where="quest_id IS NULL")
    op.drop_table("openings")
    op.drop_index("ix_rumours_listing", table_name="rumours")
    op.drop_table("rumours")
    op.drop_table("living")
