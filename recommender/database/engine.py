"""Opens the database and migrates its tables. Nothing is global: the caller closes what it opens."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Executable, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from recommender.errors import SettingsError
from recommender.settings import Settings

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_TIMEOUT = 10_000  # milliseconds that SQLite waits for another writer


def open_engine(settings: Settings) -> Engine:
    """The engine of the settings' database, on SQLite with a write-ahead log, foreign keys and a wait for locks.

    Raises SettingsError when the address of the database or the home directory cannot be used.
    """
    try:
        if settings.database_url.startswith("sqlite:///"):
            settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)  # its files contain confidential texts
        engine = create_engine(settings.database_url)
    except OSError as error:
        raise SettingsError(f"KOLLEGA_HOME={settings.home} cannot be used: {error.strerror}.") from error
    except (ArgumentError, ImportError) as error:
        raise SettingsError(f"KOLLEGA_DATABASE is not a database URL that can be used here: {error}.") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    return engine


def open_database(settings: Settings) -> sessionmaker[Session]:
    """A session factory on the settings' database, after migrating it to the newest revision. Close it with
    `factory.kw["bind"].dispose()`. Raises SettingsError when the database cannot be used."""
    engine = open_engine(settings)
    migrate(engine)
    return sessionmaker(engine, expire_on_commit=False)


def migrate(engine: Engine) -> None:
    """Migrate the tables to the newest revision. When they have it already, alembic is not imported, which saves time.

    Raises SettingsError when the database cannot be used.
    """
    try:
        if _revision(engine) == newest_revision():
            return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":  # one process at a time, all or nothing
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as error:
        raise SettingsError(f"The database {engine.url!r} cannot be used: {error.orig}.") from error


def execute_unless_busy(engine: Engine, statement: Executable) -> bool:
    """Execute and commit a small write that may be skipped, such as when something was last used. False when another
    process is writing: it does not wait for that one."""
    with engine.connect() as connection:
        waits = engine.dialect.name == "sqlite"
        if waits:
            connection.exec_driver_sql("PRAGMA busy_timeout=0")
        try:
            connection.execute(statement)
            connection.commit()
        except OperationalError:
            connection.rollback()
            return False
        finally:
            if waits:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_TIMEOUT}")
        return True


def newest_revision() -> str:
    """The revision after the last migration: the number that starts the last file name."""
    return max(path.name for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def _revision(engine: Engine) -> str | None:
    """The revision of the tables in the database; None when there are no tables yet."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _configure_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={_BUSY_TIMEOUT}", "journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
