"""Brings the tables of a database of an older version up to date, after a backup."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from recommender.database.backup import back_up
from recommender.database.engine import (
    migrate,
    newest_revision,
    open_engine,
    other_version,
    revision,
    revisions,
    unusable,
)
from recommender.errors import DatabaseUnusable, DatabaseVersion
from recommender.settings import Settings

KEPT = 3  # backups that upgrades have made: a judgement
_PREFIX = "before-upgrade-"


@dataclass(frozen=True)
class Upgrade:
    """What an upgrade did: the revisions before and after (equal when nothing was to be done, `before` None when there
    was no database), its backup, and the tables that have fewer rows than before, as (before, after)."""

    before: str | None
    after: str
    backup: Path | None = None
    fewer: dict[str, tuple[int, int]] = field(default_factory=dict)


def upgrade(settings: Settings, with_backup: bool = True) -> Upgrade:
    """Migrate the database to this version's tables, all or nothing, after a backup into the home's `backups`, of which
    the newest KEPT stay. Makes the tables of a new database.

    Raises DatabaseVersion when a newer version has made the database, BackupError when no backup can be made,
    DatabaseUnusable when the migration fails; the database is then as it was.
    """
    engine = open_engine(settings)
    try:
        before, after = revision(engine), newest_revision()
        if before == after:
            return Upgrade(before, after)
        if before is not None and before not in revisions():
            raise DatabaseVersion(other_version(before))
        backup = _back_up(settings, before) if with_backup and before is not None else None
        rows = _rows(engine)
        _migrate(engine, backup)
        now = _rows(engine)
    except DBAPIError as error:
        raise unusable(error, settings) from error
    finally:
        engine.dispose()
    fewer = {name: (count, now[name]) for name, count in rows.items() if name in now and now[name] < count}
    return Upgrade(before, after, backup, fewer)


def _back_up(settings: Settings, before: str) -> Path:
    settings.backups_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = settings.backups_dir / f"{_PREFIX}{moment}-from-{before}.zip"
    back_up(settings, path, with_files=False)  # which an upgrade does not touch: they stay in the home
    for old in sorted(settings.backups_dir.glob(f"{_PREFIX}*.zip"))[:-KEPT]:
        old.unlink()
    return path


def _migrate(engine: Engine, backup: Path | None) -> None:
    try:
        migrate(engine)
    except DBAPIError:
        raise
    except Exception as error:
        kept = f" A backup is {backup}." if backup else ""
        raise DatabaseUnusable(
            f"The upgrade failed ({type(error).__name__}: {error}). The database is as it was before.{kept}"
        ) from error


def _rows(engine: Engine) -> dict[str, int]:
    """The number of rows of each table."""
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        quoted = {name: engine.dialect.identifier_preparer.quote(name) for name in names}
        return {name: connection.scalar(text(f"SELECT count(*) FROM {quoted[name]}")) or 0 for name in names}  # noqa: S608
