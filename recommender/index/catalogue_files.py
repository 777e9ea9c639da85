"""The SQLite files of a catalogue: one, or that of an earlier generation and a small one beside it, read as one.

The small one, `catalogue-added.db`, has what was added since, and lists what was removed. The earlier one is never
changed, since other generations have it too, by a hard link.
"""

import os
import shutil
import sqlite3
from pathlib import Path

from recommender.index.generations import ADDED_CATALOGUE

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
_REMOVED = """
CREATE TABLE IF NOT EXISTS removed_items (key TEXT PRIMARY KEY, passages INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS removed_words (word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counted AS
    SELECT (SELECT count(*) FROM earlier.items) AS items, (SELECT count(*) FROM earlier.passages) AS passages;
"""
"""What the small file has beside the same tables: what was removed of the earlier file, and how much is in that."""
_AS_ONE = """
CREATE TEMP VIEW items AS SELECT * FROM main.items UNION ALL
    SELECT * FROM earlier.items WHERE key NOT IN (SELECT key FROM main.removed_items);
CREATE TEMP VIEW passages AS SELECT * FROM main.passages UNION ALL
    SELECT * FROM earlier.passages WHERE item NOT IN (SELECT key FROM main.removed_items);
CREATE TEMP VIEW words AS SELECT word FROM main.words UNION ALL
    SELECT word FROM earlier.words WHERE word NOT IN (SELECT word FROM main.removed_words);
"""
"""A table's name alone means both files where there are two. `main` is the small one then, else the only one."""


def open_one(path: Path, to_write: bool) -> sqlite3.Connection:
    """A connection to one file, whose tables are made when they are missing and it is to be written."""
    connection = _open(path, to_write)
    if to_write:
        connection.executescript(_TABLES)
    return connection


def open_both(path: Path, to_write: bool) -> sqlite3.Connection:
    """A connection to the file at `path`, which is only read, and to the small one beside it, which is made when it is
    missing and is to be written."""
    connection = _open(path.with_name(ADDED_CATALOGUE), to_write)
    connection.execute("ATTACH ? AS earlier", (_address(path, to_write=False),))
    if to_write:
        connection.executescript(_TABLES + _REMOVED)
    connection.executescript(_AS_ONE)
    return connection


def write_as_one(path: Path) -> None:
    """Put one file with everything in place of the file at `path` and the small one beside it. What was removed is not
    in it. The earlier generation keeps its file."""
    added, new = path.with_name(ADDED_CATALOGUE), path.with_name(f"{path.name}.new")
    shutil.copyfile(path, new)
    connection = open_one(new, to_write=True)
    connection.execute("ATTACH ? AS added", (_address(added, to_write=False),))
    connection.execute("DELETE FROM items WHERE key IN (SELECT key FROM removed_items)")
    connection.execute("DELETE FROM passages WHERE item IN (SELECT key FROM removed_items)")
    connection.execute("DELETE FROM words WHERE word IN (SELECT word FROM removed_words)")
    for table in ("items", "passages", "words"):
        connection.execute(f"INSERT INTO {table} SELECT * FROM added.{table}")  # noqa: S608
    connection.commit()
    connection.close()
    os.replace(new, path)
    added.unlink()


def _open(path: Path, to_write: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(_address(path, to_write), uri=True, check_same_thread=False)
    connection.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
    return connection


def _address(path: Path, to_write: bool) -> str:
    return f"{path.resolve().as_uri()}?mode={'rwc' if to_write else 'ro'}"
