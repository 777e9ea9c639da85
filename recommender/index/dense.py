"""The dense leg: inner product over unit vectors in FAISS. Exact while small, HNSW when large. The only door to faiss.

Rows are passage ids and are never reused; a removed passage stays in its row and is masked out by its reader bitmap.
"""

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
_LINKS, _BUILD, _SEARCH = 24, 80, 96
_EXACT_BELOW = 20_000


class DenseIndex:
    """Vectors of passages, row = passage id. Scores are cosines."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def empty(cls, dimension: int, approximate: bool) -> "DenseIndex":
        """An index without vectors: exact (float32), or HNSW over float16 (Malkov and Yashunin 2018)."""
        if not approximate:
            return cls(faiss.IndexFlatIP(dimension))
        kind = faiss.ScalarQuantizer.QT_fp16
        index = faiss.IndexHNSWSQ(dimension, kind, _LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _BUILD
        index.train(np.zeros((1, dimension), np.float32))
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> "DenseIndex":
        """Read an index written by `save`; RuntimeError or OSError when the file is missing or cut short."""
        return cls(faiss.read_index(str(path)))

    def save(self, path: Path) -> None:
        """Write the index."""
        faiss.write_index(self._index, str(path))

    @property
    def approximate(self) -> bool:
        """True when search is by HNSW."""
        return isinstance(self._index, faiss.IndexHNSW)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, vectors: Vectors) -> None:
        """Append unit vectors, shape (n, dimension); their ids are the next n rows."""
        if len(vectors):
            self._index.add(np.ascontiguousarray(vectors, np.float32))

    def vectors(self, ids: NDArray[np.int64]) -> Vectors:
        """The vectors of `ids`, shape (n, dimension)."""
        if not len(ids):
            return np.zeros((0, self._index.d), np.float32)
        storage = self._storage()
        codes = faiss.rev_swig_ptr(storage.codes.data(), storage.ntotal * storage.code_size)
        return np.asarray(storage.sa_decode(codes.reshape(-1, storage.code_size)[ids]), np.float32)

    def search(self, vector: Vectors, readable: NDArray[np.bool_], top_k: int) -> list[tuple[int, float]]:
        """The `top_k` nearest readable rows as (id, cosine), best first. `readable` has one value per row.

        A narrow filter starves a graph search, so few readable rows are searched exactly.
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
