"""monitoring/logs.py: each line is readable by a machine, and none repeats what people wrote."""

import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from recommender.errors import IndexDamaged
from recommender.monitoring.logs import JSONFormatter, TextFormatter, fields, request_id
from tests.paths import ROOT

SECRET = "Salainen palkka-asia"


def _record(message: str, *values: object, name: str = "web.search.views", error: BaseException | None = None) -> Any:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, logging.ERROR, __file__, 1, message, values, exc_info)


def _line(*arguments: Any, **more: Any) -> dict[str, Any]:
    line = JSONFormatter().format(_record(*arguments, **more))
    assert "\n" not in line
    values: dict[str, Any] = json.loads(line)
    return values


def _raised(action: Callable[[], object]) -> BaseException:
    try:
        action()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def _database_error() -> BaseException:
    """The error of a statement whose values are secret; SQLAlchemy repeats them in its message."""
    engine = create_engine("sqlite://")

    def insert() -> None:
        with engine.connect() as connection:
            connection.execute(text("INSERT INTO missing VALUES (:title)"), {"title": SECRET})

    error = _raised(insert)
    engine.dispose()
    assert isinstance(error, OperationalError) and SECRET in str(error)
    return error


def test_a_line_has_time_level_logger_and_message() -> None:
    line = _line("%s of %d", "one", 2)
    assert {name: line[name] for name in ("level", "logger", "message")} == {
        "level": "error", "logger": "web.search.views", "message": "one of 2",
    }  # fmt: skip
    at = datetime.fromisoformat(line["time"])
    assert at.utcoffset() == timedelta(0) and abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert "request_id" not in line and "exception" not in line


def test_a_line_has_the_request_id_and_the_given_fields() -> None:
    record = _record("request answered")
    record.__dict__.update(fields(route="ask.index", status=200))
    token = request_id.set("abc")
    try:
        line = json.loads(JSONFormatter().format(record))
    finally:
        request_id.reset(token)
    assert (line["request_id"], line["route"], line["status"]) == ("abc", "ask.index", 200)


@pytest.mark.parametrize("odd", ["line\nbreak", "\u2028", "\ud800", "ä\x00", '"}'])
def test_odd_characters_do_not_break_a_line(odd: str) -> None:
    assert _line("%s", odd)["message"] == odd


def test_a_message_whose_values_do_not_fit_is_logged_without_them() -> None:
    assert _line("%d items", SECRET)["message"] == "%d items"


def test_an_error_of_the_database_is_logged_without_the_values_that_were_to_be_stored() -> None:
    error = _database_error()
    outermost, cause = _line("unhandled error", error=error)["exception"]
    assert outermost["type"] == "sqlalchemy.exc.OperationalError" and "reason" not in outermost
    assert cause["type"] == "sqlite3.OperationalError" and cause["reason"] == "no such table: missing"
    assert any(place.endswith(" insert") for place in outermost["at"])
    shown = TextFormatter().format(_record("unhandled error", error=error))
    assert "no such table: missing" in shown and "insert" in shown
    assert SECRET not in shown


def test_an_exception_of_any_other_kind_is_logged_without_its_message() -> None:
    error = _raised(lambda: int(SECRET))
    assert _line("unhandled error", error=error)["exception"][0]["type"] == "ValueError"
    for formatter in (JSONFormatter(), TextFormatter()):
        assert SECRET not in formatter.format(_record("unhandled error", error=error))
    assert SECRET in TextFormatter(whole_errors=True).format(_record("unhandled error", error=error))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device", SECRET), "No space left on device"),
        (IndexDamaged("Run: kollega reindex --full"), "Run: kollega reindex --full"),
        (sqlite3.OperationalError("database is locked"), "database is locked"),
    ],
)
def test_the_reason_is_logged_where_it_comes_from_the_system_or_from_kollega(error: Exception, reason: str) -> None:
    (described,) = _line("x", error=error)["exception"]
    assert described["reason"] == reason
    assert reason in TextFormatter().format(_record("x", error=error))
    assert SECRET not in str(described)


