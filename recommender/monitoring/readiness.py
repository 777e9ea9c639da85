"""Whether questions can be answered now: the database can be read and the index can be searched."""

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recommender.database import dialects
from recommender.database.engine import newest_revision, revision
from recommender.database.readiness import readable
from recommender.live import Snapshot

NO_INDEX, NO_DATABASE, TOO_SLOW = "no index", "the database cannot be read", "the database does not answer in time"
OTHER_VERSION = "the database is of another version"
"""What is told when something is wrong: these words alone, never a path, a name or an error of the database."""


def problem(engine: Engine, snapshot: Snapshot) -> str:
    """What is wrong, empty when nothing is. `engine` is used for this alone: it is disposed of afterwards, so that the
    next call reads the file and not what a connection remembers of it."""
    return _problem_of_database(engine) or ("" if snapshot.index is not None else NO_INDEX)


def _problem_of_database(engine: Engine) -> str:
    if not dialects.of(engine).is_there(engine):
        return NO_DATABASE
    try:
        with Session(engine) as session:
            if not readable(session):
                return NO_DATABASE
        return "" if revision(engine) == newest_revision() else OTHER_VERSION
    finally:
        engine.dispose()
