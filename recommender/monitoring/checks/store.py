"""The database and the work that is kept in it: whether it can be used and is whole, backups, jobs, sources, and who
works on them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from recommender.database import dialects, leading
from recommender.database.audit_table import AuditEntry
from recommender.database.engine import newest_revision, open_engine, revision, revisions
from recommender.database.failures import code_of, is_of_server
from recommender.database.files import database_path, database_url
from recommender.database.job_tables import Job
from recommender.database.readiness import readable
from recommender.database.source_tables import SourceState
from recommender.database.tables import Document, HelpRequest, Reply, utc_now
from recommender.errors import DatabaseUnusable, KollegaError
from recommender.jobs.queue import FAILED, WAITING
from recommender.monitoring.checks.finding import Finding, fine, problem, warning
from recommender.sentences.sentence import Size
from recommender.settings import Settings

_CLOCK = 5.0  # seconds between two clocks that are no difference: a judgement
_FUTURE = timedelta(minutes=5)
_BACKUP_DAYS = 7
_STUCK = timedelta(hours=1)
_LATELY = timedelta(days=7)
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")


def is_on_server(settings: Settings) -> bool:
    """True when the database is not a file. Raises SettingsError for an address of none."""
    return database_url(settings).get_backend_name() != "sqlite"


def open_store(settings: Settings) -> tuple[Engine | None, list[Finding]]:
    """(the engine of a database with the tables of this version, None when there is none; what was found of it). Makes
    no database where there is none. Dispose of the engine."""
    path = database_path(settings)
    if path is not None and (not path.is_file() or not path.stat().st_size):
        return None, [problem("database", "database_missing")]
    engine = None
    try:
        engine = open_engine(settings, wait=5.0)
        found = revision(engine)
    except (DBAPIError, KollegaError, OSError) as error:
        if engine is not None:
            engine.dispose()
        return None, [_unusable(error)]
    if found == newest_revision():
        with Session(engine) as session:
            if readable(session):
                return engine, [_described(engine, found)]
        code = "database_damaged"
    else:
        older = found in revisions()
        code = "database_missing" if found is None else "database_older" if older else "database_newer"
    engine.dispose()
    known = found if found and found.isdecimal() else "unknown"  # anything may be in that table
    return None, [problem("database", code, revision=known, wanted=newest_revision())]


def integrity(session: Session) -> Iterator[Finding]:
    """What the database finds when it reads all of itself."""
    if dialects.of(session.get_bind()).problems(session, 1):
        yield problem("database", "database_damaged")
    else:
        yield fine("database", "database_whole")


def clock(session: Session) -> Iterator[Finding]:
    """Whether this machine's clock agrees with the database's, and whether what is stored has a time that has not come
    yet."""
    if session.get_bind().dialect.name == "postgresql":
        before = datetime.now(UTC)
        there: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        apart = abs((there - before - (datetime.now(UTC) - before) / 2).total_seconds())
        if apart > _CLOCK:
            yield warning("clock", "clock_differs", seconds=round(apart))
            return
    times = [session.scalar(select(func.max(table.updated_at))) for table in (HelpRequest, Reply, Document)]
    newest = max((time for time in times if time), default=None)
    ahead = newest - utc_now() if newest else timedelta()
    if ahead > _FUTURE:
        yield warning("clock", "clock_future", minutes=round(ahead.total_seconds() / 60))
    else:
        yield fine("clock", "clock")


def last_backup(session: Session) -> Iterator[Finding]:
    """When `kollega backup` was last run, by the audit log."""
    newest = session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.action == "store.backup"))
    if newest is None:
        yield warning("backup", "backup_never")
        return
    days = (utc_now() - newest).days
    if days >= _BACKUP_DAYS:
        yield warning("backup", "backup_old", day=newest.date(), days=days)
    else:
        yield fine("backup", "backup", day=newest.date())


def watcher(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Whether `kollega watch` does what is done once for the database, and brings this machine's index up to date."""
    try:
        work = leading.leader(engine, leading.SHARED_WORK)
        index = leading.leader(engine, leading.index_lead(settings)) if settings.index_dir.is_dir() else work
    except OSError:  # of the lock files
        yield warning("watcher", "watcher_unknown")
        return
    if work and index:
        yield fine("watcher", "watcher")
    else:
        yield warning("watcher", "watcher_no_index") if work else problem("watcher", "watcher_missing")


def jobs(session: Session) -> Iterator[Finding]:
    """Jobs that wait for long after they might have been begun, and those that failed lately."""
    waits = select(func.count(), func.min(Job.next_attempt_at)).where(Job.state == WAITING)
    waiting, oldest = session.execute(waits).one()
    recent = Job.finished_at >= utc_now() - _LATELY
    failed = session.scalar(select(func.count()).select_from(Job).where(Job.state == FAILED, recent)) or 0
    age = utc_now() - oldest if oldest else timedelta()
    if age > _STUCK:
        yield warning("jobs", "jobs_stuck", waiting=waiting, hours=int(age.total_seconds() // 3600))
    else:
        yield fine("jobs", "jobs", waiting=waiting)
    if failed:
        yield warning("jobs", "jobs_failed", failed=failed)


def sources(session: Session) -> Iterator[Finding]:
    """How the last runs of the sources went, without their names."""
    states = session.execute(select(SourceState.error, SourceState.problems)).all()
    failed = sum(bool(error) for error, _problems in states)
    partly = sum(bool(problems) and not error for error, problems in states)
    if failed:
        yield warning("sources", "sources_failed", failed=failed, count=len(states))
    if partly:
        yield warning("sources", "sources_problems", count=partly)
    if not failed and not partly:
        yield fine("sources", "sources", count=len(states)) if states else fine("sources", "sources_none")


def _described(engine: Engine, found: str) -> Finding:
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            kind = f"PostgreSQL {str(connection.execute(text('SHOW server_version')).scalar()).split()[0]}"
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        else:
            kind = f"SQLite {connection.execute(text('SELECT sqlite_version()')).scalar()}"
            pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
            size = connection.execute(text(pages)).scalar_one()
    return fine("database", "database", kind=kind, size=Size(size), revision=found)


def _unusable(error: BaseException) -> Finding:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    code = code_of(cause) or type(cause).__name__
    if code in _DAMAGE:
        return problem("database", "database_damaged")
    if is_of_server(cause):
        return problem("database", "database_away", code=code)
    return problem("database", "database_unusable", code="other tables" if type(error) is DatabaseUnusable else code)
