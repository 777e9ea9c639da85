"""How much of what is known hangs on single people, and the acts that spread it"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "topic_questions",
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("asked_on", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("topic_id", "question"),
    )
    op.create_index("ix_topic_questions_question", "topic_questions", ["question"])
    op.create_table(
        "topic_answers",
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("match", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("topic_id", "question", "item"),
    )
    op.create_index("ix_topic_answers_item", "topic_answers", ["item"])
    op.create_table(
        "topic_figures",
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("computed_at", sa.DateTime(), nullable=False),
        sa.Column("demand", sa.Double(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("answerable", sa.Double(), nullable=False),
        sa.Column("bus_factor", sa.Integer(), nullable=True),
        sa.Column("expected_loss", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("topic_id"),
    )
    op.create_index("ix_topic_figures_team_id", "topic_figures", ["team_id"])
    op.create_table(
        "topic_knowers",
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("answerable_without", sa.Double(), nullable=False),
        sa.Column("leaving", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("topic_id", "person_id"),
    )
    op.create_index("ix_topic_knowers_person_id", "topic_knowers", ["person_id"])
    op.create_table(
        "topic_weeks",
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("demand", sa.Double(), nullable=False),
        sa.Column("answerable", sa.Double(), nullable=False),
        sa.Column("bus_factor", sa.Integer(), nullable=True),
        sa.Column("expected_loss", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("topic_id", "week"),
    )
    op.create_table(
        "transfer_acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("colleague_id", sa.Integer(), nullable=True),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("loss_before", sa.Double(), nullable=False),
        sa.Column("loss_after", sa.Double(), nullable=False),
        sa.Column("measured_before", sa.Double(), nullable=True),
        sa.Column("measured_after", sa.Double(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["colleague_id"], ["people.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_transfer_acts_colleague_id", "transfer_acts", ["colleague_id"])
    op.create_index("ix_transfer_acts_person_id", "transfer_acts", ["person_id"])
    op.create_index("ix_transfer_acts_topic_id", "transfer_acts", ["topic_id"])
    op.create_table(
        "transfer_act_items",
        sa.Column("act_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["transfer_acts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("act_id", "item"),
    )
    op.create_index("ix_transfer_act_items_item", "transfer_act_items", ["item"])


def downgrade() -> None:
    op.drop_table("transfer_act_items")
    op.drop_table("transfer_acts")
    op.drop_table("topic_weeks")
    op.drop_table("topic_knowers")
    op.drop_table("topic_figures")
    op.drop_table("topic_answers")
    op.drop_table("topic_questions")
