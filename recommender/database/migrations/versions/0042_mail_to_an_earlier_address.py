"""The address of a mail that goes elsewhere than to the person's present address"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outgoing_mail", sa.Column("address", sa.String(length=254), nullable=True))


def downgrade() -> None:
    op.drop_column("outgoing_mail", "address")
