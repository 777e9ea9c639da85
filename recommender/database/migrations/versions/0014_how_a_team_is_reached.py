"""How a team is reached, and which team handles private matters"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("teams", sa.Column("phone", sa.String(length=64), nullable=True))
    op.add_column("teams", sa.Column("hours", sa.String(length=200), nullable=True))
    op.add_column("teams", sa.Column("hours_fi", sa.String(length=200), nullable=True))
    op.add_column("teams", sa.Column("private_matters", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for column in ("private_matters", "hours_fi", "hours", "phone"):
        op.drop_column("teams", column)
