"""People and teams that an identity provider manages"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provisioned_people",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_index("ix_provisioned_people_external_id", "provisioned_people", ["external_id"])
    op.create_table(
        "provisioned_teams",
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("team_id"),
    )
    op.create_index("ix_provisioned_teams_external_id", "provisioned_teams", ["external_id"])


def downgrade() -> None:
    op.drop_index("ix_provisioned_teams_external_id", "provisioned_teams")
    op.drop_table("provisioned_teams")
    op.drop_index("ix_provisioned_people_external_id", "provisioned_people")
    op.drop_table("provisioned_people")
