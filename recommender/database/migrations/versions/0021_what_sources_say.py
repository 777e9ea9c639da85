"""What sources say beside texts, people by their ids and addresses in sources, and internal notes of sources"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "request_details",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("merged_into", sa.String(length=200), nullable=True),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("properties", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_index("ix_request_details_merged_into", "request_details", ["merged_into"])
    op.create_table(
        "document_details",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("document_id"),
    )
    _people()
    op.add_column("internal_notes", sa.Column("external_id", sa.String(length=200), nullable=True))


def _people() -> None:
    op.create_table(
        "foreign_people",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("foreign_id", sa.String(length=200), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "foreign_id"),
    )
    op.create_index("ix_foreign_people_person_id", "foreign_people", ["person_id"])
    op.create_table(
        "person_addresses",
        sa.Column("mail_digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("mail_digest"),
    )
    op.create_index("ix_person_addresses_person_id", "person_addresses", ["person_id"])


def downgrade() -> None:
    with op.batch_alter_table("internal_notes") as table:
        table.drop_column("external_id")
    for table_name in ("person_addresses", "foreign_people", "document_details", "request_details"):
        op.drop_table(table_name)
