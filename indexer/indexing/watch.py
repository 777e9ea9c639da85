"""Watches the database and updates the index when it changes, in a separate process beside the server.

It also watches the index: one that was removed or damaged is built again. What says that something changed does not
depend on the clock.
"""

import logging
import math
import time
from collections.abc import Callable, Hashable
from contextlib import closing
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from indexer.indexing.report import ReindexReport
from recommender.checksums import FileState, rewritten, states
from recommender.database.failures import explain, is_away
from recommender.database.files import database_path
from recommender.database.fingerprint import Fingerprints, mark_changes
from recommender.database.index_register import IndexRegister
from recommender.encoder import Encoder
from recommender.errors import (
    DatabaseVersion,
    IndexDamaged,
    IndexLocked,
    IndexMismatch,
    IndexUnavailable,
    ModelError,
)
from recommender.index import generations
from recommender.index.engines import Engine, engine_of
from recommender.index.model_in_use import Encoders
from recommender.language.analyzer import Analyzer
from recommender.monitoring import freshness
from recommender.settings import Settings

log = logging.getLogger(__name__)
_LONGEST_PAUSE = 60.0  # seconds; a judgement


def watch(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoders: Encoders,
    analyzer: Analyzer,
    report: Callable[[ReindexReport], None],
    stopped: Callable[[], bool] = lambda: False,
    wait: Callable[[float], object] = time.sleep,
    rest: Callable[[float], object] = time.sleep,
) -> None:
    """Reindex whenever the database's fingerprint or the files of the index change, until `stopped()`. An index that is
    missing or damaged is built anew from the database. `wait` is called with the seconds between two looks; it may
    return earlier. `rest`, which may not, is called after an error, and until `watch_seconds` have passed since an
    update began.

    The first run reads every item and compares it; later ones read those that were changed since.
    `report` is called after each run. While another process writes the index, this waits. After an error, which is
    logged, it tries again; the pause before that is doubled each time, up to a minute. Raises ModelError when the
    files of the model were changed while it was in use, DatabaseVersion when the database was upgraded meanwhile.
    """
    last: tuple[Any, ...] | None = None
    fulfilled: frozenset[str] = frozenset()
    pauses = _Pauses(settings.watch_seconds, wait, rest)
    engine = engine_of(settings, IndexRegister(settings, sessions))
    with closing(_fingerprints(sessions)) as fingerprints:
        while not stopped():
            try:
                now = (fingerprints.now(), _parts(settings, engine))
                wishes = generations.rewrites_asked_for(settings.index_dir)
                if now != last or wishes - fulfilled:
                    pauses.begins()
                    encoder = _unchanged(encoders.get())
                    report(_updated(settings, sessions, encoder, analyzer, by_times=last is not None))
                    last, fulfilled = (now[0], _parts(settings, engine)), wishes
                else:
                    freshness.still_current(settings.index_dir)
                pauses.succeeded()
            except (DatabaseVersion, ModelError):
                raise
            except IndexLocked as error:
                pauses.locked(error)
            except Exception as error:
                _log_failure(error, settings)
                pauses.failed()
            pauses.take()


def _fingerprints(sessions: sessionmaker[Session]) -> Fingerprints:
    mark_changes(sessions)  # before the first look, since the fingerprint is another one then
    return Fingerprints(sessions)


class _Pauses:
    """How long `watch` waits between two looks, and whether a change may end that."""

    def __init__(self, seconds: float, wait: Callable[[float], object], rest: Callable[[float], object]) -> None:
        self._seconds = seconds
        self._wait, self._rest = wait, rest
        self._pause, self._began, self._has_failed, self._is_locked = seconds, -math.inf, False, False

    def begins(self) -> None:
        """An update begins now."""
        self._began = time.monotonic()

    def succeeded(self) -> None:
        """The next pause is as long as the first one."""
        self._pause, self._is_locked = self._seconds, False

    def locked(self, error: IndexLocked) -> None:
        """Another process writes: told once, not at each look."""
        if not self._is_locked:
            log.warning("%s", error)
        self._is_locked = True

    def failed(self) -> None:
        """The next pause is twice as long, up to a minute, and nothing ends it."""
        self._pause, self._has_failed = min(2 * self._pause, _LONGEST_PAUSE), True

    def take(self) -> None:
        """Wait before the next look."""
        (self._rest if self._has_failed else self._wait)(self._pause)
        self._has_failed = False
        left = self._began + self._seconds - time.monotonic()
        if left > 0:
            self._rest(left)


def _log_failure(error: Exception, settings: Settings) -> None:
    if is_away(error):  # which `report_outages` tells
        return
    if isinstance(error, IndexUnavailable):
        log.error("The index could not be updated; trying again. %s", error)
        return
    if isinstance(error, IndexMismatch):
        log.error("%s If you have done so, start this command again." if settings.model else "%s", error)
        return
    sentence = explain(error, database_path(settings))
    log.error(
        "The index could not be updated; trying again. %s", sentence or "", exc_info=error if not sentence else None
    )


def _updated(
    settings: Settings, sessions: sessionmaker[Session], encoder: Encoder, analyzer: Analyzer, by_times: bool
) -> ReindexReport:
    try:
        return reindex(settings, sessions, encoder, analyzer, by_times=by_times)
    except IndexDamaged as error:
        log.error("%s That is done now.", error)
        return reindex(settings, sessions, encoder, analyzer, full=True)


def _parts(settings: Settings, engine: Engine) -> tuple[tuple[FileState, ...], Hashable]:
    """(the states of the files of the live generation, none when there is none; what the engine holds beside them)."""
    name = generations.live_name(settings.index_dir)
    if name is None:
        return (), engine.state()
    directory = settings.index_dir / name
    return states([*generations.files_of(directory), directory / "manifest.json"]), engine.state()


def _unchanged(encoder: Encoder) -> Encoder:
    """The same encoder. Raises ModelError when its files were changed while it was in use."""
    changed = rewritten(getattr(encoder, "files", ()))
    if changed:
        raise ModelError(f"{changed[0]} was changed while in use. Run: kollega prepare. Then start this command again.")
    return encoder
