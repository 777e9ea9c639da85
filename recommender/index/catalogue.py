"""The items and passages of a generation, in SQLite: in one file or in two that are read as one (`catalogue_files.py`).

A removed passage has no row here, although its vector is still in the dense index: `local.py` leaves such vectors out
of every search.
"""

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Item, Kind, Passage, Role
from recommender.index.catalogue_files import open_both, open_one, write_as_one
from recommender.index.generations import ADDED_CATALOGUE
from recommender.index.item_numbers import Numbers, numbers_of


@dataclass(frozen=True)
class Row:
    """A passage with its id and its digest (`digest.passage_digest`)."""

    id: int
    digest: str
    passage: Passage


class Catalogue:
    """Items and passages of a generation. Threads may share it. `path` is its `catalogue.db`, which is the file of an
    earlier generation when it `is_in_two_files`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, is_in_two_files: bool = False) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.path, self.is_in_two_files = path, is_in_two_files

    @classmethod
    def create(cls, path: Path) -> "Catalogue":
        """Open one file for writing; makes the tables when they are missing. Changes are stored at `commit`."""
        return cls(open_one(path, to_write=True), path)

    @classmethod
    def continue_from(cls, earlier: Path, path: Path) -> "Catalogue":
        """Open for writing what follows the catalogue at `earlier`, whose files stay as they are: `path` becomes a link
        to that one, and changes are stored in a copy of the small file beside it, or in a new one."""
        os.link(earlier, path)
        added = earlier.with_name(ADDED_CATALOGUE)
        if added.exists():
            shutil.copyfile(added, path.with_name(ADDED_CATALOGUE))
        return cls(open_both(path, to_write=True), path, is_in_two_files=True)

    @classmethod
    def load(cls, path: Path) -> "Catalogue":
        """Open for reading, with the small file beside it if there is one. Raises sqlite3.Error when a file is missing
        or damaged."""
        if not path.with_name(ADDED_CATALOGUE).exists():
            return cls.load_alone(path)
        catalogue = cls(open_both(path, to_write=False), path, is_in_two_files=True)
        catalogue.counts()
        return catalogue

    @classmethod
    def load_alone(cls, path: Path) -> "Catalogue":
        """Open for reading, without the small file beside it. Raises sqlite3.Error when it is missing or damaged."""
        catalogue = cls(open_one(path, to_write=False), path)
        catalogue.counts()
        return catalogue

    def in_one_file(self) -> "Catalogue":
        """The same in one file, open for writing, in place of the two. Commits the changes."""
        if not self.is_in_two_files:
            return self
        self.commit()
        self.close()
        write_as_one(self.path)
        return Catalogue.create(self.path)

    def digests(self) -> dict[str, str]:
        """Content digest of every item, by key."""
        with self._lock:
            return dict(self._connection.execute("SELECT key, digest FROM items"))

    def numbers(self) -> Numbers:
        """The numbers of all items (`item_numbers.py`), in order."""
        here = self._numbers("main")
        if not self.is_in_two_files:
            return here
        removed = numbers_of(self.removed_items())
        return np.sort(np.concatenate([here, np.setdiff1d(self._numbers("earlier"), removed, assume_unique=True)]))

    def _numbers(self, file: str) -> Numbers:
        """The numbers of the items in one file, in order. SQLite would look up each key among those that were removed
        if it read both as one."""
        found = [np.zeros(0, np.int64)]
        with self._lock:
            for kind, odd in ((Kind.REQUEST, 0), (Kind.DOCUMENT, 1)):
                number = f"2 * CAST(substr(key, {len(kind) + 2}) AS INTEGER) + {odd}"
                query = f"SELECT group_concat({number}) FROM {file}.items WHERE key > ? AND key < ?"  # noqa: S608
                (text,) = self._connection.execute(query, (f"{kind}:", f"{kind};")).fetchone()
                found.append(np.fromstring(text or "", np.int64, sep=","))
        return np.sort(np.concatenate(found))

    def digests_of(self, keys: Collection[str]) -> dict[str, str]:
        """Content digest of the items of `keys`, by key; unknown keys are left out."""
        marks = ",".join("?" * len(keys))
        with self._lock:
            return dict(self._connection.execute(f"SELECT key, digest FROM items WHERE key IN ({marks})", list(keys)))  # noqa: S608

    def counts(self) -> tuple[int, int]:
        """(number of items, number of passages)."""
        with self._lock:
            items = self._connection.execute("SELECT count(*) FROM main.items").fetchone()[0]
            passages = self._connection.execute("SELECT count(*) FROM main.passages").fetchone()[0]
            if self.is_in_two_files:
                before = self._connection.execute("SELECT items, passages FROM counted").fetchone()
                removed = "SELECT count(*), coalesce(sum(passages), 0) FROM removed_items"
                gone = self._connection.execute(removed).fetchone()
                items, passages = items + before[0] - gone[0], passages + before[1] - gone[1]
            return items, passages

    def last_id(self) -> int:
        """The largest id that a passage has or had; -1 when there is none."""
        found = [-1]
        with self._lock:
            for file in ("main", "earlier") if self.is_in_two_files else ("main",):
                found += self._connection.execute(f"SELECT coalesce(max(id), -1) FROM {file}.passages").fetchone()  # noqa: S608
        return max(found)

    def removed_items(self) -> frozenset[str]:
        """The keys of the items of the earlier generation's file that were removed, or replaced by newer ones."""
        if not self.is_in_two_files:
            return frozenset()
        with self._lock:
            return frozenset(key for (key,) in self._connection.execute("SELECT key FROM removed_items"))

    def add(self, item: Item, digest: str, rows: Sequence[Row]) -> None:
        """Add an item and its passages. Raises sqlite3.IntegrityError when it is there already."""
        with self._lock:
            if self._connection.execute("SELECT 1 FROM items WHERE key = ?", (item.key,)).fetchone():
                raise sqlite3.IntegrityError(f"{item.key} is there already")
            audience = json.dumps(sorted(item.audience))
            self._connection.execute("INSERT INTO main.items VALUES (?, ?, ?)", (item.key, digest, audience))
            values = [
                (row.id, p.item, p.role.value, p.position, p.context, p.text, p.language, row.digest)
                for row in rows
                for p in (row.passage,)
            ]
            self._connection.executemany("INSERT INTO main.passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def add_words(self, words: Collection[str]) -> None:
        """Add words of items."""
        rows = [(word,) for word in words]
        with self._lock:
            if not self.is_in_two_files:
                self._connection.executemany("INSERT OR IGNORE INTO words VALUES (?)", rows)
                return
            self._connection.executemany("DELETE FROM removed_words WHERE word = ?", rows)
            new = "INSERT INTO main.words SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM words WHERE word = ?1)"
            self._connection.executemany(new, rows)

    def remove_words(self, words: Collection[str]) -> None:
        """Remove words that no item has any more."""
        rows = [(word,) for word in words]
        with self._lock:
            self._connection.executemany("DELETE FROM main.words WHERE word = ?", rows)
            if self.is_in_two_files:
                gone = "INSERT OR IGNORE INTO removed_words SELECT word FROM earlier.words WHERE word = ?"
                self._connection.executemany(gone, rows)

    def words(self) -> list[str]:
        """The words of all items."""
        with self._lock:
            return [row[0] for row in self._connection.execute("SELECT word FROM words")]

    def remove(self, keys: Collection[str]) -> int:
        """Remove items and their passages. Returns how many passages were removed."""
        removed = 0
        with self._lock:
            for key in keys:
                count = "SELECT count(*) FROM passages WHERE item = ?"
                passages = self._connection.execute(count, (key,)).fetchone()[0]
                self._connection.execute("DELETE FROM main.items WHERE key = ?", (key,))
                here = self._connection.execute("DELETE FROM main.passages WHERE item = ?", (key,)).rowcount
                if self.is_in_two_files:
                    gone = "INSERT OR IGNORE INTO removed_items SELECT key, ? FROM earlier.items WHERE key = ?"
                    self._connection.execute(gone, (passages - here, key))
                removed += passages
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
        """The ids of all passages, in order."""
        with self._lock:
            return np.array(
                [row[0] for row in self._connection.execute("SELECT id FROM passages ORDER BY id")], np.int64
            )

    def members_and_roles(self, first: int = 0) -> tuple[Sequence[int], Sequence[str], Sequence[str]]:
        """(ids, item keys, values of the roles) of all passages from the id `first` on, in the order of ids."""
        ids, keys, roles = self._columns("id, item, role", "passages WHERE id >= ? ORDER BY id", first)
        return ids, keys, roles

    def languages(self, first: int = 0) -> dict[str, str]:
        """The language of every item that has passages from the id `first` on, by key."""
        keys, languages = self._columns("item, language", "passages WHERE position = 0 AND id >= ?", first)
        return dict(zip(keys, languages, strict=True))

    def audiences(self, first: int = 0) -> list[tuple[str, frozenset[str]]]:
        """(item key, audience) of every item; with `first` of those that have passages from this id on: all of them in
        `main`, since the earlier file has none. Items with the same readers share one set."""
        if first:
            of_items = "main.items WHERE key IN (SELECT item FROM main.passages WHERE id >= ?)"
            keys, texts = self._columns("key, audience", of_items, first)
        else:
            keys, texts = self._columns("key, audience", "items")
        known = {text: frozenset(json.loads(text)) for text in set(texts)}
        return [(key, known[text]) for key, text in zip(keys, texts, strict=True)]

    def _columns(self, names: str, rows: str, *values: int) -> list[tuple[Any, ...]]:
        """Columns of many rows, which SQLite puts together. Row by row, each time another thread that computes would
        have Python's lock for a while."""
        together = ", ".join(f"json_group_array({name})" for name in names.split(", "))
        query = f"SELECT {together} FROM (SELECT {names} FROM {rows})"  # noqa: S608
        with self._lock:
            return [tuple(json.loads(column)) for column in self._connection.execute(query, values).fetchone()]

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
        """Number the passages 0, 1, 2 ... in the order of their ids, and commit. Call this on one file only."""
        with self._lock:
            ids = [row[0] for row in self._connection.execute("SELECT id FROM passages ORDER BY id")]
            moves = [(number, old) for number, old in enumerate(ids) if number != old]
            self._connection.executemany("UPDATE passages SET id = ? WHERE id = ?", moves)  # ids only become smaller
            self._connection.commit()

    def commit(self) -> None:
        """Store the changes."""
        self._connection.commit()

    def close(self) -> None:
        """Close the files."""
        self._connection.close()


def _row(row: tuple[int, str, str, int, str, str, str, str]) -> Row:
    identifier, item, role, position, context, text, language, digest = row
    return Row(identifier, digest, Passage(item, Role(role), position, context, text, language))
