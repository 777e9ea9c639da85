"""PostgreSQL: a server, on which Kollega writes as it does on SQLite: one transaction at a time.

The first statement of a transaction that writes takes an advisory lock, which is given back when that ends. So what was
read after it cannot change before the commit, two transactions never wait for each other's rows, and the program has
not to be right in one way on SQLite and in another way here. Reading waits for nobody.
"""

import re
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import JSON, BigInteger, Connection, Engine, ExceptionContext, cast, event, extract, text
from sqlalchemy.orm import Session

from recommender.database.dialects.changes import CHANNEL, WATCHED
from recommender.database.dialects.locks import AdvisoryContender, advisory_holder
from recommender.database.failures import reason

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

WRITING, _MIGRATING = 7_602_001, 7_602_002  # keys of advisory locks: any numbers that other programs hardly use
_WRITE = re.compile(r'\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?(\w+)', re.I)
_LOCKED, _TOLD = "kollega_locked", "kollega_told"  # marks of a connection whose transaction has done this
OUT_OF_ORDER = "kollega_out_of_order"
"""The execution option of a connection that writes without the lock: rows which nothing else depends on."""
_SECONDS_TO_CONNECT = 10  # a judgement
_KEEP_ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""A server that vanished without a word is noticed after ten seconds: a judgement."""
_TEXTS = """
    SELECT c.table_name, c.column_name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name <> 'alembic_version'
      AND (c.data_type = 'character varying' OR c.data_type = 'text' AND c.collation_name IS DISTINCT FROM 'C')
    ORDER BY c.table_name, c.column_name
"""
_SEQUENCES = """
    SELECT t.relname, a.attname, s.relname FROM pg_class s
    JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i') AND d.classid = 'pg_class'::regclass
    JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
    WHERE s.relkind = 'S' AND t.relnamespace = current_schema()::regnamespace ORDER BY t.relname
"""
"""(table, column, sequence) of each column that is numbered."""
_REFERENCES = """
    SELECT conrelid::regclass::text, conname FROM pg_constraint
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1, 2
"""


class PostgreSQL:
    """How PostgreSQL does what `Dialect` names."""

    options: ClassVar[dict[str, Any]] = {
        "pool_pre_ping": True,  # a server that was away and is back is used again
    }

    serves_in_order: ClassVar[bool] = True
    stores_nul: ClassVar[bool] = False

    def configure(self, engine: Engine, wait: float, durable: bool) -> None:
        settings = ["SET TIME ZONE 'UTC'", f"SET lock_timeout = {max(round(1000 * wait), 1)}"]
        settings += [] if durable else ["SET synchronous_commit = off"]
        event.listen(engine, "do_connect", _add_parameters)
        event.listen(engine, "connect", lambda connection, _record: _run(connection, settings))
        event.listen(engine, "before_cursor_execute", _before)
        event.listen(engine, "handle_error", _leave_values_out)
        event.listen(engine, "checkin", lambda _connection, record: _forget(record))
        for end in ("commit", "rollback"):
            event.listen(engine, end, _forget)
        # a lock that was taken after a savepoint is given back with it
        event.listen(engine, "rollback_savepoint", lambda connection, _name, _context: _forget(connection))

    def make_read_only(self, engine: Engine) -> None:
        setting = ["SET default_transaction_read_only = on"]
        event.listen(engine, "connect", lambda connection, _record: _run(connection, setting))

    def begin_migration(self, connection: Connection) -> None:
        _select(connection, f"pg_advisory_xact_lock({_MIGRATING})")
        _take_lock(connection)

    def end_migration(self, connection: Connection) -> None:
        """Texts are compared and sorted by their characters, whatever the language of the database, and their length is
        limited by the program, both as on SQLite."""
        changes: dict[str, list[str]] = {}
        for table, column in connection.execute(text(_TEXTS)).all():
            changes.setdefault(table, []).append(f'ALTER COLUMN "{column}" TYPE text COLLATE "C"')
        for table, columns in changes.items():
            connection.exec_driver_sql(f'ALTER TABLE "{table}" {", ".join(columns)}')

    def begin_snapshot(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    def begin_writing(self, connection: Connection) -> None:
        _take_lock(connection)

    def defer_references(self, connection: Connection) -> None:
        _take_lock(connection)  # before the locks of the tables: others take them in this order
        _alter_references(connection, "DEFERRABLE INITIALLY DEFERRED")

    def check_references(self, connection: Connection) -> str | None:
        """The database raises an IntegrityError itself for a row that refers to none."""
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        _alter_references(connection, "NOT DEFERRABLE")
        return None

    def last_ids(self, connection: Connection) -> dict[str, int]:
        last = {}
        for table, _column, sequence in connection.execute(text(_SEQUENCES)).all():
            number, used = connection.exec_driver_sql(f'SELECT last_value, is_called FROM "{sequence}"').one()  # noqa: S608
            if used:
                last[table] = number
        return last

    def set_last_ids(self, connection: Connection, last: dict[str, int]) -> None:
        for table, column, sequence in connection.execute(text(_SEQUENCES)).all():
            highest = connection.exec_driver_sql(f'SELECT max("{column}") FROM "{table}"').scalar() or 0  # noqa: S608
            number = max(highest, last.get(table, 0))
            if number:
                connection.exec_driver_sql(f"SELECT setval('\"{sequence}\"', {number})")

    def insert(self, table: Any) -> "postgresql.Insert":
        from sqlalchemy.dialects import postgresql  # takes a while to import, and few use it

        return postgresql.insert(table)

    def as_json(self, text: Any) -> Any:
        return cast(text, JSON)

    def microseconds(self, column: Any) -> Any:
        return cast(extract("epoch", column) * 1_000_000, BigInteger)

    def mark_changes(self, _engine: Engine) -> None:
        """Nothing: transactions that write at once would wait for each other's marks."""

    def marks(self, _connection: Connection) -> None:
        """There are none."""

    def listen(self, engine: Engine, _seconds: float) -> Any | None:
        pooled = engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()  # it is closed by who listens, and never used for anything else
        try:
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            connection.close()
            raise
        return connection

    def commits(self, engine: Engine) -> None:
        return None

    def contender(self, engine: Engine, name: str, holder: str) -> AdvisoryContender:
        return AdvisoryContender(engine, name, holder)

    def holder(self, engine: Engine, name: str) -> str | None:
        return advisory_holder(engine, name)

    def forget_pages(self, session: Session) -> None:
        """The server overwrites deleted rows when it next cleans the tables (autovacuum), not at once."""

    def problems(self, session: Session, most: int) -> list[str]:
        """None: the server checks its files and references itself."""
        return []

    def is_there(self, engine: Engine) -> bool:
        return True


