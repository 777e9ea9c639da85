"""export.py and whole_store.py: what is exported and imported into an empty home is the same store, row by row."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Column, DateTime, Integer, Text, delete, insert, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading import store_format
from indexer.loading.export import export
from indexer.loading.store_format import from_json
from indexer.loading.whole_store import is_export, load_store
from recommender import audit
from recommender.database import provisioning_tables  # noqa: F401 - so that its tables are known
from recommender.database.account_tables import Account
from recommender.database.audit_table import AuditEntry
from recommender.database.engine import open_database
from recommender.database.tables import Base, HelpRequest, Person, Team
from recommender.errors import ExportError, SourceError
from recommender.settings import Settings
from tests import museum
from tests.indexer.commands.test_store import add_what_people_did
from tests.indexer.conftest import Kollega, WriteLines
from tests.postgresql import Server
from tests.rows import rows_of_store

REQUESTS = len(museum.REQUESTS) + 1


@pytest.fixture
def home(kollega: Kollega, write_lines: WriteLines) -> Path:
    """The museum, and what people did in it."""
    assert kollega("import", "jsonl", write_lines(*museum.lines())).exit_code == 0
    made = Path(os.environ["KOLLEGA_HOME"])
    add_what_people_did(Settings.from_environment())
    return made


@pytest.fixture
def elsewhere(tmp_path: Path, store_address: str, request: pytest.FixtureRequest) -> Settings:
    """Another, empty store; on PostgreSQL when the first one is."""
    server: Server | None = request.getfixturevalue("server") if store_address else None
    return Settings(home=tmp_path / "elsewhere", database=server.new_database(request) if server else "")


@pytest.fixture
def go_elsewhere(elsewhere: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have `kollega` use the other store from then on."""

    def go() -> None:
        monkeypatch.setenv("KOLLEGA_HOME", str(elsewhere.home))
        monkeypatch.setenv("KOLLEGA_DATABASE", elsewhere.database)

    return go


@contextmanager
def _opened(settings: Settings) -> Iterator[Session]:
    factory = open_database(settings)
    try:
        with factory.begin() as session:
            yield session
    finally:
        factory.kw["bind"].dispose()


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_table_is_exported_or_named_as_left_out() -> None:
    exported = {table.name for table in (*store_format.RECORDS.values(), *store_format.NESTED)}
    assert exported | {*store_format.ROWS, *store_format.NOT_EXPORTED} == set(Base.metadata.tables)


@pytest.mark.parametrize("name", ["store.jsonl", "store.jsonl.gz"])
def test_an_export_imported_into_an_empty_home_is_the_same_store(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, go_elsewhere: Callable[[], None], name: str
) -> None:
    here, path = Settings.from_environment(), tmp_path / name
    umask = os.umask(0)
    result = kollega("export", str(path))
    os.umask(umask)
    assert (result.exit_code, result.stdout) == (
        0, f"exported into {path}: 3 teams, 7 people, {REQUESTS} requests, 2 documents, 88 other rows\n"
    )  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o600
    go_elsewhere()
    assert kollega("import", "jsonl", str(path)).stdout.startswith("imported the whole store: 3 teams, 7 people, ")
    left_out = ("alembic_version", *store_format.NOT_EXPORTED)
    before = rows_of_store(here, left_out)
    assert all(rows for table, rows in before.items() if table not in ("erased", "import_conflicts", "attachments"))
    assert rows_of_store(elsewhere, left_out) == before
    again = kollega("export", str(tmp_path / f"again-{name}"))
    assert again.exit_code == 0 and (tmp_path / f"again-{name}").read_bytes() == path.read_bytes()


def test_passwords_sessions_tokens_and_the_audit_log_are_not_exported(
    kollega: Kollega, home: Path, tmp_path: Path
) -> None:
    kollega("export", str(tmp_path / "store.jsonl"))
    text = (tmp_path / "store.jsonl").read_text()
    for secret in ("argon2", "session_key", '"digest"', 'subject"', "audit"):
        assert secret not in text, secret


def test_export_and_import_are_audited_without_what_they_hold(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, go_elsewhere: Callable[[], None]
) -> None:
    here, path = Settings.from_environment(), str(tmp_path / "store.jsonl")
    kollega("export", path)
    counts = {"team": 3, "person": 7, "request": REQUESTS, "document": 2, "row": 88}
    go_elsewhere()
    kollega("import", "jsonl", path)
    for store, action in ((here, "store.export"), (elsewhere, "store.import")):
        with _opened(store) as session:
            query = select(AuditEntry.action, AuditEntry.details).where(AuditEntry.action.startswith("store."))
            assert [tuple(row) for row in session.execute(query)] == [(action, {**counts, "account": audit.account()})]


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


def test_a_disabled_account_stays_disabled_without_its_password(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, go_elsewhere: Callable[[], None]
) -> None:
    kollega("user", "disable", "mirva")
    kollega("export", str(tmp_path / "store.jsonl"))
    go_elsewhere()
    kollega("import", "jsonl", str(tmp_path / "store.jsonl"))
    with _opened(elsewhere) as session:
        (account,) = session.query(Account)
        assert (account.person.handle, account.disabled, account.password_hash) == ("mirva", True, None)


def test_numbers_of_deleted_rows_are_not_used_again(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, go_elsewhere: Callable[[], None]
) -> None:
    with _opened(Settings.from_environment()) as session:
        last = _added_team(session, "gone")
        session.execute(delete(Team).where(Team.id == last))
    kollega("export", str(tmp_path / "store.jsonl"))
    go_elsewhere()
    kollega("import", "jsonl", str(tmp_path / "store.jsonl"))
    with _opened(elsewhere) as session:
        assert _added_team(session, "x") == last + 1


def _added_team(session: Session, handle: str) -> int:
    return session.execute(insert(Team).values(handle=handle, name=handle).returning(Team.id)).scalar_one()


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
    with _opened(elsewhere) as session:
        load_store(session, tmp_path / "store.jsonl")
        tokens = [
            [entry.token for entry in row.audience] for row in session.query(HelpRequest).order_by(HelpRequest.id)
        ]
    assert tokens == [["person:1"], ["person:2"], ["person:77"]]


def test_a_store_that_is_not_empty_is_left_as_it_is(kollega: Kollega, home: Path, tmp_path: Path) -> None:
    here, path = Settings.from_environment(), tmp_path / "store.jsonl"
    kollega("export", str(path))
    before = rows_of_store(here)
    result = kollega("import", "jsonl", str(path))
    assert result.exit_code == 1 and "is an export of a whole store" in result.stderr
    assert rows_of_store(here) == before
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


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_export_is_refused_with_its_line_and_nothing_is_loaded(
    kollega: Kollega, home: Path, elsewhere: Settings, tmp_path: Path, go_elsewhere: Callable[[], None], damage: str
) -> None:
    path = tmp_path / "store.jsonl"
    kollega("export", str(path))
    path.write_text("".join(DAMAGE[damage](path.read_text().splitlines(keepends=True))))
    go_elsewhere()
    result = kollega("import", "jsonl", str(path))
    assert result.exit_code == 1 and "Nothing was loaded." in result.stderr, result.output
    rows = rows_of_store(elsewhere, leave_out=("alembic_version",))
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
