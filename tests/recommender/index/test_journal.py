"""index/journal.py: vectors are found again as they were stored; damaged ones count as not stored."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from recommender.encoder import ModelCard
from recommender.index import journal
from recommender.index.journal import Journal, journal_is_damaged

CARD = ModelCard("m", "1", 4, 512)
VECTOR = np.array([0.5, 0.5, 0.5, 0.5], np.float32)


def _stored(path: Path) -> Path:
    opened = Journal(path, CARD)
    opened.keep({"a": VECTOR, "b": -VECTOR})
    opened.close()
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
    opened = Journal(tmp_path, CARD)
    assert opened.find(["a"]) == {}
    opened.keep({"a": VECTOR})
    assert opened.find(["a"])["a"].tolist() == VECTOR.tolist()


def test_vectors_can_be_stored_while_a_journal_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, check, stored = _stored(tmp_path), journal._check, []
    with closing(sqlite3.connect(path, timeout=0)) as other:

        def store_meanwhile(digest: str, values: bytes) -> bytes:
            other.execute("UPDATE vectors SET vector = vector")
            other.commit()  # raises when the file is locked
            stored.append(digest)
            return check(digest, values)

        monkeypatch.setattr(journal, "_COMPARED_AT_ONCE", 1)
        monkeypatch.setattr(journal, "_check", store_meanwhile)
        assert not journal_is_damaged(path) and stored == ["a", "b"]


def test_a_vector_is_damaged_wherever_it_is_in_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_COMPARED_AT_ONCE", 2)
    opened = Journal(tmp_path, CARD)
    opened.keep({f"digest {number}": number * VECTOR for number in range(5)})
    opened.close()
    path = tmp_path / "journal-1-4.db"
    assert not journal_is_damaged(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE vectors SET vector = zeroblob(20) WHERE digest = 'digest 4'")
        connection.commit()
    assert journal_is_damaged(path)