def _add_parameters(_dialect: Any, _record: Any, _given: Any, parameters: dict[str, Any]) -> None:
    """Parameters of a connection that the address does not set."""
    parameters.setdefault("connect_timeout", _SECONDS_TO_CONNECT)
    parameters.setdefault("application_name", "kollega")
    for name, value in _KEEP_ALIVE.items():
        parameters.setdefault(name, value)


def _before(connection: Connection, _cursor: Any, statement: str, _values: Any, _context: Any, _many: bool) -> None:
    """Take the lock before the first write of a transaction, and tell `kollega watch` of what it looks for."""
    written = _WRITE.match(statement)
    if written is None or connection.get_execution_options().get(OUT_OF_ORDER):
        return
    _take_lock(connection)
    if written[1].lower() in WATCHED and not connection.info.get(_TOLD):
        connection.info[_TOLD] = True
        _select(connection, f"pg_notify('{CHANNEL}', '')")  # sent when the transaction is committed


def _take_lock(connection: Connection) -> None:
    if not connection.info.get(_LOCKED):
        _select(connection, f"pg_advisory_xact_lock({WRITING})")
        connection.info[_LOCKED] = True


def _select(connection: Connection, call: str) -> None:
    """Call a function. Its result is fetched, since a connection that streams results calls it only then."""
    connection.exec_driver_sql(f"SELECT {call}").all()


def _forget(connection: Any) -> None:
    """The transaction has ended, and with it what it had locked. A connection that was lost remembers nothing, and
    asking it would raise an error in place of the one that says why."""
    if getattr(connection, "invalidated", False):
        return
    connection.info.pop(_LOCKED, None)
    connection.info.pop(_TOLD, None)


def _leave_values_out(context: ExceptionContext) -> None:
    """The server repeats values that people wrote below the first line of a message, such as in its detail."""
    said, error = context.original_exception, context.sqlalchemy_exception
    if getattr(said, "sqlstate", None):
        said.args = (reason(said),)
        if error is not None:
            error.args = (f"({type(said).__module__}.{type(said).__name__}) {reason(said)}",)


def _alter_references(connection: Connection, how: str) -> None:
    for table, name in connection.execute(text(_REFERENCES)).all():
        connection.exec_driver_sql(f'ALTER TABLE {table} ALTER CONSTRAINT "{name}" {how}')


def _run(connection: Any, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.commit()
