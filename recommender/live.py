"""What answers questions now, as one immutable snapshot, and how a newer index generation takes its place.

The index, the encoder, the learned models and the notices change together, in one assignment. Whoever answers a
question takes the snapshot once and uses it to the end, so that no answer is made of two generations.
"""

import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from recommender.datatypes import DENSE_MISSING, INDEX_MISMATCH, INDEX_MISSING
from recommender.encoder import Encoder
from recommender.errors import IndexDamaged, IndexMismatch
from recommender.index import SearchIndex, generations
from recommender.index.local import LocalIndex
from recommender.learned import ANSWER_MODEL, RANKER, FileVersion
from recommender.people.ranker import Ranker
from recommender.search.calibration import AnswerModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """All that an answer depends on beside the database and the settings.

    `index` is None when there is none, `encoder` None when the model cannot be loaded; `notices` say what cannot run.
    `generation` names the index generation that index and learned models belong to, None when there is none.
    `learned_files` holds the versions of the files that the answer model and the ranker were read from.
    """

    index: SearchIndex | None
    encoder: Encoder | None
    notices: tuple[str, ...] = ()
    generation: str | None = None
    answer_model: AnswerModel = ANSWER_MODEL.shipped
    ranker: Ranker = RANKER.shipped
    learned_files: tuple[FileVersion | None, ...] = (None, None)


class Live:
    """The snapshot in force, and its replacement when the files under `index_dir` change. Safe for many threads."""

    def __init__(self, index_dir: Path, snapshot: Snapshot) -> None:
        self._index_dir = index_dir
        self._snapshot = snapshot
        self._loading = threading.Lock()

    @classmethod
    def load(cls, index_dir: Path, encoder: Encoder | None) -> "Live":
        """Load the live generation. What is missing or damaged becomes a notice, not an error."""
        return cls(index_dir, load_snapshot(index_dir, encoder))

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force. Take it once for each question."""
        return self._snapshot

    def refresh(self, wait: bool = False) -> None:
        """Take over a new live generation, or learned models that were written into the present one.

        A generation is loaded in the background while the old snapshot goes on answering; with `wait`, this returns
        when the new one is in force. Learned models are small and are read at once.
        """
        if not self._changed():
            return
        if wait:
            with self._loading:
                self._load()
        elif self._loading.acquire(blocking=False):
            if generations.live_name(self._index_dir) == self._snapshot.generation:
                self._load_and_release()
            else:
                threading.Thread(target=self._load_and_release, daemon=True).start()

    def warm_up(self) -> None:
        """Run the model once, so that the first question is as quick as the next."""
        if self._snapshot.encoder:
            self._snapshot.encoder.encode_queries(["valmiina"])

    def _changed(self) -> bool:
        snapshot = self._snapshot
        if generations.live_name(self._index_dir) != snapshot.generation:
            return True
        return _learned_files(self._index_dir, snapshot.generation) != snapshot.learned_files

    def _load_and_release(self) -> None:
        try:
            self._load()
        finally:
            self._loading.release()

    def _load(self) -> None:
        """Replace the snapshot by what is on disk now. Only whoever holds the lock may call this."""
        snapshot = self._snapshot
        if generations.live_name(self._index_dir) != snapshot.generation:
            self._snapshot = load_snapshot(self._index_dir, snapshot.encoder)
        elif self._changed():
            self._snapshot = with_learned_models(snapshot, self._index_dir)


def load_snapshot(index_dir: Path, encoder: Encoder | None) -> Snapshot:
    """A snapshot of the live generation: with the keyword index alone when there is no encoder or the vectors cannot be
    used, and without an index when that cannot be opened either. Errors go to the log and become notices."""
    generation = generations.live_name(index_dir)
    if generation is None or not (index_dir / generation).is_dir():
        return Snapshot(None, encoder, (INDEX_MISSING,), generation)
    index, notices = _open(index_dir / generation, encoder)
    return with_learned_models(Snapshot(index, encoder, notices, generation), index_dir)


def with_learned_models(snapshot: Snapshot, index_dir: Path) -> Snapshot:
    """The snapshot with the models that its generation has learned, or the shipped ones."""
    if snapshot.generation is None:
        return snapshot
    directory = index_dir / snapshot.generation
    files = _learned_files(index_dir, snapshot.generation)  # read first, so that a later write is noticed as a change
    return replace(
        snapshot,
        answer_model=ANSWER_MODEL.in_force(directory),
        ranker=RANKER.in_force(directory),
        learned_files=files,
    )


def _learned_files(index_dir: Path, generation: str | None) -> tuple[FileVersion | None, ...]:
    if generation is None:
        return None, None
    return ANSWER_MODEL.file_version(index_dir / generation), RANKER.file_version(index_dir / generation)


def _open(directory: Path, encoder: Encoder | None) -> tuple[SearchIndex | None, tuple[str, ...]]:
    """(the index of a generation, what of it cannot run)."""
    card = encoder.card if encoder else None
    try:
        return LocalIndex.open_generation(directory, card), () if encoder else (DENSE_MISSING,)
    except (IndexMismatch, IndexDamaged) as error:
        log.error("%s", error, exc_info=error.__cause__)
        notice = INDEX_MISMATCH if isinstance(error, IndexMismatch) else DENSE_MISSING
    try:
        return LocalIndex.open_generation(directory, None), (notice,)
    except IndexDamaged as error:
        log.error("%s", error)
        return None, (INDEX_MISSING,)
