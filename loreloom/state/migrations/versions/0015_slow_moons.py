"""A phase of the moon lasts an hour at least: a world that has a faster moon loses it.

Its calendar could not be read any more, and no list of worlds with it.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """UPDATE worlds SET calendar = jsonb_set(calendar, '{moon}', 'null')
        WHERE jsonb_typeof(calendar -> 'moon') = 'object'
            AND (calendar -> 'moon' ->> 'cycle_days')::float * (calendar ->> 'hours_per_day')::int
                < jsonb_array_length(calendar -> 'moon' -> 'phases')"""
    )


def downgrade() -> None:
    """A moon that was too fast is gone."""
