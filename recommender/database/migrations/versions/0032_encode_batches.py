"""Texts that wait to be encoded by whoever is free"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "encode_batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("of_index", sa.String(length=64), nullable=False),
        sa.Column("of_model", sa.String(length=300), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_encode_batches_of_model", "encode_batches", ["of_model", "id"])


def downgrade() -> None:
    op.drop_index("ix_encode_batches_of_model", "encode_batches")
    op.drop_table("encode_batches")
