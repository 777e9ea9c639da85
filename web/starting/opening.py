"""Opens what answers questions in a thread of its own, while the pages are imported and put together. Much of it is
work of libraries, for which Python's lock is not needed."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from sqlalchemy.orm import Session, sessionmaker

from recommender.database.engine import open_database
from recommender.organisation.values import Organisation
from recommender.recommender import Recommender
from recommender.settings import Settings


class Opening(NamedTuple):
    """The database, the settings with what the organisation has set, and the recommender, which comes when it is ready
    for the first question."""

    sessions: sessionmaker[Session]
    settings: Settings
    recommender: Future[Recommender]

    def close(self) -> None:
        """Close the database, once the recommender is there: a thread that the end of Python overtakes would say that
        the model cannot be loaded."""
        self.recommender.exception()
        self.sessions.kw["bind"].dispose()


def begin(settings: Settings, recommender: Recommender | None = None) -> Opening:
    """Open the database, and begin to open the rest, unless there is a recommender already. Raises the errors of
    `open_database`."""
    sessions = open_database(settings)
    try:
        with sessions() as session:
            applied = Organisation.read(session, settings).settings
    except BaseException:
        sessions.kw["bind"].dispose()
        raise
    thread = ThreadPoolExecutor(1)
    opened = thread.submit(lambda: recommender or _ready(applied, sessions))
    thread.shutdown(wait=False)  # it ends with its work
    return Opening(sessions, applied, opened)


def _ready(settings: Settings, sessions: sessionmaker[Session]) -> Recommender:
    recommender = Recommender.open(settings, sessions)
    recommender.warm_up()
    return recommender
