"""A goal is opened at each visit of its beat, and each player's action ids are the player's own."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OF_GOAL = "fk_arc_contributions_arc_id_goal_arc_goals"
OF_VISIT = "fk_arc_contributions_arc_id_goal_seq_arc_goals"


def upgrade() -> None:
    op.add_column("arc_contributions", sa.Column("seq", sa.BigInteger(), nullable=True))
    op.execute("""
        UPDATE arc_contributions AS given SET seq = goal.seq
        FROM arc_goals AS goal WHERE goal.arc_id = given.arc_id AND goal.goal = given.goal
    """)
    op.alter_column("arc_contributions", "seq", nullable=False)
    op.drop_constraint(OF_GOAL, "arc_contributions", type_="foreignkey")
    _key("arc_goals", "arc_id", "goal", "seq")
    op.create_foreign_key(
        OF_VISIT,
        "arc_contributions",
        "arc_goals",
        ["arc_id", "goal", "seq"],
        ["arc_id", "goal", "seq"],
    )
    _key("arc_contributions", "arc_id", "player_id", "action_id")


def downgrade() -> None:
    # The release before knows one visit of a goal and one action of a name: the first of each.
    op.execute("""
        DELETE FROM arc_contributions AS given USING arc_contributions AS first
        WHERE first.arc_id = given.arc_id AND first.action_id = given.action_id
            AND (first.at, first.player_id) < (given.at, given.player_id)
    """)
    op.execute("""
        DELETE FROM arc_contributions AS given USING arc_goals AS first
        WHERE first.arc_id = given.arc_id AND first.goal = given.goal AND first.seq < given.seq
    """)
    op.execute("""
        DELETE FROM arc_goals AS goal USING arc_goals AS first
        WHERE first.arc_id = goal.arc_id AND first.goal = goal.goal AND first.seq < goal.seq
    """)
    _key("arc_contributions", "arc_id", "action_id")
    op.drop_constraint(OF_VISIT, "arc_contributions", type_="foreignkey")
    _key("arc_goals", "arc_id", "goal")
    op.create_foreign_key(
        OF_GOAL, "arc_contributions", "arc_goals", ["arc_id", "goal"], ["arc_id", "goal"]
    )
    op.drop_column("arc_contributions", "seq")


def _key(table: str, *columns: str) -> None:
    op.drop_constraint(f"pk_{table}", table, type_="primary")
    op.create_primary_key(f"pk_{table}", table, list(columns))
