"""Dense search: nearest unit vectors by inner product, with FAISS. No other module imports faiss.

Small indexes are searched exactly, large ones with HNSW. The row of a vector is its passage id. The vector of a removed
passage stays, and is left out of searches, until `IndexBuilder` writes all vectors anew.

A generation that is made from another one has the same file of vectors, by a hard link, and a small second file with
those that were added since, which are always searched exactly. An index of FAISS that other generations may share is
never changed, and a file that an open generation has in memory is not read again.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import faiss
import numpy as np
from numpy.typing import NDArray

from recommender.checksums import FileIdentity, identity_of
from recommender.encoder import Vectors
from recommender.index.generations import ADDED
from recommender.index.half import from_half

_LINKS, _CONSTRUCTION, _SEARCH = 24, 80, 96  # M, efConstruction and efSearch of HNSW: a judgement
_EXACT_BELOW = 20_000  # readable rows up to which HNSW is not used: a judgement
_COPIED = 10_000  # vectors that are copied from one index into another at once: a judgement
MOST_ADDED = 4096  # vectors beside those of the shared file, whose search takes about a millisecond: a judgement

_shared: WeakValueDictionary[FileIdentity, "Rows"] = WeakValueDictionary()  # as `_read` has read them
_reading = threading.Lock()


class Rows:
    """Vectors in an index of FAISS: the part of a DenseIndex that is in one file."""

    def __init__(self, index: faiss.Index, mapped: Path | None = None) -> None:
        self.index = index
        self._mapped = mapped  # the file that it is in, when it is not in memory

    def copy(self) -> "Rows":
        """The same vectors in memory, to which others can be added."""
        return Rows(faiss.read_index(str(self._mapped)) if self._mapped else faiss.clone_index(self.index))

    def __len__(self) -> int:
        return int(self.index.ntotal)

    @property
    def approximate(self) -> bool:
        return isinstance(self.index, faiss.IndexHNSW)

    def storage(self) -> faiss.Index:
        """The part that is searched exactly."""
        return faiss.downcast_index(self.index.storage) if self.approximate else self.index

    def add(self, vectors: Vectors) -> None:
        if len(vectors):
            self.index.add(np.ascontiguousarray(vectors, np.float32))

    def vectors(self, ids: NDArray[np.int64]) -> Vectors:
        if not len(ids):
            return np.zeros((0, self.index.d), np.float32)
        storage = self.storage()
        codes = faiss.rev_swig_ptr(storage.codes.data(), storage.ntotal * storage.code_size)
        stored = codes.reshape(-1, storage.code_size)[ids]
        is_half = isinstance(storage, faiss.IndexScalarQuantizer)
        return from_half(stored) if is_half else np.asarray(stored.view(np.float32))

    def search(
        self, vector: Vectors, readable: NDArray[np.bool_], top_k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """(the rows that are nearest, their cosines), best first."""
        count = int(np.count_nonzero(readable))
        top_k = min(top_k, count)
        if top_k == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        bitmap = np.packbits(readable, bitorder="little")
        selector = faiss.IDSelectorBitmap(bitmap)
        query = np.ascontiguousarray(vector.reshape(1, -1), np.float32)
        with _in_one_thread():
            if self.approximate and count >= _EXACT_BELOW:
                parameters = faiss.SearchParametersHNSW(sel=selector, efSearch=max(_SEARCH, top_k))
                scores, ids = self.index.search(query, top_k, params=parameters)
            else:
                scores, ids = self.storage().search(query, top_k, params=faiss.SearchParameters(sel=selector))
        found = ids[0] >= 0
        return ids[0][found], scores[0][found]


@contextmanager
def _in_one_thread() -> Iterator[None]:
    """Have FAISS use no more threads than the one that calls it: of one question, the others only wait, and take a
    processor meanwhile."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


