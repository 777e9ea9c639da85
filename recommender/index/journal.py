"""Vectors that are encoded but not yet in a live generation, so that the run after an interrupted one can use them."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from recommender.encoder import ModelCard, Vectors


class Journal:
    """Vectors of a model by passage digest, in a SQLite file. The caller drops it when the generation is live."""

    def __init__(self, index_dir: Path, model: ModelCard) -> None:
        index_dir.mkdir(parents=True, exist_ok=True)
        self._path = index_dir / f"journal-{model.revision}-{model.dimension}.db"
        self._connection = sqlite3.connect(self._path)
        self._connection.execute("CREATE TABLE IF NOT EXISTS vectors (digest TEXT PRIMARY KEY, vector BLOB NOT NULL)")

    def find(self, digests: Iterable[str]) -> dict[str, Vectors]:
        """The stored vectors of these digests, shape (dimension,) each, by digest; unknown digests are left out."""
        vectors = {}
        for digest in digests:
            row = self._connection.execute("SELECT vector FROM vectors WHERE digest = ?", (digest,)).fetchone()
            if row:
                vectors[digest] = np.frombuffer(row[0], np.float32)
        return vectors

    def keep(self, vectors: dict[str, Vectors]) -> None:
        """Store vectors; they are on disk when this returns."""
        rows = [(digest, vector.astype(np.float32).tobytes()) for digest, vector in vectors.items()]
        self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
        self._connection.commit()

    def drop(self) -> None:
        """Close and delete the file."""
        self._connection.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file, which the next run can use."""
        self._connection.close()
