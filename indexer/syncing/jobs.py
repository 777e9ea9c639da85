"""Loads what programs have sent to the API, beside `kollega watch`, within seconds."""

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session, sessionmaker

from indexer.background import repeating
from indexer.loading.load import load
from indexer.sources.jsonl import located
from indexer.sources.protocol import WholeSource
from indexer.sources.records import DeletedRecord, Located, PersonRecord, first_problem
from indexer.texts.masking import MaskingRules
from recommender.database.failures import explain, is_away
from recommender.database.files import database_path
from recommender.database.job_tables import Job
from recommender.jobs import kinds, queue
from recommender.language.analyzer import Analyzer
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings

log = logging.getLogger(__name__)
RIGHTS_LEFT_OUT = Sentence("roles, teams and last days of people were left out; only an import by an admin sets them")
_RIGHTS = frozenset({"role", "teams", "left_on"})
_MOST_PROBLEMS = 50  # that are stored of a job: a judgement


def loading_jobs(settings: Settings, sessions: sessionmaker[Session]) -> AbstractContextManager[None]:
    """Look for jobs every few seconds, in a thread that ends with this context."""
    analyzer = cache(lambda: Analyzer(settings.models_dir / "dictionaries"))  # made when there is something to do

    def work_all(stop: threading.Event) -> None:
        with sessions() as session:
            waiting = queue.next_due(session) is not None
        while waiting and not stop.is_set():
            waiting = work(settings, sessions, analyzer())

    return repeating("jobs", settings.watch_seconds, work_all, "Jobs could not be done; trying again", log)


class SentItems(WholeSource):
    """The items of one call of the API: records to load, or what was deleted."""

    def __init__(self, job: Job) -> None:
        self.name, self._deleted, self._items = job.source, job.kind == kinds.DELETE, list(job.payload)

    def records(self) -> Iterator[Located]:
        """Each item as a record, or the problem why it is none, with its number in the call, from 1 on."""
        for number, item in enumerate(self._items, 1):
            yield _deleted(number, item) if self._deleted else _without_rights(located("items", number, item, [], []))


def work(settings: Settings, sessions: sessionmaker[Session], analyzer: Analyzer) -> bool:
    """Do one job that is due. False when there is none. What fails is tried again later."""
    with sessions() as session:
        number = queue.next_due(session)
    if number is None:
        return False
    with sessions.begin() as session:
        job = queue.claim(session, number)
        if job is None:
            return True
        source, attempt = SentItems(job), job.attempts
    try:
        report = load(source, sessions, analyzer, mask=MaskingRules(settings.masked))
    except Exception as error:
        if is_away(error):  # which is told for all work together; whoever claims the job later does it
            raise
        sentence = explain(error, database_path(settings)) or Sentence(
            "Kollega failed: %(kind)s.", kind=type(error).__name__
        )
        log.exception("Items that were sent could not be loaded; trying again")
        with sessions.begin() as session:
            queue.fail(session, number, attempt, sentence)
        return True
    result: dict[str, Any] = {**report.counts(), "problems": report.problems[:_MOST_PROBLEMS]}
    rights = [line for line in report.change_lines() if line.startswith(RIGHTS_LEFT_OUT)]
    result["kept"] = [*rights, *report.conflicts, *report.not_widened][:_MOST_PROBLEMS]
    result["problem_count"] = len(report.problems)
    with sessions.begin() as session:
        queue.finish(session, number, result)
    return True


def _without_rights(found: Located) -> Located:
    """The record without what lets a person do more or sign in longer: the token that sends it may load items only."""
    record = found.record
    if not isinstance(record, PersonRecord) or not record.model_fields_set & _RIGHTS:
        return found
    kept = {name: getattr(record, name) for name in record.model_fields_set - _RIGHTS}
    return replace(found, record=PersonRecord(**kept), changes=(*found.changes, (RIGHTS_LEFT_OUT, record.id)))


def _deleted(number: int, item: Any) -> Located:
    try:
        return Located("items", number, DeletedRecord.model_validate(item))
    except ValidationError as error:
        return Located("items", number, None, first_problem(error))
