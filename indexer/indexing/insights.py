"""Brings the topics up to date beside `kollega watch`, after the index has changed."""

import logging
import threading
import time
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session, sessionmaker

from indexer.background import repeating
from recommender.database.tables import utc_now
from recommender.encoder import ModelCard
from recommender.errors import KollegaError
from recommender.index import generations
from recommender.index.local import LocalIndex
from recommender.insights.update import update_topics
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

log = logging.getLogger(__name__)
_LOOKS = 30.0
"""Seconds between two looks at the index: a judgement."""


class Insights:
    """The topics, and for which generation of the index they were brought up to date last, and when."""

    def __init__(
        self, settings: Settings, sessions: sessionmaker[Session], card: ModelCard, analyzer: Analyzer
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._card = card
        self._analyzer = analyzer
        self._generation: str | None = None
        self._updated_at: float | None = None

    def follow(self) -> bool:
        """Bring the topics up to date if there is another index and KOLLEGA_INSIGHTS_MINUTES have passed since the last
        time. Returns whether that was so. An index that cannot be used is logged, and tried again when it changes."""
        generation = generations.live_name(self._settings.index_dir)
        pause = 60.0 * self._settings.insights_minutes
        if generation in (None, self._generation):
            return False
        if self._updated_at is not None and time.monotonic() < self._updated_at + pause:
            return False
        try:
            index = LocalIndex.open(self._settings.index_dir, self._card)
            report = update_topics(self._sessions, index, self._analyzer, utc_now())
            log.info("%s", report.line())
        except KollegaError as error:
            log.warning("The topics could not be brought up to date. %s", error)
        self._generation, self._updated_at = generation, time.monotonic()
        return True


def following_topics(
    settings: Settings, sessions: sessionmaker[Session], card: ModelCard, analyzer: Analyzer
) -> AbstractContextManager[None]:
    """Bring the topics up to date in a thread, as often as `Insights.follow` says."""
    insights = Insights(settings, sessions, card, analyzer)

    def work(_stop: threading.Event) -> None:
        insights.follow()

    return repeating("topics", _LOOKS, work, "The topics could not be brought up to date; trying again.", log)
