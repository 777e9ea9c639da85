"""Accounts, API tokens, and what the life of a request and of a document needs

Columns are added one by one: a table that others refer to must not be copied and dropped, which would delete their rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("teams", sa.Column("restricted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("requests", sa.Column("anonymous", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(
        "requests", sa.Column("assigned_to_id", sa.Integer(), sa.ForeignKey("people.id")), inline_references=True
    )
    op.create_index("ix_requests_assigned_to_id", "requests", ["assigned_to_id"])
    op.add_column(
        "documents", sa.Column("verified_by_id", sa.Integer(), sa.ForeignKey("people.id")), inline_references=True
    )
    op.add_column("documents", sa.Column("review_days", sa.Integer()))
    op.add_column("documents", sa.Column("draft", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(
        "documents", sa.Column("drafted_from_id", sa.Integer(), sa.ForeignKey("requests.id")), inline_references=True
    )
    op.create_table(
        "accounts",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("session_key", sa.String(length=64), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id"),
        sa.UniqueConstraint("subject"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("ix_api_tokens_person_id", "api_tokens", ["person_id"])
    op.create_table(
        "request_attempts",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("request_id", "item"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["subject_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_events_item_kind", "events", ["item", "kind"])
    op.create_index("ix_events_request_id", "events", ["request_id"])
    op.create_index("ix_events_subject_id", "events", ["subject_id"])


def downgrade() -> None:
    for table in ("events", "request_attempts", "api_tokens", "accounts"):
        op.drop_table(table)
    for column in ("drafted_from_id", "draft", "review_days", "verified_by_id"):
        op.execute(f"ALTER TABLE documents DROP COLUMN {column}")
    op.drop_index("ix_requests_assigned_to_id", "requests")
    for column in ("assigned_to_id", "anonymous"):
        op.execute(f"ALTER TABLE requests DROP COLUMN {column}")
    op.execute("ALTER TABLE teams DROP COLUMN restricted")
