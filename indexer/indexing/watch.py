"""Watches the database and updates the index when it changes, in a separate process beside the server."""

import logging
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import ReindexReport, reindex
from indexer.indexing.retention import erase_what_is_due
from recommender.corpus import fingerprint
from recommender.database.failures import explain
from recommender.database.files import database_path
from recommender.database.tables import utc_now
from recommender.encoder import Encoder
from recommender.errors import IndexLocked, IndexMismatch
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

log = logging.getLogger(__name__)
_LONGEST_PAUSE = 60.0  # seconds; a judgement


def watch(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: Encoder,
    analyzer: Analyzer,
    report: Callable[[ReindexReport], None],
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Reindex whenever the database's fingerprint changes, until `stopped()`. Once a day, erase first what has been
    kept long enough.

    `report` is called after each run. While another process writes the index, this waits. After an error, which is
    logged, it tries again; the pause before that is doubled each time, up to a minute.
    """
    last: tuple[Any, ...] | None = None
    pause = settings.watch_seconds
    erased_on: date | None = None
    while not stopped():
        try:
            with sessions() as session:
                if erased_on != utc_now().date():
                    erase_what_is_due(settings, session)
                    erased_on = utc_now().date()
                now = fingerprint(session)
            if now != last:
                report(reindex(settings, sessions, encoder, analyzer))
                last = now
            pause = settings.watch_seconds
        except IndexLocked as error:
            log.warning("%s", error)
        except IndexMismatch as error:
            log.error("%s If you have done so, start this command again.", error)
            pause = min(2 * pause, _LONGEST_PAUSE)
        except Exception as error:
            sentence = explain(error, database_path(settings))
            log.error("The index could not be updated; trying again. %s", sentence or "", exc_info=sentence is None)
            pause = min(2 * pause, _LONGEST_PAUSE)
        time.sleep(pause)
