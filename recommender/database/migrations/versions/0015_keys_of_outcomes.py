"""Keys with which the marks of counted outcomes are made, one for each item"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outcome_keys",
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("item"),
    )
    op.create_index("ix_outcome_keys_made_on", "outcome_keys", ["made_on"])
    op.execute("DELETE FROM counted_outcomes")  # they were made with the key of the installation alone


def downgrade() -> None:
    op.drop_table("outcome_keys")
    op.execute("DELETE FROM counted_outcomes")
