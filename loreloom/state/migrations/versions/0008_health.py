"""What was made a moment ago, and who spent tokens today, is found without reading all."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_generations_created", "generations", ["created_at"], unique=False)
    op.create_index("ix_token_use_day", "token_use", ["day"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_token_use_day", table_name="token_use")
    op.drop_index("ix_generations_created", table_name="generations")
