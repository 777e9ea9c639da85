"""How far a job is, what was said of it, and whether somebody wants it to end"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0038"
branch_labels = None
depends_on = None
_WIDTHS = (("source", 64, 80), ("state", 8, 12))
_TEXTS = ("title", "unit", "stage")
_NUMBERED = {"sqlite_autoincrement": True}


def upgrade() -> None:
    empty = {"nullable": False, "server_default": ""}
    for column in (
        sa.Column("title", sa.String(length=200), **empty),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("unit", sa.String(length=16), **empty),
        sa.Column("stage", sa.String(length=200), **empty),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("jobs", column)
    with op.batch_alter_table("jobs", table_kwargs=_NUMBERED) as jobs:
        for name, before, after in _WIDTHS:
            jobs.alter_column(name, existing_type=sa.String(before), type_=sa.String(after), existing_nullable=False)
        for name in _TEXTS:
            jobs.alter_column(name, server_default=None)
    op.create_table(
        "job_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_lines_job_id", "job_lines", ["job_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_job_lines_job_id", "job_lines")
    op.drop_table("job_lines")
    op.execute("DELETE FROM jobs WHERE kind NOT IN ('load', 'delete')")
    for name in ("cancel_asked", "stage", "unit", "total", "done", "updated_at", "started_at", "title"):
        op.drop_column("jobs", name)
    with op.batch_alter_table("jobs", table_kwargs=_NUMBERED) as jobs:
        for name, before, after in _WIDTHS:
            jobs.alter_column(name, existing_type=sa.String(after), type_=sa.String(before), existing_nullable=False)
