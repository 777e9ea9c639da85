"""The mark that another item has replaced a request or document"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "replacements",
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("marked_by_id", sa.Integer(), nullable=True),
        sa.Column("marked_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["marked_by_id"], ["people.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("item"),
    )
    op.create_index("ix_replacements_marked_by_id", "replacements", ["marked_by_id"])


def downgrade() -> None:
    op.drop_table("replacements")
