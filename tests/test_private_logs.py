"""What people wrote is never in a log: not when the database fails, not with --verbose."""

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Person, Team
from tests.conftest import sign_in
from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines, kollega  # noqa: F401 - a fixture
from tests.indexer.conftest import write_lines as write_lines
from tests.paths import ROOT

TITLE, BODY = "Salary of Xylophone", "Zebrafish must not be told"
FAILURES = {
    "a constraint": "CREATE TRIGGER fails BEFORE INSERT ON requests BEGIN SELECT RAISE(ABORT, 'no'); END",
    "a missing table": "DROP TABLE request_audience",
    "a missing column": "ALTER TABLE requests DROP COLUMN url",
}


def _texts_of(records: list[logging.LogRecord]) -> str:
    formatter = logging.Formatter("%(name)s %(message)s")
    return "\n".join(formatter.format(record) for record in records)


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_of_the_database_does_not_show_a_request_in_the_log(
    open_client: Callable[[], FlaskClient],
    sessions: sessionmaker[Session],
    caplog: pytest.LogCaptureFixture,
    failure: str,
) -> None:
    with sessions.begin() as session:
        session.add_all([Person(handle="matti", name="Matti"), Team(handle="it", name="IT")])
    visitor = sign_in(open_client(), "matti")
    form = {"title": TITLE, "body": BODY, "team": "it", "audience": "everyone"}
    assert visitor.post("/requests/", data=form | {"title": "Something else"}).status_code == 302
    with sessions.begin() as session:
        session.execute(text(FAILURES[failure]))
    assert visitor.post("/requests/", data=form).status_code == 500
    log = _texts_of(caplog.records)
    assert "sqlite3" in log
    assert "Xylophone" not in log and "Zebrafish" not in log


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_of_the_database_does_not_show_an_imported_record(
    kollega: Kollega,  # noqa: F811
    write_lines: WriteLines,
    tmp_path: Path,
    failure: str,
) -> None:
    assert kollega("import", "jsonl", write_lines(TEAM, AINO)).exit_code == 0
    connection = sqlite3.connect(tmp_path / "home" / "kollega.db")
    connection.execute(FAILURES[failure])
    connection.commit()
    connection.close()
    path = write_lines({**REQUEST, "title": TITLE, "body": BODY})
    with pytest.raises(AssertionError) as failed:
        kollega("import", "jsonl", path)
    shown = str(failed.value)
    assert "sqlite3" in shown and "Xylophone" not in shown and "Zebrafish" not in shown


def test_verbose_commands_log_nothing_that_people_wrote(write_lines: WriteLines, tmp_path: Path) -> None:
    path = write_lines(TEAM, AINO, {**REQUEST, "title": TITLE, "body": BODY, "language": "en"})
    environment = {**os.environ, "KOLLEGA_HOME": str(tmp_path / "home")}
    for _time in range(2):  # the second time the rows are read
        ran = subprocess.run(
            [sys.executable, "-m", "indexer", "--verbose", "import", "jsonl", path],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "Xylophone" not in ran.stderr and "Zebrafish" not in ran.stderr
