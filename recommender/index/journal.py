"""Vectors that are encoded but not yet in a live generation, so that the run after an interrupted one can use them.

Each vector is stored with its checksum; one that is damaged counts as not stored.
"""

import contextlib
import sqlite3
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from recommender.encoder import ModelCard, Vectors
from recommender.index.generations import JOURNAL

_COMPARED_AT_ONCE = 1_000  # stored vectors, between which a run can store others: a judgement


class Journal:
    """Vectors of a model by passage digest, in a SQLite file. One thread at a time may use it. The caller drops it when
    the generation is live."""

    def __init__(self, index_dir: Path, model: ModelCard) -> None:
        index_dir.mkdir(parents=True, exist_ok=True)
        self._path = index_dir / journal_name(model)
        try:
            self._connection = _open(self._path)
        except sqlite3.DatabaseError:  # damaged: everything is encoded again
            self._path.unlink()
            self._connection = _open(self._path)

    def find(self, digests: Iterable[str]) -> dict[str, Vectors]:
        """The stored vectors of these digests, shape (dimension,) each, by digest; unknown digests are left out."""
        vectors = {}
        for digest in digests:
            row = None
            with contextlib.suppress(sqlite3.DatabaseError):
                row = self._connection.execute("SELECT vector FROM vectors WHERE digest = ?", (digest,)).fetchone()
            if row and row[0][-4:] == _check(digest, row[0][:-4]):
                vectors[digest] = np.frombuffer(row[0][:-4], np.float32)
        return vectors

    def keep(self, vectors: dict[str, Vectors]) -> None:
        """Store vectors; they are on disk when this returns."""
        stored = {digest: vector.astype(np.float32).tobytes() for digest, vector in vectors.items()}
        rows = [(digest, values + _check(digest, values)) for digest, values in stored.items()]
        self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
        self._connection.commit()

    def drop(self) -> None:
        """Close and delete the file."""
        self._connection.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file, which the next run can use."""
        self._connection.close()


def remove_journals(index_dir: Path, model: ModelCard | None = None) -> None:
    """Delete what is left of interrupted runs, of this model or of any. Call this when the index is up to date."""
    for path in index_dir.glob(f"{journal_name(model) if model else JOURNAL}*"):
        path.unlink(missing_ok=True)


def journal_is_damaged(path: Path) -> bool:
    """True when a journal cannot be read, or a vector in it is damaged. False for one that is gone, or that another
    process is writing at this moment. Who reads locks out who writes, so a few vectors are read at a time."""
    query = "SELECT rowid, digest, vector FROM vectors WHERE rowid > ? ORDER BY rowid LIMIT ?"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            last = -1
            while rows := connection.execute(query, (last, _COMPARED_AT_ONCE)).fetchall():
                wrong = any(stored[-4:] != _check(digest, stored[:-4]) for _row, digest, stored in rows)
                if wrong or rows[-1][0] <= last:  # rows that are not in order would be read again and again
                    return True
                last = rows[-1][0]
            return False
    except sqlite3.OperationalError:  # it is gone or locked
        return False
    except (sqlite3.DatabaseError, TypeError, AttributeError):
        return True


def journal_name(model: ModelCard) -> str:
    """The name of the file with the vectors of a model."""
    return f"{JOURNAL}{model.revision}-{model.dimension}.db"


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS vectors (digest TEXT PRIMARY KEY, vector BLOB NOT NULL)")
        connection.execute("SELECT count(*) FROM vectors").fetchone()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _check(digest: str, values: bytes) -> bytes:
    """The checksum of a stored vector, 4 bytes."""
    return zlib.crc32(values, zlib.crc32(digest.encode())).to_bytes(4, "little")
