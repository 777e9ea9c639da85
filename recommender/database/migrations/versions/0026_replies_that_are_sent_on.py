"""Replies that are sent on after their request, and tickets that others may not read"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handover_replies",
        sa.Column("reply_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["reply_id"], ["replies.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["request_id"], ["handovers.request_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("reply_id"),
    )
    op.create_index("ix_handover_replies_request", "handover_replies", ["request_id", "state"])
    op.add_column("handovers", sa.Column("team_handle", sa.String(length=64), nullable=True))
    op.execute(
        "UPDATE handovers SET team_handle = (SELECT teams.handle FROM teams JOIN requests "
        "ON requests.team_id = teams.id WHERE requests.id = handovers.request_id)"
    )
    op.add_column("handovers", sa.Column("readers_there", sa.JSON(), nullable=True))
    op.add_column(
        "handovers", sa.Column("is_private_there", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_table("handover_replies")
    with op.batch_alter_table("handovers") as table:
        table.drop_column("is_private_there")
        table.drop_column("readers_there")
        table.drop_column("team_handle")
