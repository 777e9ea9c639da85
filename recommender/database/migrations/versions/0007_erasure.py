"""What has been erased, and for how long teams keep requests"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("erased_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.add_column("teams", sa.Column("keep_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("teams", "keep_days")
    op.drop_table("erased")
