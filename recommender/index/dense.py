"""Dense search: nearest unit vectors by inner product, with FAISS. No other module imports faiss.

Small indexes are searched exactly, large ones with HNSW. The row of a vector is its passage id. The vector of a removed
passage stays, and is left out of searches, until `IndexBuilder` writes all vectors anew.
"""

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Vectors

_LINKS, _CONSTRUCTION, _SEARCH = 24, 80, 96  # M, efConstruction and efSearch of HNSW: a judgement
_EXACT_BELOW = 20_000  # readable rows up to which HNSW is not used: a judgement


class DenseIndex:
    """Vectors of passages; their rows are the passage ids. Scores are cosines."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def empty(cls, dimension: int, approximate: bool) -> "DenseIndex":
        """An index without vectors, with exact search (float32) or HNSW over float16 (Malkov and Yashunin 2018)."""
        if not approximate:
            return cls(faiss.IndexFlatIP(dimension))
        kind = faiss.ScalarQuantizer.QT_fp16
        index = faiss.IndexHNSWSQ(dimension, kind, _LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _CONSTRUCTION
        index.train(np.zeros((1, dimension), np.float32))
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> "DenseIndex":
        """Read an index that `save` wrote. Raises RuntimeError or OSError when the file is missing or truncated."""
        return cls(faiss.read_index(str(path)))

    def save(self, path: Path) -> None:
        """Write the index."""
        faiss.write_index(self._index, str(path))

    @property
    def approximate(self) -> bool:
        """True when the search uses HNSW."""
        return isinstance(self._index, faiss.IndexHNSW)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, vectors: Vectors) -> None:
        """Append unit vectors, shape (n, dimension); their ids are the numbers of the next n rows."""
        if len(vectors):
            self._index.add(np.ascontiguousarray(vectors, np.float32))

    def vectors(self, ids: NDArray[np.int64]) -> Vectors:
        """The vectors of `ids`, shape (n, dimension)."""
        if not len(ids):
            return np.zeros((0, self._index.d), np.float32)
        storage = self._storage()
        codes = faiss.rev_swig_ptr(storage.codes.data(), storage.ntotal * storage.code_size)
        stored = codes.view(np.float16 if storage.code_size < 4 * self._index.d else np.float32)
        return np.asarray(stored.reshape(-1, self._index.d)[ids], np.float32)

    def search(self, vector: Vectors, readable: NDArray[np.bool_], top_k: int) -> list[tuple[int, float]]:
        """The `top_k` nearest readable rows as (id, cosine), best first.

        `vector` has shape (dimension,), `readable` shape (rows,). When few rows are readable the search is always
        exact, since HNSW would miss most of them.
        """
        count = int(np.count_nonzero(readable))
        top_k = min(top_k, count)
        if top_k == 0:
            return []
        bitmap = np.packbits(readable, bitorder="little")
        selector = faiss.IDSelectorBitmap(bitmap)
        query = np.ascontiguousarray(vector.reshape(1, -1), np.float32)
        if self.approximate and count >= _EXACT_BELOW:
            parameters = faiss.SearchParametersHNSW(sel=selector, efSearch=max(_SEARCH, top_k))
            scores, ids = self._index.search(query, top_k, params=parameters)
        else:
            scores, ids = self._storage().search(query, top_k, params=faiss.SearchParameters(sel=selector))
        return [(i, s) for i, s in zip(ids[0].tolist(), scores[0].tolist(), strict=True) if i >= 0]

    def _storage(self) -> faiss.Index:
        return faiss.downcast_index(self._index.storage) if self.approximate else self._index
