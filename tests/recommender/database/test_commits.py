"""dialects/commits.py and listening.py: SQLite tells of commits, too."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from recommender.database.dialects.commits import Commits
from recommender.database.listening import Listener
from tests.timing import LONG

AT_ONCE, NEVER = 0.0, 100 * LONG


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database that is used as Kollega's is."""
    with closing(sqlite3.connect(tmp_path / "some.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE things (name)")
    return tmp_path / "some.db"


def _commit(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO things VALUES ('one')")
        connection.commit()


@pytest.fixture
def commits(path: Path) -> Iterator[Commits]:
    with closing(Commits(path, AT_ONCE)) as found:
        yield found


def test_a_commit_is_told_once(path: Path, commits: Commits) -> None:
    assert list(commits.notifies(AT_ONCE)) == []
    _commit(path)
    _commit(path)
    assert len(list(commits.notifies(LONG))) == 1
    assert list(commits.notifies(AT_ONCE)) == []


def test_what_is_not_committed_is_not_told(path: Path, commits: Commits) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO things VALUES ('one')")
        assert list(commits.notifies(AT_ONCE)) == []
        connection.commit()
        assert len(list(commits.notifies(LONG))) == 1


def test_commits_are_told_as_seldom_as_is_wanted(path: Path) -> None:
    with closing(Commits(path, NEVER)) as commits:
        _commit(path)
        assert len(list(commits.notifies(LONG))) == 1
        _commit(path)
        assert list(commits.notifies(0.05)) == []
        commits._told_at -= NEVER  # as if that time had passed
        assert len(list(commits.notifies(AT_ONCE))) == 1


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        Commits(tmp_path / "missing.db", AT_ONCE)


def test_who_waits_for_a_change_goes_on_when_it_is_committed(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with closing(Listener(engine, threading.Event())) as changes:
        waiting = threading.Thread(target=changes.wait, args=(NEVER,))
        waiting.start()
        _commit(path)
        waiting.join(LONG)
        assert not waiting.is_alive()
    engine.dispose()
