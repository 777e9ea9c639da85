"""What the applications, databases and questions of all tests in a process share: it is slow to make, and each test
would make the same.

`made_once` in `conftest.py` has all of it in use.
"""

from collections.abc import Callable
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from recommender.database import engine
from recommender.language import everyday
from recommender.language.analyzer import Analyzer
from recommender.language.synonyms import Synonyms

_STATEMENTS = 5_000  # of all engines together


class MemoryCache(BytecodeCache):
    """Keeps compiled templates, so that the applications of all tests share them."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


def share_statements(patch: pytest.MonkeyPatch) -> None:
    """Statements that SQLAlchemy has compiled for one database on SQLite serve all of them. It keeps them for each
    engine and dialect; here, dialects of one class count as equal, since none has options of its own."""
    shared, create_engine = LRUCache[Any, Any](_STATEMENTS), engine.create_engine

    def create_sharing(*given: Any, **options: Any) -> Engine:
        created = create_engine(*given, **options)
        if isinstance(created.dialect, SQLiteDialect_pysqlite):
            created._compiled_cache = shared
        return created

    dialect = SQLiteDialect_pysqlite
    patch.setattr(dialect, "__eq__", lambda one, other: type(one) is type(other), raising=False)
    patch.setattr(dialect, "__hash__", lambda one: hash(type(one)), raising=False)
    patch.setattr(engine, "create_engine", create_sharing)


def build_addresses_when_asked(patch: pytest.MonkeyPatch) -> None:
    """What makes the address of a route is compiled when an address is first asked for: an application has hundreds of
    routes, and a test asks for a few."""
    compiled: Callable[..., Callable[..., Any]] = Rule._compile_builder

    def compile_later(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        made = cache(lambda: compiled(rule, append_unknown))
        return lambda itself, **values: made()(itself, **values)

    patch.setattr(Rule, "_compile_builder", compile_later)


def read_everyday_words_once(patch: pytest.MonkeyPatch) -> None:
    """The lists of everyday words that ship are read once by each analyser; lists elsewhere are read each time."""
    shipped, read = everyday.LISTS, everyday.read_everyday
    known: WeakKeyDictionary[Analyzer, Synonyms] = WeakKeyDictionary()

    def read_once(analyzer: Analyzer) -> Synonyms:
        if shipped != everyday.LISTS:
            return read(analyzer)
        if analyzer not in known:
            known[analyzer] = read(analyzer)
        return known[analyzer]

    patch.setattr(everyday, "read_everyday", read_once)
