"""The names and hours of teams in Swedish"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("teams", sa.Column("name_sv", sa.String(length=200), nullable=True))
    op.add_column("teams", sa.Column("hours_sv", sa.String(length=200), nullable=True))


def downgrade() -> None:
    op.drop_column("teams", "hours_sv")
    op.drop_column("teams", "name_sv")
