"""Whether questions can be answered now: the database can be read and the index can be searched."""

from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from recommender.database.account_tables import Account
from recommender.database.tables import Document, HelpRequest, Person, Reply
from recommender.live import Snapshot

NO_INDEX, NO_DATABASE, TOO_SLOW = "no index", "the database cannot be read", "the database does not answer in time"
"""What is told when something is wrong: these words alone, never a path, a name or an error of the database."""
_TABLES = (Person, Account, HelpRequest, Reply, Document)


def problem(engine: Engine, snapshot: Snapshot) -> str:
    """What is wrong, empty when nothing is. `engine` is used for this alone: it is disposed of afterwards, so that the
    next call reads the file and not what a connection remembers of it."""
    if not _readable(engine):
        return NO_DATABASE
    return "" if snapshot.index is not None else NO_INDEX


def _readable(engine: Engine) -> bool:
    """Reads the newest row of the main tables."""
    file = engine.url.database
    if engine.dialect.name == "sqlite" and not (file and Path(file).is_file() and Path(file).stat().st_size):
        return False  # connecting would make a new, empty one
    try:
        with engine.connect() as connection:
            for table in _TABLES:
                newest = next(iter(table.__table__.primary_key)).desc()
                connection.execute(select(table).order_by(newest).limit(1)).first()
    except (SQLAlchemyError, OSError, ValueError):  # ValueError: what is in a damaged row is no date or number
        return False
    finally:
        engine.dispose()
    return True
