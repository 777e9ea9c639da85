"""All that `kollega watch` does, by the one of several processes that leads: in the work on the database, and in the
index of its machine."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager

from sqlalchemy.orm import Session, sessionmaker

from indexer.background import Complaints, repeating
from indexer.commands.demo_vectors import WithDemoVectors
from indexer.delivery.deliver import delivering
from indexer.delivery.handover.deliver import handing_over
from indexer.files.examine import examining
from indexer.indexing.insights import following_topics
from indexer.indexing.report import ReindexReport
from indexer.indexing.retention import erasing
from indexer.indexing.shared import sharing_files
from indexer.indexing.watch import watch
from indexer.jobs.runner import SECONDS_TO_STOP, is_of_an_index, running_jobs
from indexer.syncing.jobs import loading_jobs
from indexer.syncing.schedule import syncing
from recommender.database.leading import SHARED_WORK, Lead, files_lead, index_lead
from recommender.database.listening import Listener
from recommender.database.outages import report_outages
from recommender.errors import DatabaseVersion
from recommender.index.model_in_use import Encoders
from recommender.language.analyzer import Analyzer
from recommender.organisation.values import Organisation
from recommender.settings import Settings

log = logging.getLogger(__name__)
_MODEL_RESTS = 600.0
"""Seconds without anything to encode after which the memory of the model is freed: a judgement."""
_LOOKS = 30.0  # seconds between two looks for that: a judgement
_BEGINS_AGAIN = 5.0  # seconds after work could not begin: a judgement
_SECONDS_TO_END = SECONDS_TO_STOP + 2.0  # for jobs that are being done, and to store that they are begun again


def watch_together(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoders: Encoders,
    analyzer: Analyzer,
    report: Callable[[ReindexReport], None],
    stopping: threading.Event,
) -> None:
    """Index what changes, and do what is to be done beside, whenever this process leads in it; else wait. `settings`
    are those of the environment: what the organisation sets later is asked for by what needs it. Returns when
    `stopping` is set. `report` is called after each run of reindex. Raises ModelError when the files of the model were
    changed while it was in use, DatabaseVersion when the database was upgraded, also while this process waits."""
    engine = sessions.kw["bind"]
    report_outages(engine)
    lead = Lead(engine, index_lead(settings), stopping)
    with (
        _resting_model(encoders),
        _leading(sessions, SHARED_WORK, lambda: _shared_work(settings, sessions, encoders, analyzer)) as shared,
        _leading(sessions, files_lead(settings), lambda: [sharing_files(settings, sessions)]),
        closing(lead.terms()) as terms,
    ):
        own, own_encoders = index_lead(settings), WithDemoVectors(encoders, sessions)
        for ended in terms:
            jobs = running_jobs(settings, sessions, lambda lane: lane == own)
            with closing(Listener(engine, ended, settings.watch_seconds)) as changes, jobs:
                watch(settings, sessions, own_encoders, analyzer, report, ended.is_set, changes.wait, ended.wait)
                if stopping.is_set():
                    shared.set()  # its jobs end while those on the index do


def _resting_model(encoders: Encoders) -> AbstractContextManager[None]:
    """Free the memory of the model when nothing was encoded for a while."""

    def rest(_stop: threading.Event) -> None:
        encoders.give_back(_MODEL_RESTS)

    return repeating("model", _LOOKS, rest, "The memory of the model could not be freed.", log)


def _shared_work(
    settings: Settings, sessions: sessionmaker[Session], encoders: Encoders, analyzer: Analyzer
) -> list[AbstractContextManager[None]]:
    """What is done once for a database, with what the organisation has set by now."""
    with sessions() as session:
        applied = Organisation.read(session, settings).settings
    return [
        delivering(settings, sessions),
        erasing(settings, sessions),
        examining(settings, sessions),
        syncing(settings, sessions),
        handing_over(settings, sessions),
        loading_jobs(settings, sessions),
        running_jobs(settings, sessions, lambda lane: not is_of_an_index(lane)),
        following_topics(applied, sessions, encoders, analyzer),
    ]


@contextmanager
def _leading(
    sessions: sessionmaker[Session], name: str, make: Callable[[], list[AbstractContextManager[None]]]
) -> Iterator[threading.Event]:
    """Do in threads what `make` makes, whenever this process leads in the work called `name`, until the event is set
    that this gives, or the context ends."""
    leaving = threading.Event()
    complaints = Complaints(f"This process cannot do its part of the work ({name}); trying again", log)

    def work() -> None:
        while not leaving.is_set():
            try:
                whenever_it_leads()
            except DatabaseVersion:
                return  # the lead in the index notices it too, and ends the process
            except Exception as error:  # the database went away at this moment, perhaps
                complaints.failed(error)
                leaving.wait(_BEGINS_AGAIN)

    def whenever_it_leads() -> None:
        with closing(Lead(sessions.kw["bind"], name, leaving).terms()) as terms:
            for ended in terms:
                with ExitStack() as working:
                    for each in make():
                        working.enter_context(each)
                    complaints.succeeded()
                    ended.wait()

    thread = threading.Thread(target=work, name=f"lead {name}", daemon=True)
    thread.start()
    try:
        yield leaving
    finally:
        leaving.set()
        thread.join(_SECONDS_TO_END)
