"""Which teams may know the asker of an anonymous request; what was sent twice; who has counted an outcome"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("name_known_to", sa.JSON(), nullable=False, server_default="[]"))
    # the team that handles a request has seen the name until now
    requests = sa.table("requests", sa.column("team_id", sa.Integer), sa.column("name_known_to", sa.JSON))
    connection = op.get_bind()
    for team in connection.scalars(sa.select(requests.c.team_id).where(requests.c.team_id.is_not(None)).distinct()).all():
        connection.execute(requests.update().where(requests.c.team_id == team).values(name_known_to=[team]))
    op.create_table(
        "counted_outcomes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_counted_outcomes_day", "counted_outcomes", ["day"])
    op.create_index("ix_counted_outcomes_event_id", "counted_outcomes", ["event_id"])
    op.create_table(
        "sent_forms",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_sent_forms_at", "sent_forms", ["at"])


def downgrade() -> None:
    op.drop_table("sent_forms")
    op.drop_table("counted_outcomes")
    op.drop_column("requests", "name_known_to")
