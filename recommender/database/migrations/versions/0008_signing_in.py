"""Sessions, second factors, links to a new password, mail that waits to be sent; addresses and the last use of tokens

The key of an account's sessions is dropped: sessions have a table of their own now, so everybody signs in once more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _of_a_person(table: str, *columns: sa.Column, key: bool = False, **options: bool) -> None:
    """A table whose rows are deleted with their person; `key` makes the person its primary key."""
    op.create_table(
        table,
        sa.Column("person_id", sa.Integer(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        *([sa.PrimaryKeyConstraint("person_id")] if key else []),
        **options,
    )


def upgrade() -> None:
    op.execute("ALTER TABLE accounts DROP COLUMN session_key")
    with op.batch_alter_table("accounts") as accounts:
        accounts.add_column(sa.Column("email", sa.String(length=254)))
        accounts.create_unique_constraint("uq_accounts_email", ["email"])
    autoincrement = {"sqlite_autoincrement": True}
    # only SQLite has to be told, by making the table anew, that ids are never used again
    again = "always" if op.get_context().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("api_tokens", recreate=again, table_kwargs=autoincrement) as tokens:
        tokens.add_column(sa.Column("last_used_on", sa.Date()))
    _of_a_person(
        "sessions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("digest", sa.String(length=64), nullable=False, unique=True),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("awaits", sa.String(length=8), nullable=False),
        sa.Column("browser", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    _of_a_person(
        "second_factors",
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", sa.DateTime()),
        sa.Column("last_step", sa.Integer(), nullable=False),
        key=True,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", "digest"),
    )
    _of_a_person(
        "password_links",
        sa.Column("digest", sa.String(length=64), primary_key=True),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_password_links_person_id", "password_links", ["person_id"])
    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("people.id", ondelete="CASCADE")),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(), nullable=False),
        sa.Column("problem", sa.Text()),
    )
    op.create_index("ix_outgoing_mail_person_id", "outgoing_mail", ["person_id"])
    op.create_index("ix_outgoing_mail_next_attempt_at", "outgoing_mail", ["next_attempt_at"])


def downgrade() -> None:
    for table in ("outgoing_mail", "password_links", "recovery_codes", "second_factors", "sessions"):
        op.drop_table(table)
    op.execute("ALTER TABLE api_tokens DROP COLUMN last_used_on")
    with op.batch_alter_table("accounts", recreate="always") as accounts:
        accounts.drop_constraint("uq_accounts_email", type_="unique")
        accounts.drop_column("email")
        key = sa.Column("session_key", sa.String(length=64), nullable=False, server_default="")
        accounts.add_column(key, insert_after="password_hash")
    # an empty key would be known to everybody
    op.execute("UPDATE accounts SET session_key = lower(hex(randomblob(16)))")
    with op.batch_alter_table("accounts") as accounts:
        accounts.alter_column("session_key", server_default=None)
