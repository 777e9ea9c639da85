"""Erases what has been kept long enough, also from the index: `kollega retention`, and once a day `kollega watch`."""

import logging
import threading
import time
from contextlib import AbstractContextManager
from datetime import date
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from indexer.background import in_background
from recommender.database import dialects, encode_batches, shared_texts
from recommender.database.days import current_day, use_zone
from recommender.database.failures import explain, is_away
from recommender.database.files import database_path
from recommender.database.tables import utc_now
from recommender.index.generations import ask_for_rewrite
from recommender.knowledge import attachments, erasure, retention, reviews
from recommender.notifications import inbox
from recommender.organisation.values import Values
from recommender.settings import Settings
from recommender.uploads import upload

log = logging.getLogger(__name__)
_AGAIN = 3600.0  # seconds after which a failed erasure is tried again: a judgement


def erasing(settings: Settings, sessions: sessionmaker[Session]) -> AbstractContextManager[None]:
    """Once a day, erase what has been kept long enough, and tell owners of reviews that are due, in a thread that ends
    with this context."""
    return in_background("daily work", partial(_erase_until, settings, sessions))


def _erase_until(settings: Settings, sessions: sessionmaker[Session], stop: threading.Event) -> None:
    daily = Daily(settings, sessions)
    while not stop.is_set():
        daily.look()
        stop.wait(settings.watch_seconds)


class Daily:
    """The work of each day. When it fails, which is logged, it is tried again after an hour."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session]) -> None:
        self._settings = settings
        self._sessions = sessions
        self._done_on: date | None = None
        self._failed_at: float | None = None
        self._values = Values(sessions)

    def look(self) -> None:
        """Do it if it is time to. Days are those of the time zone that the organisation has set by now."""
        settings = self._values.organisation(self._settings).settings
        use_zone(settings.zone)
        today = current_day()
        waits = self._failed_at is not None and time.monotonic() < self._failed_at + _AGAIN
        if self._done_on == today or waits:
            return
        try:
            with self._sessions() as session:
                erase_what_is_due(settings, session)
                tell_what_is_due(session)
            upload.remove_old(self._settings)
            self._done_on, self._failed_at = today, None
        except Exception as error:
            self._failed_at = time.monotonic()
            if is_away(error):
                return
            sentence = explain(error, database_path(self._settings))
            log.error(
                "What has been kept long enough could not be erased; trying again in an hour. %s",
                sentence or "",
                exc_info=error if not sentence else None,
            )


def erase_what_is_due(settings: Settings, session: Session) -> int:
    """Erase requests, entries of the audit log, notifications, and texts that a killed run of `reindex --share` has
    left, whose time has come, and commit. Returns the number of requests; when there are any, the next run of `reindex`
    writes the index anew without them."""
    now = utc_now()
    if some_are_due := next(retention.due(session, now), None) is not None:
        ask_for_rewrite(settings.index_dir)  # before the commit, so that whoever sees that change sees this too
        shared_texts.ask_all_for_rewrite(session)
    try:
        erased = retention.erase_due(session, now, settings.audit_days)
    finally:
        if some_are_due:
            ask_for_rewrite(settings.index_dir)  # again: a run that began before a commit has read what is erased
    inbox.forget_old(session, now)
    session.commit()
    if some_are_due:
        shared_texts.ask_all_for_rewrite(session)
    encode_batches.remove_old(session.get_bind().engine, now)
    if erased:
        attachments.clean_up(session, settings)
    erasure.forget_pages(session)
    return erased


def tell_what_is_due(session: Session) -> int:
    """Tell owners of the documents that are due for review, and commit. Returns how many people were told."""
    # first of all, as another process may be telling them just now
    dialects.of(session.get_bind()).begin_writing(session.connection())
    told = reviews.tell_due(session, current_day())
    session.commit()
    return told
