"""`kollega doctor` on whole and on broken installations, and that it prints nothing private; `kollega completion`."""

import errno
import json
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from recommender import checksums
from recommender.accounts.provider import DISCOVERY
from recommender.database import leading
from recommender.monitoring.checks import machine, network, search, store
from tests.conftest import FakeEncoder
from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines
from tests.indexer.delivery.real_server import real_server
from tests.openid_provider import Answers, openid_provider

MARK = "zebrafish"  # in every text that must not be printed


@pytest.fixture
def whole(kollega: Kollega, write_lines: WriteLines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kollega:
    """An installation with one request in the index, a backup, and a watcher, as far as the checks can see. The files
    of the models, which are large, are not read."""
    monkeypatch.setattr(search, "sealed", lambda _settings: ())
    monkeypatch.setenv("KOLLEGA_SECRET_KEY", "k" * 32)  # which all machines of a database on a server need
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    kollega("reindex")
    kollega("backup", str(tmp_path / "backup.zip"))
    monkeypatch.setattr(leading, "leader", lambda _engine, _name: "machine, process 1")
    return kollega


def findings(kollega: Kollega, *options: str) -> Mapping[str, str]:
    """{code: state} of what `kollega doctor` finds, whose exit status says the same."""
    result = kollega("doctor", "--json", *options)
    answer = json.loads(result.stdout)
    found = {row["code"]: row["state"] for row in answer["findings"]}
    assert result.exit_code == int("problem" in found.values()) == int(not answer["healthy"])
    return found


def not_fine(kollega: Kollega, *options: str) -> set[str]:
    return {code for code, state in findings(kollega, *options).items() if state != "ok"}


def home_of(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_healthy_installation_is_told_to_be_so(whole: Kollega) -> None:
    assert not_fine(whole) == set()
    printed = whole("doctor")
    assert printed.exit_code == 0 and printed.stdout.endswith("all is well\n")
    assert "1 items" in printed.stdout and "made on" in printed.stdout


def test_a_damaged_index_says_how_to_mend_it(whole: Kollega, tmp_path: Path) -> None:
    [vectors] = home_of(tmp_path).glob("index/gen-*/vectors.faiss")
    vectors.write_bytes(vectors.read_bytes()[:-4] + b"\0\1\2\3")
    assert not_fine(whole) == {"index_damaged"}
    assert "-> Run: kollega verify --repair" in whole("doctor").stdout
    assert "index_damaged" not in not_fine(whole, "--quick")  # which reads no large file


def test_an_index_of_another_version_cannot_be_searched(whole: Kollega, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "ANALYSIS_VERSION", search.ANALYSIS_VERSION + 1)
    assert not_fine(whole) == not_fine(whole, "--quick") == {"index_of_other_version"}


def test_no_index_and_changes_that_wait(whole: Kollega, write_lines: WriteLines, tmp_path: Path) -> None:
    whole("import", "jsonl", write_lines({**REQUEST, "title": "Another title"}))
    assert findings(whole)["index_waits"] == "ok"  # it was changed a moment ago
    shutil.rmtree(home_of(tmp_path) / "index")
    assert "index_missing" in not_fine(whole)


def test_a_folder_that_cannot_be_written_is_not_told_to_be_a_damaged_index(
    whole: Kollega, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [keywords] = home_of(tmp_path).glob("index/gen-*/lexical")
    (keywords / ".tantivy-meta.lock").unlink(missing_ok=True)
    (keywords / ".tantivy-meta.lock").mkdir()  # so that Tantivy cannot write it, as on a read-only disk
    assert not_fine(whole) == {"index_unopened"}

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("recommender.monitoring.checks.store.leading.leader", refuse)
    assert "watcher_unknown" in not_fine(whole)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("version", "code"), [("9999", "database_newer"), ("0031", "database_older")])
def test_a_database_of_another_version_is_named(whole: Kollega, tmp_path: Path, version: str, code: str) -> None:
    with sqlite3.connect(home_of(tmp_path) / "kollega.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    found = findings(whole)
    assert found[code] == "problem" and found["index"] == "ok"  # and everything else is looked at


@pytest.mark.sqlite_only
def test_no_damaged_or_foreign_database_keeps_the_rest_from_being_checked(whole: Kollega, tmp_path: Path) -> None:
    file = home_of(tmp_path) / "kollega.db"
    file.write_bytes(b"this is no database" * 500)
    assert findings(whole).keys() >= {"database_damaged", "index", "model_unchecked", "mail_none"}
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute(f"CREATE TABLE {MARK} (id INTEGER)")
    result = whole("doctor")
    assert "(other tables)" in result.stdout and MARK not in result.stdout
    file.unlink()
    assert "database_missing" in not_fine(whole) and not file.exists()  # none was made


@pytest.mark.sqlite_only
def test_a_full_or_read_only_disk_is_a_problem(whole: Kollega, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path) -> Any:
        return SimpleNamespace(free=1_000)

    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(28, "No space left on device", f"/{MARK}")

    monkeypatch.setattr(shutil, "disk_usage", full)
    monkeypatch.setattr(machine.tempfile, "NamedTemporaryFile", refuse)
    assert not_fine(whole) == {"disk_full", "home_unwritable"}
    result = whole("doctor")
    assert "Nothing can be written into the home directory: the disk is full." in result.stdout
    assert MARK not in result.output
    shutil.rmtree(home_of(tmp_path))
    assert findings(whole).keys() >= {"home_missing", "database_missing", "index_missing"}


@pytest.mark.sqlite_only
def test_files_that_others_can_read_are_counted(whole: Kollega, tmp_path: Path) -> None:
    home = home_of(tmp_path)
    home.chmod(0o755)
    (home / "kollega.db").chmod(0o644)
    assert "permissions_open" in not_fine(whole)
    assert not_fine(whole) == set()  # a command that opens the database closes it to others


def test_a_mail_server_is_asked_without_sending(whole: Kollega, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_MAIL_FROM", "kollega@example.org")
    monkeypatch.setenv("KOLLEGA_PUBLIC_URL", "https://kollega.example.org")
    with real_server() as (server, address):
        monkeypatch.setenv("KOLLEGA_MAIL_SERVER", address)
        assert findings(whole)["mail"] == "ok" and server.mails == []
    assert "mail_away" in not_fine(whole)  # it has ended

    def nowhere(*_arguments: Any, **_options: Any) -> Any:
        raise socket.gaierror(MARK)

    with monkeypatch.context() as patch:
        patch.setattr(network.smtplib, "SMTP", nowhere)
        assert "mail_no_host" in not_fine(whole)
    with real_server(lambda: "sender") as (_server, address):
        monkeypatch.setenv("KOLLEGA_MAIL_SERVER", address)
        assert "mail_sender_refused" in not_fine(whole)
    with real_server() as (_server, address):
        monkeypatch.setenv("KOLLEGA_MAIL_SERVER", address.replace("//", f"//{MARK}:secret@"))
        assert "mail_unencrypted" in not_fine(whole)


def test_an_openid_provider_has_to_call_itself_as_it_is_set(whole: Kollega, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_PUBLIC_URL", "https://kollega.example.org")
    monkeypatch.setenv("KOLLEGA_OIDC_ISSUER", "http://127.0.0.1:9")
    monkeypatch.setenv("KOLLEGA_OIDC_CLIENT_ID", MARK)
    assert "oidc_away" in not_fine(whole)
    answers: Answers = {}
    with openid_provider(answers) as address:
        monkeypatch.setenv("KOLLEGA_OIDC_ISSUER", address)
        assert findings(whole)["oidc"] == "ok"
        described = answers[DISCOVERY][1]
        described["issuer"] += "/"
        assert findings(whole)["oidc"] == "ok"
        answers["/keys"] = (200, {"keys": []})
        assert findings(whole)["oidc_faults"] == "warning" and "no_keys" in whole("doctor").output
        described["issuer"] = MARK
        assert "oidc_wrong" in not_fine(whole)
        answers[DISCOVERY] = (200, [])
        assert "oidc_wrong" in not_fine(whole)
        assert MARK not in whole("doctor").output


def test_settings_with_typing_errors_or_wrong_values_are_named(whole: Kollega, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_PUBLC_URL", MARK)
    monkeypatch.setenv("KOLLEGA_PORT", MARK)
    monkeypatch.setenv("KOLLEGA_HOST", "0.0.0.0")  # noqa: S104
    assert not_fine(whole) == {"settings_unknown", "settings_wrong", "address_missing"}
    result = whole("doctor")
    assert "KOLLEGA_PUBLC_URL (KOLLEGA_PUBLIC_URL?)" in result.stdout
    assert "The value of KOLLEGA_PORT cannot be used" in result.stdout and MARK not in result.output
    monkeypatch.delenv("KOLLEGA_PORT")
    monkeypatch.setenv("KOLLEGA_MAIL_SERVER", "smtp://127.0.0.1")  # without the other two that it needs
    assert "settings_wrong" in not_fine(whole)


def test_a_model_that_cannot_be_loaded_or_gives_other_vectors(
    whole: Kollega, monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder
) -> None:
    monkeypatch.setattr(encoder, "encode_queries", lambda texts: np.zeros((len(texts), 64), np.float32))
    assert not_fine(whole) == {"model_wrong"}

    def refuse(_settings: object) -> None:
        raise RuntimeError(MARK)

    monkeypatch.setattr("recommender.monitoring.checks.search.load_encoder", refuse)
    assert not_fine(whole) == {"model_missing"}
    assert MARK not in whole("doctor").output


def test_damaged_files_of_the_dictionaries_are_not_mended_but_told(
    whole: Kollega, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("KOLLEGA_HOME", str(home_of(tmp_path)))
    (home_of(tmp_path) / "models").unlink()
    folder = home_of(tmp_path) / "models" / "dictionaries"
    folder.mkdir(parents=True)
    (folder / "one").write_text("whole")
    checksums.seal(folder)
    (folder / "one").write_text("changed")
    assert "model_damaged" in not_fine(whole)
    assert (folder / "one").read_text() == "changed"


@pytest.mark.sqlite_only
def test_jobs_backups_sources_and_times_that_need_somebody(
    whole: Kollega, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "leader", lambda _engine, _name: None)
    names = "title, unit, stage, cancel_asked, kind, source, payload, state, created_at, attempts, next_attempt_at"
    job = f"INSERT INTO jobs ({names}, finished_at, result)"
    source = "INSERT INTO source_states (name, options, is_due, failures, error, problems, counts)"
    with sqlite3.connect(home_of(tmp_path) / "kollega.db") as connection:
        times = "'2026-01-01 00:00:00.000000', 1, '2026-01-01 00:00:00.000000'"
        connection.execute(f"{job} VALUES (?1, ?1, ?1, 0, 'load', ?1, '[]', 'waiting', {times}, NULL, '{{}}')", (MARK,))
        connection.execute(
            f"{job} VALUES (?1, ?1, ?1, 0, 'load', ?1, '[]', 'failed', {times}, datetime('now'), '{{}}')", (MARK,)
        )
        connection.execute(f"{source} VALUES (?, '', 0, 1, ?, '[]', '{{}}')", (MARK, MARK))
        connection.execute(f"{source} VALUES ('b', '', 0, 0, NULL, ?, '{{}}')", (json.dumps([MARK]),))
        connection.execute("UPDATE requests SET updated_at = '2999-01-01 00:00:00.000000'")
        connection.execute("UPDATE audit_log SET at = '2026-01-01 00:00:00.000000' WHERE action = 'store.backup'")
    assert not_fine(whole) >= {
        "watcher_missing", "jobs_stuck", "jobs_failed", "sources_failed", "sources_problems", "clock_future",
        "backup_old",
    }  # fmt: skip
    assert MARK not in whole("doctor").output


def test_nothing_private_is_printed(
    kollega: Kollega, write_lines: WriteLines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every text that people, admins or the environment have given has the mark, in every kind of trouble."""
    monkeypatch.setattr(search, "sealed", lambda _settings: ())
    home = tmp_path / MARK
    home.mkdir()
    (home / "models").symlink_to(home_of(tmp_path) / "models")
    monkeypatch.setenv("KOLLEGA_HOME", str(home))
    person = {**AINO, "id": MARK, "name": MARK, "teams": [MARK], "email": f"{MARK}@example.org"}
    asked = {**REQUEST, "title": MARK, "team": MARK, "replies": [{**REQUEST["replies"][0], "author": MARK}]}  # type: ignore[index]
    kollega("import", "jsonl", write_lines({**TEAM, "id": MARK, "name": MARK}, person, asked))
    kollega("reindex")
    (home / "synonyms.txt").write_text(MARK)
    (home / "sources.toml").write_text(f"[{MARK}]\n")
    for name, value in {
        "PUBLIC_URL": f"http://{MARK}.invalid",
        "MAIL_SERVER": f"smtps://{MARK}:{MARK}@{MARK}.invalid",
        "MAIL_FROM": f"{MARK}@example.org",
        "OIDC_ISSUER": f"https://{MARK}.invalid",
        "OIDC_CLIENT_ID": MARK,
        "OIDC_CLIENT_SECRET": MARK,
        "SECRET_KEY": MARK * 5,
        "METRICS_TOKEN": MARK * 3,
        "MCP_TOKEN": MARK,
        "MODEL": f"/srv/{MARK}",
        "ATTACHMENT_SCAN": MARK,
        "SOMETHING": MARK,
    }.items():
        monkeypatch.setenv(f"KOLLEGA_{name}", value)
    outputs = [kollega("doctor").output, kollega("doctor", "--json").output]
    [vectors] = home.glob("index/gen-*/vectors.faiss")
    vectors.write_bytes(b"")
    outputs.append(kollega("doctor").output)
    monkeypatch.setenv("KOLLEGA_DATABASE", f"postgresql://{MARK}:{MARK}@127.0.0.1:9/{MARK}")
    outputs.append(kollega("doctor").output)
    assert "database_away" in not_fine(kollega)
    (home / "kollega.db").write_bytes(b"")
    monkeypatch.delenv("KOLLEGA_DATABASE")
    outputs.append(kollega("doctor").output)
    assert all("problem" in output for output in outputs)
    assert [output for output in outputs if MARK in output] == []


def test_a_check_that_fails_is_told_and_the_others_go_on(whole: Kollega, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_session: object) -> Any:
        raise ZeroDivisionError(MARK)

    monkeypatch.setattr(store, "jobs", broken)
    found = findings(whole)
    assert found["failed"] == "problem" and found["sources_none"] == "ok"
    assert "ZeroDivisionError" in whole("doctor").stdout and MARK not in whole("doctor").output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_says_where_to_put_it(kollega: Kollega, shell: str, tmp_path: Path) -> None:
    script = kollega("completion", shell).stdout
    assert "Save this as" in "".join(script.splitlines(keepends=True)[:2]) and "_KOLLEGA_COMPLETE" in script
    assert script.startswith("#")
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        assert subprocess.run([shell, "-n", tmp_path / "script"]).returncode == 0
