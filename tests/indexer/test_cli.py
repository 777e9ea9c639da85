"""indexer/cli.py: the commands as an admin runs them, on real files, with the fake encoder in place of the model."""

import gzip
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import recommender.encoder.load
from indexer.cli import main
from recommender.database.engine import open_database
from recommender.database.tables import Document, HelpRequest, Person
from recommender.index import generations
from recommender.settings import PREFIX, Settings
from tests.conftest import MODELS, FakeEncoder
from tests.paths import ROOT

Run = Callable[..., Result]
TEAM = {"type": "team", "id": "it", "name": "IT"}
AINO = {"type": "person", "id": "aino", "name": "Aino", "teams": ["it"]}
REQUEST = {
    "type": "request",
    "id": "r1",
    "title": "Printer on floor two is stuck",
    "status": "resolved",
    "created_at": "2026-01-02T10:00:00",
    "replies": [
        {"id": "a1", "author": "aino", "body": "Open the back", "created_at": "2026-01-02T11:00:00", "accepted": True}
    ],
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder) -> Iterator[Run]:
    """Runs `kollega` with a home of its own; fails when an exception would reach the admin as a traceback."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(MODELS, target_is_directory=True)
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KOLLEGA_HOME", str(home))
    monkeypatch.setenv("KOLLEGA_MODEL", encoder.card.name)
    monkeypatch.setattr(recommender.encoder, "load_encoder", lambda _settings: encoder)
    monkeypatch.setattr("recommender.recommender.load_encoder", lambda _settings: encoder)
    level = logging.getLogger().level

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    yield run
    logging.getLogger().setLevel(level)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes lines into a file and returns its path."""

    def write(*lines: object, name: str = "records.jsonl") -> str:
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def test_importing_twice_says_that_nothing_changed(run: Run, write: Callable[..., str]) -> None:
    path = write(TEAM, AINO, REQUEST)
    first = run("import", "jsonl", path)
    assert (first.exit_code, first.stdout) == (0, "3 added, 0 updated, 0 unchanged\n")
    again = run("import", "jsonl", path)
    assert (again.exit_code, again.stdout) == (0, "0 added, 0 updated, 3 unchanged\n")


def test_a_bad_record_is_named_by_file_and_line_the_rest_goes_in_and_the_status_is_1(
    run: Run, write: Callable[..., str]
) -> None:
    result = run("import", "jsonl", write(TEAM, "{broken", AINO, {**REQUEST, "team": "xx"}, REQUEST))
    assert result.exit_code == 1
    assert result.stdout == "3 added, 0 updated, 0 unchanged, 2 could not go in\n"
    assert "records.jsonl:2: not JSON (" in result.stderr
    assert "records.jsonl:4: team: there is no team 'xx'." in result.stderr


def test_a_missing_or_truncated_file_is_one_sentence_and_status_1(
    run: Run, write: Callable[..., str], tmp_path: Path
) -> None:
    missing = run("import", "jsonl", str(tmp_path / "none.jsonl"))
    assert missing.exit_code == 1
    assert f"{tmp_path / 'none.jsonl'} cannot be read: No such file or directory. Check the path." in missing.stderr
    packed = gzip.compress(Path(write(TEAM, AINO, REQUEST)).read_bytes())
    (tmp_path / "cut.gz").write_bytes(packed[:-20])
    cut = run("import", "jsonl", str(tmp_path / "cut.gz"))
    assert cut.exit_code == 1 and "is cut short or damaged" in cut.stderr
    folder = run("import", "stackexchange", str(tmp_path))
    assert folder.exit_code == 1 and "Posts.xml is missing. Give the folder that holds the dump" in folder.stderr


def test_the_source_option_keeps_ids_apart(run: Run, write: Callable[..., str]) -> None:
    path = write(TEAM, AINO, REQUEST)
    run("import", "jsonl", path)
    assert run("import", "jsonl", path, "--source", "desk").stdout == "1 added, 0 updated, 2 unchanged\n"


