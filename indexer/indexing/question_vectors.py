"""Keeps the vectors of past questions from one update of the insights to the next, since encoding a question takes
about half of the time of asking it again.

They lie in a file beside the index, by a digest of the text that was encoded. `generations.remove_all_but` removes it,
so that nothing of what is erased stays. They are written into the file that was opened when they were read: when it was
removed meanwhile they are gone with it, even if another process has made a new one. A vector that no question has
needed for a while is forgotten.
"""

import hashlib
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from recommender.checksums import FileState
from recommender.encoder import Encoder, Vectors
from recommender.index.generations import question_vectors_path

log = logging.getLogger(__name__)
_KEPT = timedelta(days=35)
"""How long a vector is kept without being needed; a judgement: longer than until every question is asked again."""


class QuestionVectors:
    """An encoder that encodes each question only once, and has what it encoded before. Threads may share it."""

    def __init__(self, real: Encoder, index_dir: Path, today: date) -> None:
        self.card, self.backend, self.count_tokens = real.card, real.backend, real.count_tokens
        self.encode_passages = real.encode_passages
        self._real = real
        self._today = today
        self._path = question_vectors_path(index_dir, real.card)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666) if index_dir.is_dir() else None
        if self._file is not None:
            weakref.finalize(self, os.close, self._file)
        self._vectors, self._used = self._read()
        self._encoding = threading.Lock()  # one text alone has all processors; two at once take twice the memory

    @property
    def files(self) -> tuple[FileState, ...]:
        """As the real encoder has them now."""
        return getattr(self._real, "files", ())

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As `Encoder.encode_queries`; each text is encoded alone, as a search does."""
        return np.concatenate([np.zeros((0, self.card.dimension), np.float32), *map(self._encode, texts)])

    @contextmanager
    def encoding_ahead(self, texts: Callable[[], Iterable[str]]) -> Iterator[None]:
        """Within it, a thread encodes texts that are likely to be needed, since the model runs without Python's lock.
        The text that it is at when this ends is waited for. What fails is left to whoever needs the vector."""
        stop = threading.Event()

        def encode() -> None:
            try:
                for text in texts():
                    if stop.is_set():
                        break
                    self._vector(_digest(text), text)
            except Exception as error:
                log.info("Questions could not be encoded ahead (%s)", error)

        ahead = threading.Thread(target=encode, name="questions", daemon=True)
        ahead.start()
        try:
            yield
        finally:
            stop.set()
            ahead.join()

    def save(self) -> None:
        """Store the vectors for the next time, unless something was erased since they were read. What is interrupted
        leaves a damaged file, which counts as none."""
        kept = [digest for digest, day in self._used.items() if day >= self._today - _KEPT]
        if not kept or self._file is None:
            return
        with os.fdopen(os.dup(self._file), "r+b") as file:
            file.truncate(0)
            file.seek(0)
            np.savez(
                file,
                digests=np.frombuffer(b"".join(kept), np.uint8).reshape(len(kept), -1),
                vectors=np.concatenate([self._vectors[digest] for digest in kept]),
                used=np.array([self._used[digest].toordinal() for digest in kept]),
            )
        for path in self._path.parent.glob(question_vectors_path(Path(), None).name):
            if path != self._path:
                path.unlink(missing_ok=True)  # those of another model

    def _encode(self, text: str) -> Vectors:
        digest = _digest(text)
        vector = self._vector(digest, text)
        self._used[digest] = self._today
        return vector

    def _vector(self, digest: bytes, text: str) -> Vectors:
        if digest not in self._vectors:
            with self._encoding:
                if digest not in self._vectors:
                    self._vectors[digest] = self._real.encode_queries([text])
        return self._vectors[digest]

    def _read(self) -> tuple[dict[bytes, Vectors], dict[bytes, date]]:
        """(the stored vectors, shape (1, dimension) each; the day on which each was needed last), by digest; none when
        the file is missing or damaged."""
        if self._file is None:
            return {}, {}
        try:
            with os.fdopen(os.dup(self._file), "rb") as file, np.load(file) as stored:
                digests = [digest.tobytes() for digest in stored["digests"]]
                vectors = dict(zip(digests, stored["vectors"].astype(np.float32)[:, None], strict=True))
                used = dict(zip(digests, map(date.fromordinal, stored["used"].tolist()), strict=True))
        except Exception:  # reading a damaged file may raise errors of many kinds
            return {}, {}
        return vectors, used


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
