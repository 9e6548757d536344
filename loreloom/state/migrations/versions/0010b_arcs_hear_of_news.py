"""An arc notes down what it waits for, and how far it has heard of its world."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010b"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kinds = postgresql.ARRAY(sa.Text())
    op.add_column("arcs", sa.Column("awaits", kinds, server_default="{}", nullable=False))
    op.add_column("arcs", sa.Column("heard", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("arcs", "heard")
    op.drop_column("arcs", "awaits")
