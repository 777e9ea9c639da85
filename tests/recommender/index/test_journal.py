"""index/journal.py: vectors are found again as they were stored; damaged ones count as not stored."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from recommender.encoder import ModelCard
from recommender.index.journal import Journal

CARD = ModelCard("m", "1", 4, 512)
VECTOR = np.array([0.5, 0.5, 0.5, 0.5], np.float32)


def _stored(path: Path) -> Path:
    journal = Journal(path, CARD)
    journal.keep({"a": VECTOR, "b": -VECTOR})
    journal.close()
    return path / "journal-1-4.db"


def test_a_stored_vector_is_found_again(tmp_path: Path) -> None:
    _stored(tmp_path)
    found = Journal(tmp_path, CARD).find(["a", "b", "c"])
    assert found.keys() == {"a", "b"}
    assert found["a"].tolist() == VECTOR.tolist() and found["b"].tolist() == (-VECTOR).tolist()


def test_a_vector_with_turned_over_bytes_is_not_used(tmp_path: Path) -> None:
    path = _stored(tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE vectors SET vector = (SELECT vector FROM vectors WHERE digest = 'b') WHERE digest = 'a'")
    connection.commit()
    connection.close()
    assert Journal(tmp_path, CARD).find(["a", "b"]).keys() == {"b"}


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 and then nothing", b"x" * 5000])
def test_a_damaged_journal_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    _stored(tmp_path).write_bytes(content)
    journal = Journal(tmp_path, CARD)
    assert journal.find(["a"]) == {}
    journal.keep({"a": VECTOR})
    assert journal.find(["a"])["a"].tolist() == VECTOR.tolist()
