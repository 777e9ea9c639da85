"""Reading while somebody waits: rows of columns past the ORM, and lists of ids or keys as one value of a statement.

SQLAlchemy writes each value of an ordinary `in_` into the statement. With hundreds of ids that takes longer than the
database needs to find them, and the database has to parse another statement each time.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any, Self

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    ColumnElement,
    Dialect,
    Executable,
    Integer,
    ScalarSelect,
    String,
    Text,
    bindparam,
    func,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class _List(TypeDecorator[Collection[Any]]):
    """A list as one value: JSON in SQLite, an array in PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, of: type[TypeEngine[Any]]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.of))

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        return json.dumps(values) if dialect.name == "sqlite" else values


class _OneOf(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Self:
        """The condition as it is: SQLAlchemy would write `... = 1` for SQLite, which then uses no index."""
        return self


@compiles(_OneOf, "sqlite")
def _in_sqlite(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - SQLAlchemy writes both


@compiles(_OneOf, "postgresql")
def _in_postgresql(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({values})"


IDS: BindParameter[Collection[int]] = bindparam("ids", type_=_List(Integer))
"""Ids, for `one_of`; their name in a statement is `ids`."""
KEYS: BindParameter[Collection[str]] = bindparam("keys", type_=_List(String))
"""Keys of items, for `one_of`; their name in a statement is `keys`."""

TOKENS: BindParameter[Collection[str]] = bindparam("tokens", type_=_List(String))
"""Tokens of a reader, for `one_of`; their name in a statement is `tokens`."""


def one_of(column: Any, values: BindParameter[Any]) -> ColumnElement[bool]:
    """The condition that a column has one of the values of a list."""
    return _OneOf(column, values)


def one_of_these(column: Any, values: Collection[Any], of: type[TypeEngine[Any]]) -> ColumnElement[bool]:
    """The condition that a column has one of these values, which are of the type `of`. SQLAlchemy writes the values of
    an ordinary `in_` into the statement each time it runs."""
    return _OneOf(column, bindparam(None, sorted(values), type_=_List(of), unique=True))


_BETWEEN = "\n"


def together(column: Any, condition: ColumnElement[bool]) -> ScalarSelect[Any]:
    """The texts of a column of those rows that fit to each row of a statement, as one value: less work than a statement
    of their own. No text may have a line break; `apart` gives them back, in any order."""
    return select(func.aggregate_strings(column, _BETWEEN)).where(condition).scalar_subquery()


def apart(texts: str | None) -> list[str]:
    """The texts of a value of `together`."""
    return texts.split(_BETWEEN) if texts else []


def rows(session: Session, statement: Executable, **values: Any) -> Sequence[Any]:
    """All rows of a statement that selects columns, in less time than by `session.execute`. What was changed in the
    session is written first, as it is there."""
    if session.autoflush:
        session.flush()
    return session.connection().execute(statement, values).all()
