"""Engine, session factory and migrations. Nothing here is global: the caller keeps what it opens."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from recommender.settings import Settings

_MIGRATIONS = Path(__file__).parent / "migrations"


def open_engine(settings: Settings) -> Engine:
    """The engine of the settings' database; on SQLite with WAL, foreign keys and a wait instead of "locked"."""
    if settings.database_url.startswith("sqlite:///"):
        settings.home.mkdir(parents=True, exist_ok=True)
    engine = create_engine(settings.database_url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    return engine


def open_database(settings: Settings) -> sessionmaker[Session]:
    """A session factory on a database that is migrated to the newest revision first."""
    engine = open_engine(settings)
    migrate(engine)
    return sessionmaker(engine, expire_on_commit=False)


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision; does nothing when they are there."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _configure_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=10000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
