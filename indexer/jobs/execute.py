"""Does one job, from its claim to its result."""

import logging
import signal
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from indexer.jobs.kinds import KINDS
from indexer.jobs.running import RunningJob, Stopped
from recommender.database.failures import explain, is_away
from recommender.database.files import database_path
from recommender.database.job_tables import Job
from recommender.errors import KollegaError
from recommender.jobs import progress, queue
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings

log = logging.getLogger(__name__)
_INTERRUPTED = Sentence("Interrupted, because Kollega was stopped. It is begun again.")


def execute(
    settings: Settings, sessions: sessionmaker[Session], number: int, attempt: int, own_process: bool = False
) -> str:
    """Do a job that was claimed as this attempt, and store what came of it; its state afterwards.

    In a process of its own SIGTERM ends it, and it is begun again by the next `kollega watch`. An error of which
    Kollega says what to do ends the job, since it would only fail again; any other one has it tried again.
    """
    with sessions() as session:
        job = session.get_one(Job, number)
        kind, payload = job.kind, job.payload
    running = RunningJob(settings, sessions, number, attempt, payload if isinstance(payload, dict) else {})
    if own_process:
        signal.signal(signal.SIGTERM, _raise_stopped)
    try:
        with running.guarded(own_process):
            again = Sentence("Begun for the %(num)s. time.", num=attempt)
            running.note(Sentence("Begun.") if attempt == 1 else again)
            result = KINDS[kind](running)
    except Stopped:
        _ignore_signals(own_process)
        return _stopped(running)
    except Exception as error:
        _ignore_signals(own_process)
        if is_away(error):
            raise
        return _failed(running, error)
    _ignore_signals(own_process)
    return _finished(running, result)


def _raise_stopped(_signal: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def _ignore_signals(own_process: bool) -> None:
    """What is stored at the end is not to be interrupted."""
    if own_process:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _stopped(running: RunningJob) -> str:
    with running.sessions.begin() as session:
        if running.is_cancelled:
            queue.end_cancelled(session, running.number, running.attempt)
            progress.note(session, running.number, Sentence("Cancelled."))
            return queue.CANCELLED
        queue.release(session, running.number, running.attempt)
        progress.note(session, running.number, _INTERRUPTED)
        return queue.WAITING


def _failed(running: RunningJob, error: Exception) -> str:
    sentence = str(error) if isinstance(error, KollegaError) else explain(error, database_path(running.settings))
    if sentence is None:
        log.error("Job %d has failed", running.number, exc_info=error)
    failed = Sentence("Kollega failed: %(kind)s. The log of kollega watch has more.", kind=type(error).__name__)
    sentence = sentence or failed
    with running.sessions.begin() as session:
        again = not isinstance(error, KollegaError)
        if queue.fail(session, running.number, running.attempt, sentence, again):
            progress.note(session, running.number, sentence)
        return session.get_one(Job, running.number, populate_existing=True).state


def _finished(running: RunningJob, result: dict[str, Any]) -> str:
    with running.sessions.begin() as session:
        if queue.finish(session, running.number, result, running.attempt):
            progress.note(session, running.number, Sentence("Done."))
    return queue.DONE
