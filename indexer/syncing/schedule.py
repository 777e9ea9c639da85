"""Reads sources when they are due, beside `kollega watch`: each in a process of its own, and several at once, so that a
file that makes a parser fail, or a source that takes hours, stops neither the index nor mail nor other sources."""

import logging
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from indexer.background import Complaints, in_background
from indexer.processes import end_processes
from indexer.sources.configuration import ConfiguredSource, read_sources
from indexer.syncing.sync import is_being_read
from recommender.database.source_tables import SourceState
from recommender.database.tables import utc_now
from recommender.errors import SettingsError
from recommender.settings import Settings

log = logging.getLogger(__name__)
_CALLED = timedelta(minutes=1)  # at most after a failure, when a webhook has called since: a judgement
_LONGEST_PAUSE = timedelta(hours=6)  # after many failures in a row: a judgement
_SHORTEST_PAUSE = timedelta(seconds=30)  # after a failure: a judgement
_AFTER_KILL = timedelta(minutes=10)  # a judgement
_STOPPING = 15.0  # seconds that a run may take to stop: a judgement
_LOOK = 0.5  # seconds between looks while a source is being read, so that the next one begins when it ends: a judgement
_MOST_AT_ONCE = 4  # sources that are read at the same time, each in a process that needs memory: a judgement


def syncing(settings: Settings, sessions: sessionmaker[Session]) -> AbstractContextManager[None]:
    """Look every few seconds which sources are due, in a thread that ends with this context."""
    return in_background("sync", partial(_sync_until, settings, sessions))


def next_run(configured: ConfiguredSource, state: SourceState | None) -> datetime | None:
    """When a source is to be read next (UTC); None when only a person or the source itself decides that. After failures
    the pause is doubled each time; it is a minute at most when a webhook has called. A run that was killed goes on
    after a while, also where nothing else is planned."""
    if state is None or state.started_at is None:
        return datetime.min if configured.every is not None or (state and state.is_due) else None
    was_killed = not state.failures and (state.finished_at is None or state.finished_at < state.started_at)
    pause = configured.every or (_AFTER_KILL if was_killed else None)
    if state.failures:
        pause = min(max(pause or _SHORTEST_PAUSE, _SHORTEST_PAUSE) * 2 ** min(state.failures - 1, 20), _LONGEST_PAUSE)
    if state.is_due:  # it was called since: soon, but not again and again while it fails
        return state.started_at + (min(pause or _CALLED, _CALLED) if state.failures else timedelta())
    return state.started_at + pause if pause is not None else None


def needs_whole_read(configured: ConfiguredSource, state: SourceState | None, now: datetime) -> bool:
    """True when a source has to be read from the beginning again, to find what was deleted there."""
    if configured.full_every is None or state is None:
        return False
    if state.read_whole_at is None:  # its first read broke off, and was then read on to the end
        return state.finished_at is not None
    return state.read_whole_at + configured.full_every <= now


def pause_until(following: datetime | None, is_reading: bool, longest: float, now: datetime) -> float:
    """Seconds until the next look: until the next source is due, but not longer than `longest`, since a webhook may
    call at any time; and short while sources are being read."""
    pause = min(_LOOK, longest) if is_reading else longest
    return pause if following is None else max(0.0, min(pause, (following - now).total_seconds()))


def _sync_until(settings: Settings, sessions: sessionmaker[Session], stop: threading.Event) -> None:
    runs, following = _Runs(), None
    unusable = Complaints("No source is read until this is corrected", log)
    complaints = Complaints("Sources could not be read; trying again", log)
    try:
        while not stop.wait(pause_until(following, bool(runs.names()), settings.watch_seconds, utc_now())):
            following = None
            try:
                following = _start_due(settings, sessions, runs)
                unusable.succeeded()
                complaints.succeeded()
            except SettingsError as error:
                unusable.failed(error)
            except Exception as error:
                complaints.failed(error)
    finally:
        runs.stop()


def _start_due(settings: Settings, sessions: sessionmaker[Session], runs: "_Runs") -> datetime | None:
    """Start to read the sources that are due, those first that a webhook has called for; when the next one is due
    (UTC). Sources that were never read are begun one after the other, as the file names them, for an earlier one may
    bring the teams of a later one."""
    going, now, engine = runs.names(), utc_now(), sessions.kw["bind"]
    following: list[datetime] = []
    due: list[tuple[bool, datetime, int, str, bool, bool]] = []
    is_new_going = False
    for place, configured in enumerate(read_sources(settings.sources_file)):
        with sessions() as session:
            state = session.get(SourceState, configured.name)
            at, whole = next_run(configured, state), needs_whole_read(configured, state, now)
            is_new, is_called = state is None or state.read_whole_at is None, state is not None and state.is_due
        if configured.name in going or is_being_read(configured.name, engine):
            is_new_going |= is_new
        elif at is not None and at <= now:
            due.append((not is_called, at, place, configured.name, whole, is_new))
        elif at is not None:
            following.append(at)
    free = _MOST_AT_ONCE - len(going)
    for *_order, name, whole, is_new in sorted(due):
        if free > 0 and not (is_new and is_new_going):
            runs.start(name, whole)
            free, is_new_going = free - 1, is_new_going or is_new
    return min(following, default=None)


class _Runs:
    """The processes that read sources now, by the names of these. Several are read at once, because one may wait for
    its system, or take hours."""

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def names(self) -> set[str]:
        """The sources that are being read."""
        self._processes = {name: each for name, each in self._processes.items() if each.poll() is None}
        return set(self._processes)

    def start(self, name: str, whole: bool) -> None:
        """Read a source, from the beginning or from where the last run ended."""
        command = [sys.executable, "-P", "-m", "indexer", "sync", name, *(["--full"] if whole else [])]
        self._processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - of sources.toml

    def stop(self) -> None:
        """End all of them; what was read stays, and the next run goes on from there."""
        end_processes(self._processes.values(), _STOPPING)
