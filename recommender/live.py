"""What answers questions now, as one immutable snapshot, and how a newer index generation takes its place.

The index, the encoder, the learned models and the notices change together, in one assignment. Whoever answers a
question takes the snapshot once and uses it to the end, so that no answer is made of two generations.

Only the catalogue of the index and the model are read from their files while they are in use; all else is in memory or
a private copy. When these files are written in place, by a bad copy perhaps, what is in use changes with them. So
before each question their modification times are compared with those from when they were opened.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from recommender import checksums
from recommender.checksums import FileState
from recommender.datatypes import (
    DENSE_MISSING,
    INDEX_AWAY,
    INDEX_MISMATCH,
    INDEX_MISSING,
    KEYWORDS_MISSING,
    LEARNED_MISSING,
)
from recommender.encoder import Encoder, warm_up
from recommender.errors import IndexDamaged, IndexMismatch, IndexUnavailable, KeywordsDamaged, ModelError
from recommender.index import SearchIndex, generations
from recommender.index.engines import Engine, LocalEngine, engine_of
from recommender.index.model_in_use import LoadModel, encoder_of_live, loader_of_models
from recommender.index.register import Register
from recommender.learned import ANSWER_MODEL, RANKER, FileVersion
from recommender.people.ranker import Ranker
from recommender.search.calibration import AnswerModel
from recommender.settings import Settings

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
_RETRY_AFTER = 60.0  # seconds after which a load that failed is tried again: a judgement
_AWAY = 5.0  # seconds after which an engine that did not answer is asked again: a judgement


@dataclass(frozen=True)
class Snapshot:
    """Everything that an answer depends on, except the database and the settings.

    `index` is None when there is none, `encoder` None when the model cannot be loaded; `notices` say what cannot run.
    `generation` names the index generation that index and learned models belong to, and `model` the model that made it;
    None when there is none.
    `learned_files` contains the versions of the files that the answer model and the ranker were read from, `files` the
    states of the index's files that are read while it is in use.
    """

    index: SearchIndex | None
    encoder: Encoder | None
    notices: tuple[str, ...] = ()
    generation: str | None = None
    model: str | None = None
    answer_model: AnswerModel = ANSWER_MODEL.shipped
    ranker: Ranker = RANKER.shipped
    learned_files: tuple[FileVersion | None, ...] = (None, None)
    files: tuple[FileState, ...] = ()


class Live:
    """The snapshot in force, and its replacement when the files under `index_dir` change. Safe for many threads.
    `engine` opens generations; None for that of local files."""

    def __init__(
        self, index_dir: Path, snapshot: Snapshot, engine: Engine | None = None, load_model: LoadModel | None = None
    ) -> None:
        self._index_dir = index_dir
        self._engine = engine or LocalEngine(index_dir)
        self._snapshot = snapshot
        self._load_model = load_model
        self._loading = threading.Lock()
        self._retry_at, self._told = 0.0, ""

    @classmethod
    def load(
        cls,
        index_dir: Path,
        encoder: Encoder | None,
        engine: Engine | None = None,
        load_model: LoadModel | None = None,
    ) -> "Live":
        """Load the live generation. What is missing or damaged becomes a notice, not an error. With `load_model`, which
        loads a model by its name, a later generation may be of another model."""
        engine = engine or LocalEngine(index_dir)
        engine.follow()
        try:
            encoder = encoder_of_live(index_dir, encoder, load_model)
        except ModelError as error:
            log.error("%s", error)
        return cls(index_dir, load_snapshot(index_dir, encoder, engine=engine), engine, load_model)

    @classmethod
    def open(cls, settings: Settings, encoder: Encoder | None, register: Register) -> "Live":
        """Load the live generation with the engine of the settings, and follow its model. Raises SettingsError for an
        address that cannot be one."""
        return cls.load(settings.index_dir, encoder, engine_of(settings, register), loader_of_models(settings))

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force. Read this once for each question."""
        return self._snapshot

    def encode_with(self, encoder: Encoder) -> None:
        """Have another encoder of the same model encode from now on."""
        with self._loading:
            self._snapshot = replace(self._snapshot, encoder=encoder)

    def refresh(self, wait: bool = False) -> None:
        """Take over a new live generation, or learned models that were written into the present one.

        A generation is loaded in the background while the old snapshot goes on answering; with `wait`, this returns
        when the new one is in force. Learned models are small and are read at once. When loading fails in an unexpected
        way, the log says so, the old snapshot stays, and it is tried again after a minute; with `wait`, that is raised.

        Index files or model files that were written in place are not used any more: at once there is a notice, until
        what is there now has been checked and loaded. A model is not loaded again before Kollega is started again.
        """
        self._follow()
        self._leave_rewritten_files()
        if wait:
            with self._loading:
                self._load()
        elif time.monotonic() >= self._retry_at and self._changed() and self._loading.acquire(blocking=False):
            if self._is_live(self._snapshot):
                self._load_and_release()
            else:
                self._load_in_background()

    def _follow(self) -> None:
        """Take over what another machine has made live. While the database does not answer, nothing changes."""
        try:
            self._engine.follow()
        except Exception as error:
            if (name := type(error).__name__) != self._told:  # each question tries again
                log.warning("Which index is live could not be read (%s); the present one answers", name)
            self._told = name
        else:
            self._told = ""

    def answer(self, work: Callable[[Snapshot], Answer]) -> Answer:
        """What `work` makes of the snapshot in force. When its index turns out to be damaged or does not answer, it is
        loaded again, without what cannot be used, and `work` is done once more."""
        snapshot = self._snapshot
        try:
            return work(snapshot)
        except (IndexDamaged, IndexUnavailable) as error:
            self._leave(snapshot, error)
            return work(self._snapshot)

    def _leave(self, snapshot: Snapshot, error: IndexDamaged | IndexUnavailable) -> None:
        log.error("%s", error, exc_info=error.__cause__)
        with self._loading:
            if self._snapshot is not snapshot:
                return
            if isinstance(error, IndexUnavailable):
                self._snapshot = Snapshot(None, snapshot.encoder, (INDEX_AWAY,))
                self._retry_at = time.monotonic() + _AWAY
                return
            keywords = not isinstance(error, KeywordsDamaged)
            self._snapshot = load_snapshot(self._index_dir, snapshot.encoder, keywords, self._engine)

    def warm_up(self) -> None:
        """Run the model once, so that the first question is as quick as the next."""
        if self._snapshot.encoder:
            warm_up(self._snapshot.encoder)

    def _leave_rewritten_files(self) -> None:
        snapshot = self._snapshot
        model = checksums.rewritten(getattr(snapshot.encoder, "files", ()))
        index = checksums.rewritten(snapshot.files)
        if model:
            log.error("%s was changed while in use. Run: kollega prepare. Then start this command again", model[0])
        if index:
            log.error("%s was changed while in use; the index is checked and loaded again", index[0])
        if model or index:
            encoder = None if model else snapshot.encoder
            self._snapshot = Snapshot(None, encoder, (INDEX_MISSING,))

    def _changed(self) -> bool:
        snapshot = self._snapshot
        if not self._is_live(snapshot):
            return True
        return _learned_files(self._index_dir, snapshot.generation) != snapshot.learned_files

    def _load_in_background(self) -> None:
        try:
            threading.Thread(target=self._load_and_release, daemon=True).start()
        except RuntimeError:  # the system allows no more threads
            self._loading.release()
            self._report_failure()

    def _load_and_release(self) -> None:
        try:
            self._load()
        except Exception:
            self._report_failure()
        finally:
            self._loading.release()

    def _report_failure(self) -> None:
        """Log the present exception, and wait before the next try: a load may be expensive, and each request asks."""
        self._retry_at = time.monotonic() + _RETRY_AFTER
        log.exception("The index could not be loaded; the previous one goes on answering")

    def _load(self) -> None:
        """Replace the snapshot by what is on disk now. The caller must hold the lock."""
        snapshot = self._snapshot
        if not self._is_live(snapshot):
            encoder = encoder_of_live(self._index_dir, snapshot.encoder, self._load_model)
            loaded = load_snapshot(self._index_dir, encoder, engine=self._engine)
            if INDEX_AWAY in loaded.notices:
                self._retry_at = time.monotonic() + _AWAY
            if set(loaded.notices) - set(snapshot.notices) and not self._is_live(loaded):
                return  # its files were removed, since newer generations went live; the next refresh loads the newest
            self._snapshot = loaded
        elif self._changed():
            self._snapshot = with_learned_models(snapshot, self._index_dir)

    def _is_live(self, snapshot: Snapshot) -> bool:
        """True when a snapshot is of the live generation, with an encoder of its model if that can be loaded."""
        if self._load_model is not None and snapshot.model not in (
            None,
            snapshot.encoder and snapshot.encoder.card.name,
        ):
            return False
        return generations.live_name(self._index_dir) == snapshot.generation