class DenseIndex:
    """Vectors of passages; their rows are the passage ids. Scores are cosines."""

    def __init__(self, rows: Rows, added: Rows | None = None) -> None:
        self._rows = rows
        self._added = added  # with ids after those of `_rows`

    @classmethod
    def empty(cls, dimension: int, approximate: bool) -> "DenseIndex":
        """An index without vectors, with exact search (float32) or HNSW over float16 (Malkov and Yashunin 2018)."""
        if not approximate:
            return cls(_exact(dimension, approximate))
        index = faiss.IndexHNSWSQ(dimension, _HALF, _LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _CONSTRUCTION
        index.train(np.zeros((1, dimension), np.float32))
        return cls(Rows(index))

    @classmethod
    def load(cls, path: Path, checksum: str = "") -> "DenseIndex":
        """Read an index that `save` or `save_added` wrote. With the `checksum` of the file at `path`, it is shared with
        the other indexes that have it in memory. Raises RuntimeError or OSError when a file is missing or truncated."""
        return cls(_read(path, checksum), _read_added(path))

    @classmethod
    def map(cls, path: Path) -> "DenseIndex":
        """Open the same for who needs few of the vectors, which are read from the disk when they are. Files that are
        cut meanwhile would end the process, so this is not for a server. Raises the errors of `load`."""
        return cls(Rows(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), path), _read_added(path))

    @staticmethod
    def in_memory(path: Path, checksum: str) -> object:
        """None, unless an index has read this file, whose checksum was this one then. Hold what is returned until it is
        loaded here too."""
        try:
            return _shared.get(identity_of(path, checksum)) if checksum else None
        except OSError:  # it is missing
            return None

    @property
    def shared(self) -> Rows:
        """The first part, which other generations may have too; never changed after it was read."""
        return self._rows

    def continued(self) -> "DenseIndex":
        """An index that begins with the same vectors. What is added to it leaves this one as it is."""
        added = _exact(self._rows.index.d, self.approximate)
        added.add(self.vectors(np.arange(len(self._rows), len(self), dtype=np.int64)))
        return DenseIndex(self._rows, added)

    def merged(self) -> "DenseIndex":
        """The same vectors in one part."""
        if not self.added:
            return self
        whole = DenseIndex(self._rows.copy())
        whole._copy(self, np.arange(len(self._rows), len(self), dtype=np.int64))
        return whole

    def only(self, ids: NDArray[np.int64], approximate: bool) -> "DenseIndex":
        """The vectors of `ids` alone, in this order and in one part."""
        fewer = DenseIndex.empty(self._rows.index.d, approximate)
        fewer._copy(self, ids)
        return fewer

    def _copy(self, other: "DenseIndex", ids: NDArray[np.int64]) -> None:
        for start in range(0, len(ids), _COPIED):
            self.add(other.vectors(ids[start : start + _COPIED]))

    def save(self, path: Path) -> None:
        """Write all vectors into one file."""
        faiss.write_index(self.merged()._rows.index, str(path))

    def save_added(self, path: Path) -> None:
        """Write those that were added after `continued`, if any, into the file beside `path`, which has the others."""
        if self._added is not None and self.added:
            faiss.write_index(self._added.index, str(path.with_name(ADDED)))

    @property
    def approximate(self) -> bool:
        """True when the search uses HNSW."""
        return self._rows.approximate

    @property
    def added(self) -> int:
        """How many vectors are in the second part."""
        return 0 if self._added is None else len(self._added)

    def __len__(self) -> int:
        return len(self._rows) + self.added

    def add(self, vectors: Vectors) -> None:
        """Append unit vectors, shape (n, dimension); their ids are the numbers of the next n rows."""
        (self._rows if self._added is None else self._added).add(vectors)

    def vectors(self, ids: NDArray[np.int64]) -> Vectors:
        """The vectors of `ids`, shape (n, dimension)."""
        if self._added is None:
            return self._rows.vectors(ids)
        found = np.empty((len(ids), self._rows.index.d), np.float32)
        later = ids >= len(self._rows)
        found[~later] = self._rows.vectors(ids[~later])
        found[later] = self._added.vectors(ids[later] - len(self._rows))
        return found

    def search(self, vector: Vectors, readable: NDArray[np.bool_], top_k: int) -> list[tuple[int, float]]:
        """The `top_k` nearest readable rows as (id, cosine), best first.

        `vector` has shape (dimension,), `readable` shape (rows,). When few rows are readable the search is always
        exact, since HNSW would miss most of them.
        """
        first = len(self._rows)
        ids, scores = self._rows.search(vector, readable[:first], top_k)
        if self._added is not None:
            added, theirs = self._added.search(vector, readable[first:], top_k)
            ids, scores = np.concatenate([ids, first + added]), np.concatenate([scores, theirs])
            best = np.argsort(-scores, kind="stable")[:top_k]
            ids, scores = ids[best], scores[best]
        return list(zip(ids.tolist(), scores.tolist(), strict=True))


_HALF = faiss.ScalarQuantizer.QT_fp16


def _exact(dimension: int, half: bool) -> Rows:
    """Vectors that are searched exactly, as float16 or float32."""
    if half:
        return Rows(faiss.IndexScalarQuantizer(dimension, _HALF, faiss.METRIC_INNER_PRODUCT))
    return Rows(faiss.IndexFlatIP(dimension))


def _read_added(path: Path) -> Rows | None:
    added = path.with_name(ADDED)
    return Rows(faiss.read_index(str(added))) if added.exists() else None


def _read(path: Path, checksum: str) -> Rows:
    key = identity_of(path, checksum)
    with _reading:
        rows = _shared.get(key) if checksum else None
        if rows is None:
            rows = Rows(faiss.read_index(str(path)))
            if checksum:
                _shared[key] = rows
        return rows
