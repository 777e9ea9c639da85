"""The items and passages of a generation, in a SQLite file.

A removed passage has no row here, although its vector is still in the dense index: `local.py` leaves such vectors out
of every search.
"""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Item, Passage, Role

_TABLES = """
CREATE TABLE IF NOT EXISTS items (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, audience TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passages (
    id INTEGER PRIMARY KEY, item TEXT NOT NULL, role TEXT NOT NULL, position INTEGER NOT NULL,
    context TEXT NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL, digest TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passages_item ON passages (item);
CREATE INDEX IF NOT EXISTS passages_digest ON passages (digest);
"""


@dataclass(frozen=True)
class Row:
    """A passage with its id and its digest (`digest.passage_digest`)."""

    id: int
    digest: str
    passage: Passage


class Catalogue:
    """Items and passages of a generation. Threads may share it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def create(cls, path: Path) -> "Catalogue":
        """Open for writing; makes the tables when they are missing. Changes are stored at `commit`."""
        connection = sqlite3.connect(path, check_same_thread=False)
        connection.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
        connection.executescript(_TABLES)
        return cls(connection)

    @classmethod
    def load(cls, path: Path) -> "Catalogue":
        """Open for reading. Raises sqlite3.Error when the file is missing or damaged."""
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        catalogue = cls(connection)
        catalogue.counts()
        return catalogue

    def digests(self) -> dict[str, str]:
        """Content digest of every item, by key."""
        with self._lock:
            return dict(self._connection.execute("SELECT key, digest FROM items"))

    def digests_of(self, keys: Collection[str]) -> dict[str, str]:
        """Content digest of the items of `keys`, by key; unknown keys are left out."""
        marks = ",".join("?" * len(keys))
        with self._lock:
            return dict(self._connection.execute(f"SELECT key, digest FROM items WHERE key IN ({marks})", list(keys)))  # noqa: S608

    def counts(self) -> tuple[int, int]:
        """(number of items, number of passages)."""
        with self._lock:
            items = self._connection.execute("SELECT count(*) FROM items").fetchone()[0]
            return items, self._connection.execute("SELECT count(*) FROM passages").fetchone()[0]

    def last_id(self) -> int:
        """The largest id of a passage; -1 when there is none."""
        with self._lock:
            return int(self._connection.execute("SELECT coalesce(max(id), -1) FROM passages").fetchone()[0])

    def add(self, item: Item, digest: str, rows: Sequence[Row]) -> None:
        """Add an item and its passages."""
        with self._lock:
            audience = json.dumps(sorted(item.audience))
            self._connection.execute("INSERT INTO items VALUES (?, ?, ?)", (item.key, digest, audience))
            values = [
                (row.id, p.item, p.role.value, p.position, p.context, p.text, p.language, row.digest)
                for row in rows
                for p in (row.passage,)
            ]
            self._connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def add_words(self, words: Collection[str]) -> None:
        """Add words of items."""
        with self._lock:
            self._connection.executemany("INSERT OR IGNORE INTO words VALUES (?)", [(word,) for word in words])

    def remove_words(self, words: Collection[str]) -> None:
        """Remove words that no item has any more."""
        with self._lock:
            self._connection.executemany("DELETE FROM words WHERE word = ?", [(word,) for word in words])

    def words(self) -> list[str]:
        """The words of all items."""
        with self._lock:
            return [row[0] for row in self._connection.execute("SELECT word FROM words")]

    def remove(self, keys: Collection[str]) -> int:
        """Remove items and their passages. Returns how many passages were removed."""
        with self._lock:
            removed = 0
            for key in keys:
                self._connection.execute("DELETE FROM items WHERE key = ?", (key,))
                removed += self._connection.execute("DELETE FROM passages WHERE item = ?", (key,)).rowcount
            return removed

    def ids_by_digest(self, digests: Collection[str]) -> dict[str, int]:
        """The id of a passage with this digest, by digest; digests without a passage are left out."""
        ids: dict[str, int] = {}
        with self._lock:
            for digest in digests:
                row = self._connection.execute("SELECT id FROM passages WHERE digest = ? LIMIT 1", (digest,)).fetchone()
                if row:
                    ids[digest] = row[0]
        return ids

    def members(self) -> list[tuple[int, str]]:
        """(passage id, item key) of every passage, in the order of ids."""
        with self._lock:
            return self._connection.execute("SELECT id, item FROM passages ORDER BY id").fetchall()

    def ids(self) -> NDArray[np.int64]:
        """The ids of all passages, in any order."""
        with self._lock:
            return np.array([row[0] for row in self._connection.execute("SELECT id FROM passages")], np.int64)

    def members_and_roles(self, first: int = 0) -> tuple[Sequence[int], Sequence[str], Sequence[str]]:
        """(ids, item keys, values of the roles) of all passages from the id `first` on, in the order of ids. Read
        whole, which is several times as fast as one by one."""
        query = "SELECT id, item, role FROM passages WHERE id >= ? ORDER BY id"
        with self._lock:
            rows = self._connection.execute(query, (first,)).fetchall()
        ids, keys, roles = zip(*rows, strict=True) if rows else ((), (), ())
        return ids, keys, roles

    def languages(self, first: int = 0) -> dict[str, str]:
        """The language of every item that has passages from the id `first` on, by key."""
        query = "SELECT item, language FROM passages WHERE position = 0 AND id >= ?"
        with self._lock:
            return dict(self._connection.execute(query, (first,)))

    def audiences(self, first: int = 0) -> list[tuple[str, frozenset[str]]]:
        """(item key, audience) of every item; with `first` of those that have passages from this id on. Items with the
        same readers share one set."""
        query = "SELECT key, audience FROM items"
        with self._lock:
            if first:
                query += " WHERE key IN (SELECT item FROM passages WHERE id >= ?)"
            rows = self._connection.execute(query, (first,) if first else ()).fetchall()
        known = {text: frozenset(json.loads(text)) for text in {text for _key, text in rows}}
        return [(key, known[text]) for key, text in rows]

    def rows(self) -> Iterator[Row]:
        """Every passage, in the order of ids."""
        with self._lock:
            for row in self._connection.execute("SELECT * FROM passages ORDER BY id"):
                yield _row(row)

    def passages(self, ids: Collection[int]) -> dict[int, Passage]:
        """The passages of `ids`, by id; unknown ids are left out."""
        marks = ",".join("?" * len(ids))
        with self._lock:
            rows = self._connection.execute(f"SELECT * FROM passages WHERE id IN ({marks})", list(ids))  # noqa: S608
            return {row[0]: _row(row).passage for row in rows}

    def passages_of(self, item: str) -> list[Passage]:
        """The passages of an item."""
        with self._lock:
            rows = self._connection.execute("SELECT * FROM passages WHERE item = ? ORDER BY position", (item,))
            return [_row(row).passage for row in rows]

    def renumber(self) -> None:
        """Number the passages 0, 1, 2 ... in the order of their ids, and commit."""
        with self._lock:
            ids = [row[0] for row in self._connection.execute("SELECT id FROM passages ORDER BY id")]
            moves = [(number, old) for number, old in enumerate(ids) if number != old]
            self._connection.executemany("UPDATE passages SET id = ? WHERE id = ?", moves)  # ids only become smaller
            self._connection.commit()

    def commit(self) -> None:
        """Store the changes."""
        self._connection.commit()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _row(row: tuple[int, str, str, int, str, str, str, str]) -> Row:
    identifier, item, role, position, context, text, language, digest = row
    return Row(identifier, digest, Passage(item, Role(role), position, context, text, language))
