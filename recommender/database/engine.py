"""Opens the database, and makes its tables where there are none. Nothing is global: the caller closes what it opens."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from recommender.database import dialects
from recommender.database.failures import explain, reason
from recommender.database.files import database_path, database_url, make_private, shown
from recommender.database.version_guard import guard_version
from recommender.errors import DatabaseUnusable, DatabaseVersion, SettingsError
from recommender.settings import Settings

_MIGRATIONS = Path(__file__).parent / "migrations"
SIGNS_IN_ELSEWHERE = "signs_in_elsewhere"
"""The option of an engine whose settings have people signed in by a proxy or an OpenID provider."""
_WAIT = 10.0  # seconds for a lock; a judgement
_MONITORING = 2  # threads of the server that answer monitoring


def open_engine(settings: Settings, wait: float = _WAIT, durable: bool = True) -> Engine:
    """The engine of the settings' database: SQLite with a write-ahead log and foreign keys, or PostgreSQL. Logs and
    errors never show the values of a statement: they are what people wrote.

    `wait` is for how many seconds a lock is waited for. What was committed survives a power failure when `durable`;
    otherwise the last commits may be lost then, and a commit does not wait for the disk.

    Raises SettingsError when the address of the database or the home directory cannot be used, DatabaseUnusable when
    the database file cannot be.
    """
    url = database_url(settings)
    dialect = dialects.named(url.get_backend_name())
    try:
        threads = 2 * settings.server_threads + _MONITORING  # of pages, and as many of what is typed
        engine = create_engine(url, hide_parameters=True, pool_size=threads, max_overflow=threads, **dialect.options)
    except (ArgumentError, ImportError) as error:
        raise SettingsError(f"KOLLEGA_DATABASE is not a database URL that can be used here: {error}.") from error
    engine.update_execution_options(**{SIGNS_IN_ELSEWHERE: bool(settings.proxy_header or settings.oidc_issuer)})
    make_private(settings)
    dialect.configure(engine, wait, durable)
    return engine


def open_database(settings: Settings) -> sessionmaker[Session]:
    """A session factory on the settings' database; in a new or empty one the tables are made. Close it with
    `factory.kw["bind"].dispose()`.

    Raises SettingsError and DatabaseUnusable when the database cannot be used, DatabaseVersion when its tables are of
    another version of Kollega.
    """
    return _sessions(settings, open_engine(settings), migrate)


def open_to_read(settings: Settings) -> sessionmaker[Session]:
    """A session factory on a database that is there already: nothing can be written through it. Close it like that of
    `open_database`.

    Raises SettingsError and DatabaseUnusable when there is no database or it cannot be used, DatabaseVersion when its
    tables are of another version of Kollega.
    """
    path = database_path(settings)
    if path is not None and not path.exists():
        raise DatabaseUnusable(f"There is no database at {path}. Set KOLLEGA_HOME to its folder, or restore a backup.")

    def refuse(engine: Engine) -> None:
        raise DatabaseUnusable(f"The database {shown(engine.url)} is empty. Restore a backup.")

    engine = open_engine(settings)
    dialects.of(engine).make_read_only(engine)
    return _sessions(settings, engine, refuse)


def _sessions(settings: Settings, engine: Engine, when_empty: Callable[[Engine], None]) -> sessionmaker[Session]:
    try:
        found = revision(engine)
        if found is None:
            when_empty(engine)
        elif found != newest_revision():
            raise DatabaseVersion(other_version(found))
    except DBAPIError as error:
        engine.dispose()
        raise unusable(error, settings) from error
    except BaseException:
        engine.dispose()
        raise
    guard_version(engine, newest_revision(), other_version)
    return sessionmaker(engine, expire_on_commit=False)


def unusable(error: DBAPIError, settings: Settings) -> DatabaseUnusable:
    """The error that says why the database cannot be used."""
    path = database_path(settings)
    return DatabaseUnusable(explain(error, path) or f"The database {shown(database_url(settings))}: {reason(error)}.")


def migrate(engine: Engine, to: str = "head") -> None:
    """Bring the tables to the newest revision or the one named, all or nothing; in an empty database they are made."""
    from alembic import command  # takes long to import, and is seldom needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    dialect = dialects.of(engine)
    with engine.begin() as connection:
        dialect.begin_migration(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        dialect.end_migration(connection)


def revisions() -> list[str]:
    """The revisions that the migrations lead to, oldest first: the numbers that start their file names."""
    return sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def newest_revision() -> str:
    """The revision after the last migration."""
    return revisions()[-1]


def revision(engine: Engine) -> str | None:
    """The revision of the tables in the database; None when there are no tables yet. Raises DatabaseUnusable when the
    tables are not Kollega's."""
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        if not tables:
            return None
        found = None
        if "alembic_version" in tables:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is None:
        raise DatabaseUnusable(
            f"The database {shown(engine.url)} holds the tables of another program. Set KOLLEGA_HOME to a directory of "
            "Kollega's own."
        )
    return str(found)


def other_version(found: str) -> str:
    """The sentence about a database with tables of another revision."""
    if found in revisions():
        return (
            f"The database is of an older version of Kollega ({found}; this version needs {newest_revision()}). "
            "Stop the server and run: kollega upgrade"
        )
    return (
        f"The database is of a newer version of Kollega ({found}; this version knows up to {newest_revision()}). "
        "Install that version and start Kollega again, or restore a backup that this version made."
    )
