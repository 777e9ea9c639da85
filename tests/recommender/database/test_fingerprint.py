"""database/fingerprint.py: it is computed again only when something may have changed."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.fingerprint import Fingerprints, fingerprint
from recommender.database.tables import HelpRequest

Statements = list[str]


@pytest.fixture
def statements(sessions: sessionmaker[Session]) -> Statements:
    """The statements that are given to the database from now on."""
    seen: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(sessions.kw["bind"], "before_cursor_execute", note)
    return seen


@pytest.fixture
def fingerprints(sessions: sessionmaker[Session]) -> Iterator[Fingerprints]:
    with closing(Fingerprints(sessions)) as found:
        yield found


def test_it_is_another_one_after_each_commit(
    sessions: sessionmaker[Session], fingerprints: Fingerprints, add_request: Callable[..., int]
) -> None:
    seen = [fingerprints.now()]
    number = add_request("Coffee machine is empty", "", "Call facilities")
    seen.append(fingerprints.now())
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, number)
        request.title = "The coffee machine is empty"
    seen.append(fingerprints.now())
    assert len(set(seen)) == 3
    with sessions() as session:
        assert fingerprint(session) == seen[-1]


@pytest.mark.sqlite_only
def test_no_table_is_read_while_nothing_was_committed(fingerprints: Fingerprints, statements: Statements) -> None:
    first = fingerprints.now()
    before = len(statements)
    assert before > 0
    assert fingerprints.now() == first and len(statements) == before


@pytest.mark.sqlite_only
def test_the_tables_are_read_each_time_where_the_file_is_another_one(
    sessions: sessionmaker[Session], fingerprints: Fingerprints, statements: Statements, tmp_path: Path
) -> None:
    fingerprints.now()
    path = Path(sessions.kw["bind"].url.database)
    shutil.copyfile(path, tmp_path / "other.db")
    os.replace(tmp_path / "other.db", path)
    before = len(statements)
    fingerprints.now()
    once = len(statements)
    fingerprints.now()
    assert before < once < len(statements)


def test_what_could_not_be_read_is_read_the_next_time(
    fingerprints: Fingerprints, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_session: Session) -> None:
        raise OSError("not now")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="not now"):
        broken.setattr("recommender.database.fingerprint.fingerprint", fail)
        fingerprints.now()
    assert fingerprints.now()
    assert statements
