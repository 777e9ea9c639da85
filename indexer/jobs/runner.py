"""Takes jobs that take long, and does each in a process of its own, beside `kollega watch`: so that one that is killed,
or needs more memory than there is, stops nothing else, and one that takes hours keeps nobody waiting."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from indexer.background import Complaints
from indexer.processes import end_processes, how_it_ended
from recommender.jobs import queue
from recommender.jobs.kinds import WORK
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings

log = logging.getLogger(__name__)
_MOST_AT_ONCE = 2  # jobs of different lanes, each in a process that needs memory: a judgement
_LOOK = 0.5  # seconds between looks while jobs are being done, so that the next one begins at once: a judgement
SECONDS_TO_STOP = 10.0
"""What a job may take to stop before its process is killed: a judgement."""


@contextmanager
def running_jobs(settings: Settings, sessions: sessionmaker[Session], lane: Callable[[str], bool]) -> Iterator[None]:
    """Do the jobs of the lanes that are right for this process, in a thread that ends with this context. Those that are
    being done are ended then, and begun again by whoever does jobs next."""
    stop = threading.Event()
    work = threading.Thread(target=_run_until, args=(settings, sessions, lane, stop), name="long jobs", daemon=True)
    work.start()
    try:
        yield
    finally:
        stop.set()
        work.join(2 * SECONDS_TO_STOP)


def is_of_an_index(lane: str) -> bool:
    """True for the jobs that only the process can do that leads in an index."""
    return lane.startswith("index-")


def _run_until(
    settings: Settings, sessions: sessionmaker[Session], lane: Callable[[str], bool], stop: threading.Event
) -> None:
    processes = _Processes(sessions)
    complaints = Complaints("Jobs could not be done; trying again", log)
    try:
        while not stop.wait(min(_LOOK, settings.watch_seconds) if processes.count() else settings.watch_seconds):
            try:
                processes.note_ended()
                while processes.count() < _MOST_AT_ONCE and processes.start_next(lane):
                    pass
                complaints.succeeded()
            except Exception as error:
                complaints.failed(error)
    finally:
        processes.stop()


class _Processes:
    """The processes that do jobs now, by the number of the job and its attempt."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._processes: dict[tuple[int, int], subprocess.Popen[bytes]] = {}

    def count(self) -> int:
        """How many there are, with those that have ended and were not looked at."""
        return len(self._processes)

    def start_next(self, lane: Callable[[str], bool]) -> bool:
        """Begin the next job that is due; False when there is none."""
        with self._sessions() as session:
            number = queue.next_due(session, WORK, lane)
        if number is None:
            return False
        with self._sessions.begin() as session:
            job = queue.claim(session, number)
            attempt = None if job is None else job.attempts
        if attempt is not None:
            command = [sys.executable, "-P", "-m", "indexer", "jobs", "run", str(number), str(attempt)]
            self._processes[number, attempt] = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - numbers
        return True

    def note_ended(self) -> None:
        """Have those tried again whose process was killed: it could not say so itself."""
        for (number, attempt), process in list(self._processes.items()):
            status = process.poll()
            if status is None:
                continue
            del self._processes[number, attempt]
            if status == 0:
                continue
            with self._sessions.begin() as session:
                ended = Sentence("The process that did this was ended (%(how)s).", how=how_it_ended(status))
                queue.fail_attempt(session, number, attempt, ended)

    def stop(self) -> None:
        """End all of them; they are begun again by whoever leads next, and go on from what they have stored."""
        end_processes(self._processes.values(), SECONDS_TO_STOP)
        with suppress(SQLAlchemyError), self._sessions.begin() as session:  # else they are taken when they are silent
            for number, attempt in self._processes:
                queue.release(session, number, attempt)  # one that was ended before it could say so
