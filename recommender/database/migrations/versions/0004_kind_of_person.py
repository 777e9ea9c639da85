"""Service accounts and shared mailboxes are told from people"""

import sqlalchemy as sa
from alembic import op

from recommender.database.person_kind import PERSON, guess_kind

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("kind", sa.String(length=8), nullable=False, server_default=PERSON))
    op.add_column("people", sa.Column("stated_kind", sa.String(length=8), nullable=True))
    op.create_index("ix_people_kind", "people", ["kind"])
    people = sa.table("people", sa.column("id"), sa.column("handle"), sa.column("name"), sa.column("kind"))
    connection = op.get_bind()
    for number, handle, name in connection.execute(sa.select(people.c.id, people.c.handle, people.c.name)).all():
        kind = guess_kind(handle, name)
        if kind != PERSON:
            connection.execute(people.update().where(people.c.id == number).values(kind=kind))


def downgrade() -> None:
    op.drop_index("ix_people_kind", "people")
    for column in ("stated_kind", "kind"):
        op.execute(f"ALTER TABLE people DROP COLUMN {column}")