def test_reindex_ends_with_the_line_an_admin_wants(run: Run, write: Callable[..., str]) -> None:
    run("import", "jsonl", write(TEAM, AINO, REQUEST))
    first = run("reindex")
    assert first.exit_code == 0
    assert first.stdout.startswith("items 1, passages 2, encoded 2, reused 0, removed 0, ")
    assert "model fake, run by fake" in first.stderr
    assert run("reindex").stdout.startswith("items 1, passages 2, encoded 0, reused 2, removed 0, ")
    assert run("reindex", "--full").stdout.startswith("items 1, passages 2, encoded 2, reused 0, removed 0, ")


def test_an_item_that_cannot_be_indexed_makes_the_status_1(
    run: Run, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(*_arguments: object) -> None:
        raise ValueError("cannot be cut")

    monkeypatch.setattr("indexer.indexing.reindex.make_passages", poisoned)
    run("import", "jsonl", write(TEAM, AINO, REQUEST))
    result = run("reindex")
    assert result.exit_code == 1
    assert "could not be indexed: request:1: cannot be cut" in result.stderr
    assert result.stdout.startswith("items 0, passages 0, ")


def test_reindex_beside_another_writer_is_one_sentence(run: Run, write: Callable[..., str]) -> None:
    run("import", "jsonl", write(TEAM, AINO, REQUEST))
    with generations.write_lock(Settings.from_environment().index_dir):
        result = run("reindex")
    assert result.exit_code == 1
    assert "Error: Another process is writing the index. Wait for it to end" in result.stderr


def test_rollback_goes_back_one_generation_and_says_when_there_is_none(run: Run, write: Callable[..., str]) -> None:
    none = run("rollback")
    assert none.exit_code == 1 and "There is no index yet. Run: kollega reindex" in none.stderr
    run("import", "jsonl", write(TEAM, AINO, REQUEST))
    run("reindex")
    only = run("rollback")
    assert only.exit_code == 1 and "There is no earlier generation" in only.stderr
    run("reindex", "--full")
    assert run("rollback").stdout == "live again: gen-000001\n"


def test_status_is_0_when_index_and_database_agree_and_1_when_not(run: Run, write: Callable[..., str]) -> None:
    empty = run("status")
    assert empty.exit_code == 1 and "There is no index yet. Run: kollega reindex" in empty.stdout
    run("import", "jsonl", write(TEAM, AINO, REQUEST))
    run("reindex")
    good = run("status")
    assert good.exit_code == 0 and "up to date: all 1 searchable items are in the index" in good.stdout
    found = json.loads(run("status", "--json").stdout)
    assert (found["requests"], found["people"], found["teams"], found["healthy"]) == (1, 1, 1, True)


def test_status_and_ask_name_the_way_out_of_another_model_and_of_damage(
    run: Run, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run("import", "jsonl", write(TEAM, AINO, REQUEST))
    run("reindex")
    with monkeypatch.context() as patch:
        patch.setenv("KOLLEGA_MODEL", "another")
        status = run("status")
        assert status.exit_code == 1 and "The index is of fake, the setting says another." in status.stdout
    (live,) = (tmp_path / "home" / "index").glob("gen-*")
    (live / "catalogue.db").write_bytes(b"x" * 100)
    asked = run("ask", "printer")
    assert asked.exit_code == 1 and "The index is damaged. Run: kollega reindex --full" in asked.stderr


def test_a_database_or_home_that_cannot_be_used_is_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for url in ("nonsense", "nosuchdialect://x", "sqlite:////nowhere/at/all.db"):
        with monkeypatch.context() as patch:
            patch.setenv("KOLLEGA_DATABASE", url)
            result = run("status")
            assert result.exit_code == 1 and len(result.stderr.strip().splitlines()) <= 2, result.output
            assert "database" in result.stderr.lower()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KOLLEGA_HOME", str(tmp_path / "file"))
    result = run("status")
    assert result.exit_code == 1 and "KOLLEGA_HOME" in result.stderr


def test_a_terminated_demo_stops_its_watcher(tmp_path: Path) -> None:
    watcher = tmp_path / "watcher"
    watcher.write_text('#!/bin/sh\necho $$ > "$0.pid"\nexec sleep 60\n')
    watcher.chmod(0o755)
    code = (
        "import sys, time\nfrom indexer import cli\n"
        f"sys.executable = {str(watcher)!r}\n"
        "cli._stop_when_terminated()\n"
        "with cli._watching():\n    time.sleep(60)\n"
    )
    demo = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    pid_file = tmp_path / "watcher.pid"
    for _ in range(200):
        if pid_file.exists() and pid_file.read_text().strip():
            break
        time.sleep(0.05)
    demo.terminate()
    assert demo.wait(10) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_ask_answers_as_text_and_as_json(run: Run, write: Callable[..., str]) -> None:
    before = run("ask", "printer")
    assert before.exit_code == 1 and "There is no index yet. Run: kollega reindex" in before.stderr
    run("import", "jsonl", write(TEAM, AINO, REQUEST))
    run("reindex")
    text = run("ask", "Printer on floor two is stuck")
    assert text.exit_code == 0
    assert "1. Printer on floor two is stuck\n" in text.stdout and "- Aino (it): answered 1 like this" in text.stdout
    found = json.loads(run("ask", "Printer on floor two is stuck", "--json").stdout)
    assert found["suggestions"][0]["item"] == "request:1"
    unknown = run("ask", "printer", "--as", "nobody")
    assert unknown.exit_code == 1 and "There is no person 'nobody'." in unknown.stderr
    assert run("ask", "printer", "-n", "0").exit_code == 2


def test_demo_loads_and_indexes_the_demo_organisation(run: Run) -> None:
    result = run("demo")
    assert result.exit_code == 0
    loaded, indexed = result.stdout.splitlines()
    assert loaded == "370 added, 0 updated, 0 unchanged"
    sessions = open_database(Settings.from_environment())
    with sessions() as session:
        searchable = session.query(HelpRequest).count() + session.query(Document).count()
        assert session.query(Person).count() == 28
    sessions.kw["bind"].dispose()
    assert indexed.startswith(f"items {searchable}, passages ")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("KOLLEGA_PORT", "many", "KOLLEGA_PORT must be a value like 8080, not 'many'."),
        ("KOLLEGA_PORT", "99999", "KOLLEGA_PORT must be a port number."),
        ("KOLLEGA_BACKEND", "gpu", "KOLLEGA_BACKEND must be auto, openvino or torch."),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    result = run("status")
    assert (result.exit_code, result.stderr) == (1, f"Error: {sentence}\n")


def test_serve_on_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    script = (
        "import web.server\n"
        "web.server.create_app = lambda settings: lambda environment, start: []\n"
        "from indexer.cli import main\n"
        "main()\n"
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-c", script, "serve", "--port", str(port)],
            env=os.environ | {"KOLLEGA_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 1
    assert ran.stderr == (
        f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use. Set KOLLEGA_PORT to another port.\n"
    )


def test_every_command_explains_itself(run: Run) -> None:
    top = run("--help").stdout
    for name, command in main.commands.items():
        assert name in top
        shown = run(name, "--help")
        assert shown.exit_code == 0 and command.help
        assert command.help.split("\n")[0][:40] in shown.stdout
    assert run("nonsense").exit_code == 2


def test_the_version_is_the_packages(run: Run) -> None:
    from importlib.metadata import version

    assert version("kollega") in run("--version").stdout


def test_watch_stops_on_ctrl_c_without_a_traceback(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "import conftest, recommender.encoder\n"
        "recommender.encoder.load_encoder = lambda settings: conftest.FakeEncoder()\n"
        "from indexer.cli import main\n"
        "main(['watch'])\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", script, str(ROOT / "tests")],
        env=os.environ | {"KOLLEGA_HOME": str(tmp_path), "KOLLEGA_WATCH_SECONDS": "0.1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    with child:
        assert child.stdout is not None and child.stderr is not None
        assert child.stdout.readline().startswith(b"items 0, passages 0, encoded 0, reused 0, removed 0, ")
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        error = child.stderr.read()
    assert child.returncode == 1 and error.strip().endswith(b"Aborted!") and b"Traceback" not in error