def test_an_exception_that_caused_itself_is_logged_once() -> None:
    error = ValueError()
    error.__context__ = KeyError()
    error.__context__.__context__ = error
    assert [described["type"] for described in _line("x", error=error)["exception"]] == ["ValueError", "KeyError"]


@pytest.mark.parametrize(
    ("name", "message", "logged"),
    [
        ("waitress", f"Exception while serving /people/{SECRET}", "Exception while serving a request"),
        ("web.app", f"Exception on /people/{SECRET} [GET]", "Exception on a request"),
    ],
)
def test_the_path_that_waitress_and_flask_name_is_not_logged(name: str, message: str, logged: str) -> None:
    assert _line(message, name=name)["message"] == logged


def _run(home: Path, code: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs `kollega` in a process of its own, after the code."""
    script = (
        "import recommender.encoder.load\n"
        "from tests.fake_encoder import FakeEncoder\n"
        "recommender.encoder.load.load_encoder = lambda settings: FakeEncoder()\n"
        f"{code}\nfrom indexer.cli import main\nmain()\n"
    )
    environment = os.environ | {"KOLLEGA_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], env=environment | settings, capture_output=True, text=True
    )


def _lines(ran: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """What a command wrote, each line of which must be a JSON object."""
    lines = [json.loads(line) for line in (ran.stdout + ran.stderr).splitlines()]
    assert all(isinstance(line, dict) and {"time", "level", "logger", "message"} <= line.keys() for line in lines)
    return lines


def test_reindex_tells_what_it_did_as_json(ready_home: Path) -> None:
    ran = _run(ready_home, "", "reindex", KOLLEGA_LOG_FORMAT="json")
    assert ran.returncode == 0
    told = {line["message"]: line for line in _lines(ran)}
    assert told["index updated"]["items"] == 0 and told["index updated"]["level"] == "info"
    assert told["model loaded"]["backend"] == "fake"


def test_watch_tells_what_it_did_as_json(ready_home: Path) -> None:
    code = (
        "import os, signal, threading\n"
        "from indexer.indexing import watch\n"
        "def stop(seconds):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "follow = watch.watch\n"
        "watch.watch = lambda *parts: follow(*parts[:6], stop)\n"
    )
    ran = _run(ready_home, code, "watch", KOLLEGA_LOG_FORMAT="json")
    assert ran.returncode == 0, ran.stderr
    assert "index updated" in [line["message"] for line in _lines(ran)]


def test_a_command_that_fails_says_so_in_a_line_of_json(ready_home: Path) -> None:
    ran = _run(ready_home, "", "rollback", KOLLEGA_LOG_FORMAT="json")
    assert ran.returncode == 1
    (line,) = _lines(ran)
    assert (line["level"], line["message"]) == ("error", "There is no index yet. Run: kollega reindex")


def test_an_error_that_ends_the_process_is_a_line_of_json_too(ready_home: Path) -> None:
    code = (
        "from indexer.indexing import reindex\n"
        f"def broken(*_arguments, **_options):\n    raise RuntimeError({SECRET!r})\n"
        "reindex.reindex = broken\n"
    )
    ran = _run(ready_home, code, "reindex", KOLLEGA_LOG_FORMAT="json")
    assert ran.returncode == 1
    crash = _lines(ran)[-1]
    assert (crash["level"], crash["exception"][0]["type"]) == ("critical", "RuntimeError")
    assert SECRET not in ran.stdout + ran.stderr


def test_verbose_shows_in_detail_what_kollega_does_and_not_what_libraries_log(ready_home: Path) -> None:
    code = (
        "import logging\n"
        "from indexer.indexing import reindex\n"
        "def talk(*_arguments, **_options):\n"
        "    logging.getLogger('recommender.live').debug('own detail')\n"
        f"    logging.getLogger('flask_limiter').info({SECRET!r})\n"
        "    raise SystemExit(0)\n"
        "reindex.reindex = talk\n"
    )
    ran = _run(ready_home, code, "--verbose", "reindex")
    assert ran.returncode == 0 and "DEBUG recommender.live: own detail" in ran.stderr
    assert SECRET not in ran.stdout + ran.stderr
