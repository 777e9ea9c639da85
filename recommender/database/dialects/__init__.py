"""What SQLite and PostgreSQL do differently, one module for each with the same functions. Everything else is written
once, for both."""

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.orm import Session

from recommender.database.dialects.commits import Commits
from recommender.database.dialects.locks import Contender, Lock
from recommender.database.dialects.marks import Marks
from recommender.database.dialects.postgresql import OUT_OF_ORDER, PostgreSQL
from recommender.database.dialects.sqlite import SQLite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql as of_postgresql
    from sqlalchemy.dialects import sqlite as of_sqlite

__all__ = ["OUT_OF_ORDER", "Contender", "Dialect", "Lock", "named", "never_reuses_ids", "of"]


class Dialect(Protocol):
    """How one database does what each does in its own way."""

    options: ClassVar[dict[str, Any]]
    """Arguments of SQLAlchemy's `create_engine`."""

    serves_in_order: ClassVar[bool]
    """Whether those who wait for the lock to write get it in the order in which they came."""
    stores_nul: ClassVar[bool]
    """Whether a text may contain the character NUL."""

    def configure(self, engine: Engine, wait: float, durable: bool) -> None:
        """Prepare each connection of the engine. A lock is waited for `wait` seconds; a commit that is not `durable`
        does not wait for the disk."""

    def make_read_only(self, engine: Engine) -> None:
        """Refuse to write through connections of this engine."""

    def begin_migration(self, connection: Connection) -> None:
        """Keep other processes from changing the tables in this transaction."""

    def end_migration(self, connection: Connection) -> None:
        """Give the tables that a migration has made the properties that migrations do not say."""

    def begin_snapshot(self, connection: Connection) -> None:
        """Let every query of this transaction, which begins here, see the same moment."""

    def begin_writing(self, connection: Connection) -> None:
        """Keep others from writing in this transaction; they can read."""

    def defer_references(self, connection: Connection) -> None:
        """Let rows be written in this transaction before the rows that they refer to."""

    def check_references(self, connection: Connection) -> str | None:
        """End what `defer_references` began; the name of a table with a row that refers to none, if there is one."""

    def last_ids(self, connection: Connection) -> dict[str, int]:
        """The highest id that each table whose ids are never used again has given; without tables that have given
        none."""

    def set_last_ids(self, connection: Connection, last: dict[str, int]) -> None:
        """Go on after these ids, and in all other tables after their highest one."""

    def insert(self, table: Any) -> "of_sqlite.Insert | of_postgresql.Insert":
        """An insert that can say what happens to a row that is there."""

    def as_json(self, text: Any) -> Any:
        """An expression of a text that is stored in a column of JSON as it is."""

    def microseconds(self, column: Any) -> Any:
        """A time as a whole number of microseconds, in a form whose sum over all rows is a number of the database."""

    def mark_changes(self, engine: Engine) -> None:
        """Have what is indexed marked where it is changed, from now on, if it is not yet and the database can do so.
        Raises DBAPIError when the database cannot be written."""

    def marks(self, connection: Connection) -> Marks | None:
        """What says which items were changed; None where nothing does."""

    def listen(self, engine: Engine, seconds: float) -> Any | None:
        """A connection to which each commit to a table of `changes.WATCHED` is told, or any commit at most once in so
        many `seconds`, where the database does not say of which table it was; None when it tells nothing. Raises
        DBAPIError, or an error of the driver, when it cannot be reached."""

    def commits(self, engine: Engine) -> Commits | None:
        """What tells without looking at any table that nothing was committed; None where that cannot be had. Raises an
        error of the driver when the database cannot be reached."""

    def contender(self, engine: Engine, name: str, holder: str) -> Contender:
        """Who tries to get a lock that no other process of this database has then, until it is closed, or until its
        process or its connection ends. `holder` is what others are told about who has it."""

    def holder(self, engine: Engine, name: str) -> str | None:
        """Who has a lock; None when nobody does."""

    def forget_pages(self, session: Session) -> None:
        """Remove what is left of deleted rows outside of the tables, as far as the database can."""

    def problems(self, session: Session, most: int) -> list[str]:
        """A sentence for each damage that the database finds in itself, at most `most` of a kind."""

    def is_there(self, engine: Engine) -> bool:
        """False when connecting would make a new, empty database."""


def of(bind: Any) -> Dialect:
    """The dialect of an engine or connection."""
    return named(bind.dialect.name)


def named(name: str) -> Dialect:
    """The dialect with SQLAlchemy's name for it. Raises KeyError for a database that Kollega does not know."""
    return _DIALECTS[name]


def never_reuses_ids(table: Table) -> bool:
    """True for a table in which the id of a deleted row is never used again."""
    return bool(table.dialect_options["sqlite"].get("autoincrement"))


_DIALECTS: dict[str, Dialect] = {"sqlite": SQLite(), "postgresql": PostgreSQL()}