def load_snapshot(
    index_dir: Path, encoder: Encoder | None, keywords: bool = True, engine: Engine | None = None
) -> Snapshot:
    """A snapshot of the live generation: with keyword search alone when there is no encoder or the vectors cannot be
    used, with dense search alone when the files of keyword search cannot be used (or without `keywords`), and without
    an index when that cannot be opened either, or the engine does not answer. Errors are logged and become notices."""
    generation = generations.live_name(index_dir)
    if generation is None or not (index_dir / generation).is_dir():
        return Snapshot(None, encoder, (INDEX_MISSING,), generation)
    directory = index_dir / generation
    read_in_place = [directory / name for name in (generations.CATALOGUE, generations.ADDED_CATALOGUE)]
    files = checksums.states(read_in_place)  # before they are opened, so that no change is missed
    try:
        index, notices = _open(directory, encoder, keywords, engine or LocalEngine(index_dir))
    except IndexUnavailable as error:
        log.error("%s", error)
        return Snapshot(None, encoder, (INDEX_AWAY,))
    model = generations.model_name_of(directory)
    return with_learned_models(Snapshot(index, encoder, notices, generation, model, files=files), index_dir)


def with_learned_models(snapshot: Snapshot, index_dir: Path) -> Snapshot:
    """The snapshot with the models that were learned for its generation, or with the shipped ones."""
    if snapshot.generation is None:
        return snapshot
    directory = index_dir / snapshot.generation
    files = _learned_files(index_dir, snapshot.generation)  # read first, so that a later write is noticed as a change
    usable = ANSWER_MODEL.usable(directory) and RANKER.usable(directory)
    notices = tuple(notice for notice in snapshot.notices if notice != LEARNED_MISSING)
    return replace(
        snapshot,
        notices=notices if usable else (*notices, LEARNED_MISSING),
        answer_model=ANSWER_MODEL.in_force(directory),
        ranker=RANKER.in_force(directory),
        learned_files=files,
    )


def _learned_files(index_dir: Path, generation: str | None) -> tuple[FileVersion | None, ...]:
    if generation is None:
        return None, None
    return ANSWER_MODEL.file_version(index_dir / generation), RANKER.file_version(index_dir / generation)


def _open(
    directory: Path, encoder: Encoder | None, keywords: bool, engine: Engine
) -> tuple[SearchIndex | None, tuple[str, ...]]:
    """(the index of a generation, None when it cannot be opened; the notices about it)."""
    card = encoder.card if encoder else None
    notice = "" if encoder else DENSE_MISSING
    if keywords:
        try:
            return engine.open_generation(directory, card), (notice,) if notice else ()
        except (IndexMismatch, IndexDamaged) as error:
            log.error("%s", error, exc_info=error.__cause__)
            notice = INDEX_MISMATCH if isinstance(error, IndexMismatch) else DENSE_MISSING
    ways = [(None, True, notice)] * keywords + [(card, False, KEYWORDS_MISSING)] * (card is not None)
    for model, with_keywords, notice in ways:
        try:
            return engine.open_generation(directory, model, with_keywords), (notice,)
        except (IndexMismatch, IndexDamaged) as error:
            log.error("%s", error)
    return None, (INDEX_MISSING,)
