"""Whether questions can be answered now: the database can be read and the index can be searched."""

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recommender.database import dialects
from recommender.database.readiness import readable
from recommender.live import Snapshot

NO_INDEX, NO_DATABASE, TOO_SLOW = "no index", "the database cannot be read", "the database does not answer in time"
"""What is told when something is wrong: these words alone, never a path, a name or an error of the database."""


def problem(engine: Engine, snapshot: Snapshot) -> str:
    """What is wrong, empty when nothing is. `engine` is used for this alone: it is disposed of afterwards, so that the
    next call reads the file and not what a connection remembers of it."""
    if not _readable(engine):
        return NO_DATABASE
    return "" if snapshot.index is not None else NO_INDEX


def _readable(engine: Engine) -> bool:
    if not dialects.of(engine).is_there(engine):
        return False
    try:
        with Session(engine) as session:
            return readable(session)
    finally:
        engine.dispose()
