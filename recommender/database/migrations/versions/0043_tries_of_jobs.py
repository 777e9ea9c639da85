"""How often a job was tried, besides the number of its attempt"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE jobs SET tries = attempts")


def downgrade() -> None:
    op.drop_column("jobs", "tries")
