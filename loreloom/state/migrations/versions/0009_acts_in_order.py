"""What a quest writes by itself has ids that no caller can send."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ITS_OWN = r"""
    UPDATE quest_acts SET action_id = replace(action_id, '{before}', '{after}')
    WHERE action_id = ANY (ARRAY[
        'quest.' || (progress->>'state') || '{before}' || revision,
        'quest.accepted{before}2'
    ])
    AND (action_id <> 'quest.accepted{before}2' OR revision = 2)
"""
"""The second revision is always the one by which a quest was accepted, or it never was."""


def upgrade() -> None:
    op.execute(ITS_OWN.format(before="@", after=" "))


def downgrade() -> None:
    op.execute(ITS_OWN.format(before=" ", after="@"))
