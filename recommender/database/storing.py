"""Stores or takes a row in one statement, so that the database decides when two do it at the same moment.

A row is stored whether or not there is one with its key. Looking first and inserting then fails when two do it at the
same moment, which a double click is enough for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import ColumnElement, CursorResult, Executable, delete, select, update
from sqlalchemy.orm import Session

from recommender.database import dialects
from recommender.database.tables import Base

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

Row = TypeVar("Row", bound=Base)
Item = TypeVar("Item")
MANY = 5_000
"""Ids from which on all rows of a table are read instead of those with the ids; a judgement."""
Values = Mapping[str, object]


def insert_or_update(session: Session, table: type[Row], key: Values, values: Values) -> Row:
    """The row with this key (columns that are unique together), with these values: a new one, or the one that is there.
    The caller commits."""
    return _store(session, table, key, values, overwrite=True)


def insert_or_keep(session: Session, table: type[Row], key: Values, values: Values | None = None) -> Row:
    """The row with this key (columns that are unique together): a new one with these values, or the one that is there
    as it is. The caller commits."""
    return _store(session, table, key, values or {}, overwrite=False)


def take(session: Session, table: type[Base], *free: ColumnElement[bool], **values: object) -> bool:
    """Give the one row that is `free` these values; False when there is none, because somebody was faster."""
    taken = update(table).where(*free).values(**values).execution_options(synchronize_session=False)
    return cast("CursorResult[object]", session.execute(taken)).rowcount == 1


def remove_one(session: Session, table: type[Base], *which: ColumnElement[bool]) -> bool:
    """Delete the one row that there is; False when there is none, because somebody was faster."""
    statement = delete(table).where(*which).execution_options(synchronize_session=False)
    return cast("CursorResult[object]", session.execute(statement)).rowcount == 1


def flush_and_expire(session: Session) -> None:
    """Let every row be read again, after statements that changed rows past the session. What was changed in the session
    is written first: SQLAlchemy's `expire_all` alone throws it away, without a word."""
    session.flush()
    session.expire_all()


def inserting(session: Session, table: type[Base]) -> "sqlite.Insert | postgresql.Insert":
    """An insert into a table that can say what happens to a row that is there, for the database of this session."""
    return dialects.of(session.get_bind()).insert(table)


def changes_a_row(session: Session, statement: Executable) -> bool:
    """Run an insert; False when there was a row already that it leaves as it is. Without the option, PostgreSQL does
    not say."""
    done = session.execute(statement, execution_options={"preserve_rowcount": True})
    return cast("CursorResult[object]", done).rowcount == 1


def in_chunks(rows: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The rows in their order, as many at a time as one statement is to hold."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def rows_among(session: Session, query: Executable, ids: Collection[int], **values: Any) -> Iterator[Any]:
    """The rows of a query whose first column is one of very many ids: all are read, and others left out, since a
    statement that names so many ids takes longer."""
    wanted = frozenset(ids)
    rows = session.execute(query, values, execution_options={"yield_per": MANY})
    return (row for row in rows if row[0] in wanted)


def _store(session: Session, table: type[Row], key: Values, values: Values, overwrite: bool) -> Row:
    session.flush()
    row = inserting(session, table).values(**key, **values)
    if overwrite:
        session.execute(row.on_conflict_do_update(index_elements=list(key), set_=dict(values)))
    else:
        session.execute(row.on_conflict_do_nothing(index_elements=list(key)))
    return session.scalars(select(table).filter_by(**key).execution_options(populate_existing=True)).one()
