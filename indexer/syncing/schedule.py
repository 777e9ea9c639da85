"""Reads sources when they are due, beside `kollega watch`: each in a process of its own, so that a file that makes a
parser fail, or one that takes hours, stops neither the index nor mail."""

import logging
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from indexer.background import in_background
from indexer.sources.configuration import ConfiguredSource, read_sources
from indexer.syncing.sync import is_being_read
from recommender.database.source_tables import SourceState
from recommender.database.tables import utc_now
from recommender.errors import SettingsError
from recommender.settings import Settings

log = logging.getLogger(__name__)
_LONGEST_PAUSE = timedelta(hours=6)  # after many failures in a row: a judgement
_SHORTEST_PAUSE = timedelta(seconds=30)  # after a failure: a judgement
_AFTER_KILL = timedelta(minutes=10)  # a judgement
_STOPPING = 15.0  # seconds that a run may take to stop: a judgement


def syncing(settings: Settings, sessions: sessionmaker[Session]) -> AbstractContextManager[None]:
    """Look every few seconds which sources are due, in a thread that ends with this context."""
    return in_background("sync", partial(_sync_until, settings, sessions))


def next_run(configured: ConfiguredSource, state: SourceState | None) -> datetime | None:
    """When a source is to be read next (UTC); None when only a person or the source itself decides that. After failures
    the pause is doubled each time. A run that was killed goes on after a while, also where nothing else is planned."""
    if state is None or state.started_at is None:
        return datetime.min if configured.every is not None or (state and state.is_due) else None
    was_killed = not state.failures and (state.finished_at is None or state.finished_at < state.started_at)
    pause = configured.every or (_AFTER_KILL if was_killed else None)
    if state.failures:
        pause = min(max(pause or _SHORTEST_PAUSE, _SHORTEST_PAUSE) * 2 ** min(state.failures - 1, 20), _LONGEST_PAUSE)
    if state.is_due and not state.failures:
        return state.started_at
    return state.started_at + pause if pause is not None else None


def needs_whole_read(configured: ConfiguredSource, state: SourceState | None, now: datetime) -> bool:
    """True when a source has to be read from the beginning again, to find what was deleted there."""
    if configured.full_every is None or state is None:
        return False
    if state.read_whole_at is None:  # its first read broke off, and was then read on to the end
        return state.finished_at is not None
    return state.read_whole_at + configured.full_every <= now


def _sync_until(settings: Settings, sessions: sessionmaker[Session], stop: threading.Event) -> None:
    complaint = ""
    while not stop.wait(settings.watch_seconds):
        try:
            _sync_due(settings, sessions, stop)
            complaint = ""
        except SettingsError as error:
            if str(error) != complaint:  # told once, not every two seconds
                complaint = str(error)
                log.error("No source is read until this is corrected. %s", error)
        except Exception:
            log.exception("Sources could not be read; trying again")


def _sync_due(settings: Settings, sessions: sessionmaker[Session], stop: threading.Event) -> None:
    locks = settings.home / "locks"
    for configured in read_sources(settings.sources_file):
        with sessions() as session:
            state = session.get(SourceState, configured.name)
            due, now = next_run(configured, state), utc_now()
            whole = needs_whole_read(configured, state, now)
        if due is not None and due <= now and not stop.is_set() and not is_being_read(configured.name, locks):
            _run(configured.name, whole, stop)


def _run(name: str, whole: bool, stop: threading.Event) -> None:
    command = [sys.executable, "-m", "indexer", "sync", name, *(["--full"] if whole else [])]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the name is one of sources.toml
    try:
        while process.poll() is None:
            if stop.wait(0.2):
                break
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOPPING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
