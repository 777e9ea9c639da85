"""export.py and whole_store.py: what is exported and imported into an empty home is the same store, row by row."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Column, DateTime, Integer, Text
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading import store_format
from indexer.loading.export import export
from indexer.loading.store_format import from_json
from indexer.loading.whole_store import is_export, load_store
from recommender import audit
from recommender.database.account_tables import Account
from recommender.database.engine import open_database
from recommender.database.tables import Base, HelpRequest, Person
from recommender.errors import ExportError, SourceError
from recommender.settings import Settings
from tests import museum
from tests.indexer.commands.test_store import add_what_people_did
from tests.indexer.conftest import Kollega, WriteLines
from tests.rows import all_rows

REQUESTS = len(museum.REQUESTS) + 1


@pytest.fixture
def home(kollega: Kollega, write_lines: WriteLines) -> Path:
    """The museum, and what people did in it."""
    assert kollega("import", "jsonl", write_lines(*museum.lines())).exit_code == 0
    made = Path(os.environ["KOLLEGA_HOME"])
    add_what_people_did(Settings.from_environment())
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "elsewhere")


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_table_is_exported_or_named_as_left_out() -> None:
    exported = {table.name for table in (*store_format.RECORDS.values(), *store_format.NESTED)}
    assert exported | {*store_format.ROWS, *store_format.NOT_EXPORTED} == set(Base.metadata.tables)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("name", ["store.jsonl", "store.jsonl.gz"])
def test_an_export_imported_into_an_empty_home_is_the_same_store(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    umask = os.umask(0)
    result = kollega("export", str(path))
    os.umask(umask)
    assert (result.exit_code, result.stdout) == (
        0, f"exported into {path}: 3 teams, 7 people, {REQUESTS} requests, 2 documents, 88 other rows\n"
    )  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("KOLLEGA_HOME", str(elsewhere.home))
    assert kollega("import", "jsonl", str(path)).stdout.startswith("imported the whole store: 3 teams, 7 people, ")
    left_out = ("alembic_version", *store_format.NOT_EXPORTED)
    before = all_rows(home / "kollega.db", left_out)
    assert all(rows for table, rows in before.items() if table not in ("erased", "import_conflicts", "attachments"))
    assert all_rows(elsewhere.home / "kollega.db", left_out) == before
    again = kollega("export", str(tmp_path / f"again-{name}"))
    assert again.exit_code == 0 and (tmp_path / f"again-{name}").read_bytes() == path.read_bytes()


def test_passwords_sessions_tokens_and_the_audit_log_are_not_exported(
    kollega: Kollega, home: Path, tmp_path: Path
) -> None:
    kollega("export", str(tmp_path / "store.jsonl"))
    text = (tmp_path / "store.jsonl").read_text()
    for secret in ("argon2", "session_key", '"digest"', 'subject"', "audit"):
        assert secret not in text, secret


@pytest.mark.sqlite_only
def test_export_and_import_are_audited_without_what_they_hold(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "store.jsonl")
    kollega("export", path)
    counts = {"team": 3, "person": 7, "request": REQUESTS, "document": 2, "row": 88}
    for store, action in ((home, "store.export"), (elsewhere.home, "store.import")):
        monkeypatch.setenv("KOLLEGA_HOME", str(store))
        if action == "store.import":
            kollega("import", "jsonl", path)
        with closing(sqlite3.connect(store / "kollega.db")) as connection:
            query = "SELECT action, details FROM audit_log WHERE action LIKE 'store.%'"
            assert [(found, json.loads(details)) for found, details in connection.execute(query)] == [
                (action, {**counts, "account": audit.account()})
            ]


def test_a_request_is_written_with_its_fields_of_the_import_format(
    kollega: Kollega, home: Path, tmp_path: Path
) -> None:
    kollega("export", str(tmp_path / "store.jsonl"))
    (written,) = (line for line in _lines(tmp_path / "store.jsonl") if line.get("title") == "Written here")
    (reply,) = written["replies"]  # type: ignore[misc]
    assert (written["source"], written["id"], written["asked_by"], written["audience"]) == (
        "kollega", None, "oona", ["person:mirva"],
    )  # fmt: skip
    assert written["hidden"] is written["anonymous"] is True and written["tags"] == ["a", "ä"]
    assert written["attempts"] == [{"item": "request:1", "position": 0, "opened": True}]
    assert (reply["author"], reply["accepted"], reply["score"]) == ("mirva", True, 3)


@pytest.mark.sqlite_only
def test_a_disabled_account_stays_disabled_without_its_password(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kollega("user", "disable", "mirva")
    kollega("export", str(tmp_path / "store.jsonl"))
    monkeypatch.setenv("KOLLEGA_HOME", str(elsewhere.home))
    kollega("import", "jsonl", str(tmp_path / "store.jsonl"))
    factory = open_database(elsewhere)
    with factory() as session:
        (account,) = session.query(Account)
        assert (account.person.handle, account.disabled, account.password_hash) == ("mirva", True, None)
    factory.kw["bind"].dispose()


@pytest.mark.sqlite_only
def test_numbers_of_deleted_rows_are_not_used_again(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(home / "kollega.db")) as connection:
        (last,) = connection.execute("INSERT INTO teams (handle, name) VALUES ('gone', 'Gone') RETURNING id").fetchone()
        connection.execute("DELETE FROM teams WHERE id = ?", (last,))
        connection.commit()
    kollega("export", str(tmp_path / "store.jsonl"))
    monkeypatch.setenv("KOLLEGA_HOME", str(elsewhere.home))
    kollega("import", "jsonl", str(tmp_path / "store.jsonl"))
    with closing(sqlite3.connect(elsewhere.home / "kollega.db")) as connection:
        assert connection.execute("INSERT INTO teams (handle, name) VALUES ('x', 'X') RETURNING id").fetchone() == (
            last + 1,
        )


def test_a_person_whose_handle_is_a_number_gets_no_other_persons_rights(
    sessions: sessionmaker[Session], add_request: Callable[..., int], elsewhere: Settings, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        session.add_all([Person(id=1, handle="2", name="Two"), Person(id=2, handle="one", name="One")])
    add_request("A", audience=["person:1"], by="2")
    add_request("B", audience=["person:2"], by="2")
    add_request("C", audience=["person:77"], by="2")  # a person who was erased
    with sessions() as session:
        export(session, tmp_path / "store.jsonl")
    factory = open_database(elsewhere)
    with factory.begin() as session:
        load_store(session, tmp_path / "store.jsonl")
        tokens = [
            [entry.token for entry in row.audience] for row in session.query(HelpRequest).order_by(HelpRequest.id)
        ]
    factory.kw["bind"].dispose()
    assert tokens == [["person:1"], ["person:2"], ["person:77"]]


@pytest.mark.sqlite_only
def test_a_store_that_is_not_empty_is_left_as_it_is(kollega: Kollega, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.jsonl"
    kollega("export", str(path))
    before = all_rows(home / "kollega.db")
    result = kollega("import", "jsonl", str(path))
    assert result.exit_code == 1 and "is an export of a whole store" in result.stderr
    assert all_rows(home / "kollega.db") == before
    again = kollega("export", str(path))
    assert again.exit_code == 1 and "exists already" in again.stderr
    nowhere = kollega("export", str(tmp_path / "none" / "store.jsonl"))
    assert nowhere.exit_code == 1 and "No such file or directory. Nothing was exported." in nowhere.stderr
    assert not [found for found in tmp_path.iterdir() if found.name.startswith(".store")]


DAMAGE: dict[str, Callable[[list[str]], list[str]]] = {
    "cut in a line": lambda lines: [*lines[:-1], lines[-1][:20]],
    "without people": lambda lines: [line for line in lines if '"type": "person"' not in line],
    "without requests": lambda lines: [line for line in lines if '"type": "request"' not in line],
    "an unknown field": lambda lines: [*lines, '{"type": "team", "row": 99, "id": "x", "name": "X", "color": "red"}\n'],
    "an unknown type": lambda lines: [*lines, '{"type": "secret"}\n'],
    "an unknown table": lambda lines: [*lines, '{"type": "row", "table": "accounts", "person_id": 1}\n'],
    "a row twice": lambda lines: [*lines, lines[1]],
    "a header twice": lambda lines: [*lines, lines[0]],
    "a wrong type": lambda lines: [*lines, '{"type": "team", "row": "99", "id": "x", "name": "X"}\n'],
    "a null": lambda lines: [*lines, '{"type": "team", "row": 99, "id": null, "name": "X"}\n'],
    "a list": lambda lines: [*lines, "[]\n"],
    "another format": lambda lines: [lines[0].replace('"format": 1', '"format": 2'), *lines[1:]],
    "a newer version": lambda lines: [lines[0].replace('"revision": "0', '"revision": "9'), *lines[1:]],
}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_export_is_refused_with_its_line_and_nothing_is_loaded(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "store.jsonl"
    kollega("export", str(path))
    path.write_text("".join(DAMAGE[damage](path.read_text().splitlines(keepends=True))))
    monkeypatch.setenv("KOLLEGA_HOME", str(elsewhere.home))
    result = kollega("import", "jsonl", str(path))
    assert result.exit_code == 1 and "Nothing was loaded." in result.stderr, result.output
    rows = all_rows(elsewhere.home / "kollega.db", leave_out=("alembic_version",))
    assert not any(rows.values())


def test_an_export_is_of_one_moment(
    sessions: sessionmaker[Session], add_request: Callable[..., int], tmp_path: Path
) -> None:
    for number in range(3):
        add_request(f"Before {number}")

    def write_between(number: int) -> None:
        if number == 2:
            add_request("Meanwhile", by="somebody new")

    with sessions() as session:
        counts = export(session, tmp_path / "store.jsonl", write_between)
    assert counts == {"export": 1, "person": 1, "request": 3}


def test_only_exports_are_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    for content in (b"", b"[]", b"{", b'{"type": "team"}', b"\xff", b"\x1f\x8b broken", b'"export"'):
        path.write_bytes(content)
        assert not is_export(path)
    assert not is_export(tmp_path / "none")
    path.write_text('{"type": "export"}\n')
    assert is_export(path)


def test_values_of_another_type_are_refused() -> None:
    number, words, moment = Column("n", Integer), Column("t", Text, nullable=False), Column("at", DateTime)
    assert (from_json(3, number), from_json(None, number), from_json("x", words)) == (3, None, "x")
    for value, column in ((True, number), ("3", number), (3, words), (None, words), (3, moment), ("soon", moment)):
        with pytest.raises(ValueError):
            from_json(value, column)
    assert store_format.as_json(date(2026, 5, 4)) == "2026-05-04"


def test_a_session_that_fails_leaves_no_file(
    sessions: sessionmaker[Session], add_request: Callable[..., int], tmp_path: Path
) -> None:
    add_request("Before")

    def stop(_number: int) -> None:
        raise KeyboardInterrupt

    with sessions() as session, pytest.raises(KeyboardInterrupt):
        export(session, tmp_path / "out.jsonl", stop)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    with sessions() as session, pytest.raises(ExportError):
        export(session, tmp_path / "home")
    with sessions() as session, pytest.raises(SourceError):
        load_store(session, tmp_path / "none")
