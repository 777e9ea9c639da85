"""Vectors computed but not yet in a live generation: an interrupted run does not compute them again."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from recommender.encoder import ModelCard
from recommender.index.builder import Vectors


class Journal:
    """Vectors by passage digest for one model, durable batch by batch, dropped once a generation is live."""

    def __init__(self, index_dir: Path, model: ModelCard) -> None:
        index_dir.mkdir(parents=True, exist_ok=True)
        self._path = index_dir / f"journal-{model.revision}-{model.dimension}.db"
        self._connection = sqlite3.connect(self._path)
        self._connection.execute("CREATE TABLE IF NOT EXISTS vectors (digest TEXT PRIMARY KEY, vector BLOB NOT NULL)")

    def find(self, digests: Iterable[str]) -> dict[str, Vectors]:
        """The vectors that are already there."""
        found = {}
        for digest in digests:
            row = self._connection.execute("SELECT vector FROM vectors WHERE digest = ?", (digest,)).fetchone()
            if row:
                found[digest] = np.frombuffer(row[0], np.float32)
        return found

    def keep(self, vectors: dict[str, Vectors]) -> None:
        """Keep vectors; durable when this returns."""
        rows = [(digest, vector.astype(np.float32).tobytes()) for digest, vector in vectors.items()]
        self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
        self._connection.commit()

    def drop(self) -> None:
        """Remove the journal."""
        self._connection.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal, keeping it for the next run."""
        self._connection.close()
