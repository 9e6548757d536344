"""Story arcs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    default = None if nullable else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "arc_definitions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("arc", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_arc_definitions")),
    )
    op.create_table(
        "arcs",
        sa.Column("arc_id", sa.Text(), nullable=False),
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=True),
        sa.Column("arc", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("beat", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        _moment("clock_seen", nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_arcs_world_id_worlds")
        ),
        sa.ForeignKeyConstraint(
            ["world_id", "player_id"],
            ["players.world_id", "players.player_id"],
            name=op.f("fk_arcs_world_id_player_id_players"),
        ),
        sa.ForeignKeyConstraint(
            ["digest"], ["arc_definitions.digest"], name=op.f("fk_arcs_digest_arc_definitions")
        ),
        sa.PrimaryKeyConstraint("arc_id", name=op.f("pk_arcs")),
    )
    op.create_index("ix_arcs_listing", "arcs", ["world_id", "created_at", "arc_id"], unique=False)
    op.create_index(
        "ix_arcs_running",
        "arcs",
        ["arc", "arc_id"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "arc_beats",
        sa.Column("arc_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("game_seconds", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("action_id", sa.Text(), nullable=True),
        sa.Column("quest_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["arc_id"], ["arcs.arc_id"], name=op.f("fk_arc_beats_arc_id_arcs")),
        sa.ForeignKeyConstraint(
            ["digest"],
            ["arc_definitions.digest"],
            name=op.f("fk_arc_beats_digest_arc_definitions"),
        ),
        sa.PrimaryKeyConstraint("arc_id", "seq", name=op.f("pk_arc_beats")),
    )
    op.create_index("uq_arc_beats_action", "arc_beats", ["arc_id", "action_id"], unique=True)
    op.create_table(
        "arc_goals",
        sa.Column("arc_id", sa.Text(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("told", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("open", sa.Boolean(), server_default="true", nullable=False),
        _moment("changed_at"),
        _moment("closed_at", nullable=True),
        sa.CheckConstraint("total >= 0", name=op.f("ck_arc_goals_total_not_negative")),
        sa.ForeignKeyConstraint(["arc_id"], ["arcs.arc_id"], name=op.f("fk_arc_goals_arc_id_arcs")),
        sa.PrimaryKeyConstraint("arc_id", "goal", name=op.f("pk_arc_goals")),
    )
    op.create_index(
        "ix_arc_goals_untold",
        "arc_goals",
        ["changed_at"],
        unique=False,
        postgresql_where=sa.text("total > told AND closed_at IS NULL"),
    )
    op.create_table(
        "arc_contributions",
        sa.Column("arc_id", sa.Text(), nullable=False),
        sa.Column("action_id", sa.Text(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        _moment("at"),
        sa.ForeignKeyConstraint(
            ["arc_id", "goal"],
            ["arc_goals.arc_id", "arc_goals.goal"],
            name=op.f("fk_arc_contributions_arc_id_goal_arc_goals"),
        ),
        sa.PrimaryKeyConstraint("arc_id", "action_id", name=op.f("pk_arc_contributions")),
    )


def downgrade() -> None:
    for table in ("arc_contributions", "arc_goals", "arc_beats", "arcs", "arc_definitions"):
        op.drop_table(table)
