"""Computes topics, what hangs on people in them, and what is missing: once for `kollega insights update`, and beside
`kollega watch` after the index has changed."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from indexer.background import repeating
from indexer.indexing.collecting import rarely_collecting
from indexer.indexing.open_index import OpenIndex
from indexer.indexing.question_vectors import QuestionVectors
from recommender.database.days import day_of
from recommender.database.tables import utc_now
from recommender.encoder import Encoder
from recommender.errors import KollegaError
from recommender.index import generations
from recommender.index.model_in_use import Encoders
from recommender.insights.gaps.update import GapsReport, update_gaps
from recommender.insights.risk.figures import MOST_IN_ALL, FiguresReport, update_figures
from recommender.insights.topics.members import read_once
from recommender.insights.topics.questions import asked_soon
from recommender.insights.topics.stored import changed_last
from recommender.insights.topics.update import TopicsReport, update_topics
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.search.question import QuestionAnalyzer, part_to_read
from recommender.settings import Settings

log = logging.getLogger(__name__)
_LOOKS = 30.0
"""Seconds between two looks at the index: a judgement."""
_STAYS_OPEN = 600.0
"""Seconds for which the index stays open after an update: a judgement."""


@dataclass(frozen=True)
class InsightsReport:
    """What was computed; without topics there are neither figures nor gaps. `topics_of` is when the topics had been
    changed last before their figures were computed."""

    topics: TopicsReport
    topics_of: datetime | None = None
    figures: FiguresReport | None = None
    gaps: GapsReport | None = None

    def lines(self) -> list[str]:
        """A line for each part, for an admin."""
        return [part.line() for part in (self.topics, self.figures, self.gaps) if part is not None]


def compute_insights(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: Encoder,
    analyzer: Analyzer,
    again: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    opened: OpenIndex | None = None,
) -> InsightsReport:
    """Bring the topics up to date with the index (form them all again with `again`), ask their past questions again,
    and look for what is missing. `progress` is called with (questions asked, questions to ask). `opened` is
    what the index stays open in until the next time. Raises KollegaError when there is no index that can be used."""
    now = utc_now()  # what changes from here on is looked at again the next time
    questions = QuestionVectors(encoder, settings.index_dir, day_of(now))
    with questions.encoding_ahead(partial(_asked_soon, sessions)):
        live, index = (opened or OpenIndex(settings, sessions)).get(questions)
        with rarely_collecting():
            topics = update_topics(sessions, index, analyzer, now, again)
    with sessions() as session:
        topics_of = changed_last(session)
    if not topics.topics:
        return InsightsReport(topics, topics_of)
    members_of = read_once()
    with rarely_collecting():
        recommender = Recommender(settings, QuestionAnalyzer.load(analyzer, settings), live)
        figures = update_figures(sessions, recommender.searching, index, settings, now, progress, members_of=members_of)
        questions.save()
        return InsightsReport(topics, topics_of, figures, update_gaps(sessions, now, members_of))


def _asked_soon(sessions: sessionmaker[Session]) -> list[str]:
    """The texts that are likely to be encoded, as a search reads them."""
    with sessions() as session:
        return [part_to_read(text) for text in asked_soon(session, MOST_IN_ALL)]


class Insights:
    """For which generation of the index everything was computed last, and when."""

    def __init__(
        self, settings: Settings, sessions: sessionmaker[Session], encoders: Encoders, analyzer: Analyzer
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._encoders = encoders
        self._analyzer = analyzer
        self._opened = OpenIndex(settings, sessions)
        self._generation: str | None = None
        self._topics_of: datetime | None = None
        self._updated_at: float | None = None

    def follow(self) -> bool:
        """Compute everything if there is another index, or a lead has changed a topic, and KOLLEGA_INSIGHTS_MINUTES
        have passed since the last time. Returns whether that was so. An index that cannot be used is logged, and tried
        again when it changes; what was computed of topics, items or people that were removed meanwhile is not stored,
        and computed again at the next look."""
        self._opened.close_unless_used(_STAYS_OPEN)
        generation = generations.live_name(self._settings.index_dir)
        pause = 60.0 * self._settings.insights_minutes
        if generation is None or (generation == self._generation and self._changed_last() == self._topics_of):
            return False
        if self._updated_at is not None and time.monotonic() < self._updated_at + pause:
            return False
        topics_of = None
        try:
            encoder = self._encoders.get()
            report = compute_insights(self._settings, self._sessions, encoder, self._analyzer, opened=self._opened)
            for line in report.lines():
                log.info("%s", line)
            topics_of = report.topics_of
        except KollegaError as error:
            log.warning("The topics could not be brought up to date. %s", error)
        except IntegrityError:
            log.info("Something was removed while the topics were brought up to date; that is begun again.")
            return True
        self._generation, self._updated_at = generation, time.monotonic()
        self._topics_of = topics_of or self._changed_last()
        return True

    def _changed_last(self) -> datetime | None:
        with self._sessions() as session:
            return changed_last(session)


def following_topics(
    settings: Settings, sessions: sessionmaker[Session], encoders: Encoders, analyzer: Analyzer
) -> AbstractContextManager[None]:
    """Compute everything in a thread, as often as `Insights.follow` says."""
    insights = Insights(settings, sessions, encoders, analyzer)

    def work(_stop: threading.Event) -> None:
        insights.follow()

    return repeating("topics", _LOOKS, work, "The topics could not be brought up to date; trying again.", log)
