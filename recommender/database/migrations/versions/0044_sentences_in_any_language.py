"""Lines of jobs and errors of sources with what is needed to say them in any language"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job_lines", sa.Column("said", sa.JSON(), nullable=True))
    op.add_column("source_states", sa.Column("error_said", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("source_states", "error_said")
    op.drop_column("job_lines", "said")
