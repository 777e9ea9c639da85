"""What was last imported, and what was changed both here and in a source"""

import sqlalchemy as sa
from alembic import op

from recommender.database.handles import usable_handle

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imported_records",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("run", sa.String(length=16), nullable=False),
        sa.Column("earlier", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", "source"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_conflicts",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.Column("not_widened", sa.JSON(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", "source"),
    )


    _rename_handles()


def _rename_handles() -> None:
    """Give people and teams whose handles can stand in no address the handles that imports give them from now on."""
    connection = op.get_bind()
    for name, kind in (("people", "person"), ("teams", "team")):
        table = sa.table(name, sa.column("id"), sa.column("handle"))
        for row in connection.execute(sa.select(table.c.id, table.c.handle)).all():
            usable = usable_handle(row.handle, kind)
            if usable != row.handle:
                connection.execute(sa.update(table).where(table.c.id == row.id).values(handle=usable))
                if kind == "team":
                    _rename_team(connection, row.id, row.handle, usable)


def _rename_team(connection: sa.Connection, number: int, handle: str, usable: str) -> None:
    """Rename a team in audiences, and mark its items as changed, since the index has the audiences too."""
    for items, audiences, key in (
        ("requests", "request_audience", "request_id"),
        ("documents", "document_audience", "document_id"),
    ):
        item = sa.table(items, *map(sa.column, ("id", "team_id", "updated_at")))
        entry = sa.table(audiences, *map(sa.column, ("token", key)))
        named = sa.select(entry.c[key]).where(entry.c.token == f"team:{handle}")
        touched = sa.or_(item.c.team_id == number, item.c.id.in_(named))
        connection.execute(sa.update(item).where(touched).values(updated_at=sa.func.now()))
        connection.execute(sa.update(entry).where(entry.c.token == f"team:{handle}").values(token=f"team:{usable}"))


def downgrade() -> None:
    op.drop_table("import_conflicts")
    op.drop_table("imported_records")
