"""What several web and watch processes share: counts of what may not be done too often, and small files"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_counts",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_rate_counts_ends_at", "rate_counts", ["ends_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE rate_counts SET UNLOGGED")  # counts need not survive a crash, and are written often
    op.create_table(
        "shared_texts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("of_model", sa.String(length=300), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("shared_texts")
    op.drop_index("ix_rate_counts_ends_at", "rate_counts")
    op.drop_table("rate_counts")
