"""loading/attached_files.py, verify_files.py and the commands: files are exported, imported, verified and erased."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session, sessionmaker

from indexer.cli import main
from indexer.indexing.verify_files import file_problems
from recommender.database.attachment_tables import REFUSED, Attachment
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest, Person
from recommender.files import folder
from recommender.files.places import store_of
from recommender.knowledge import attachments, file_store
from recommender.settings import Settings

Sessions = sessionmaker[Session]


@pytest.fixture
def rows(settings: Settings, sessions: Sessions, add_request: Callable[..., int]) -> list[Attachment]:
    """Two files of request 1, one of request 2, and one that was refused and is not on disk."""
    for title in ("Screen is black", "Printer jams"):
        add_request(title, team="it", asked_by="matti")
    with sessions() as session:
        person = session.query(Person).filter_by(handle="matti").one()
        sent = [("a.txt", b"first"), ("b.txt", b"second"), ("c.txt", b"third"), ("bad.txt", b"bad")]
        found = attachments.upload(session, settings, person, sent)
        attachments.attach(session, settings, found[:2], session.get_one(HelpRequest, 1))
        attachments.attach(session, settings, found[2:], session.get_one(HelpRequest, 2))
        found[3].state = REFUSED
        session.commit()
        file_store.remove(session, store_of(settings), {found[3].digest})
    return found


def _run(settings: Settings, *arguments: str) -> str:
    ran = CliRunner().invoke(main, arguments, env={"KOLLEGA_HOME": str(settings.home), "KOLLEGA_MODEL": "fake"})
    return f"{ran.exit_code} {ran.output}"


def test_missing_and_changed_files_are_named(settings: Settings, sessions: Sessions, rows: list[Attachment]) -> None:
    with sessions() as session:
        assert list(file_problems(session, store_of(settings))) == []
        folder.path_of(settings.attachments_dir, rows[0].digest).unlink()
        folder.path_of(settings.attachments_dir, rows[2].digest).write_bytes(b"changed")
        restore = "Take it from a backup: kollega restore FILE"
        assert list(file_problems(session, store_of(settings))) == [
            f"The file of attachment 1 (request:1): it is missing. {restore}",
            f"The file of attachment 3 (request:2): it has changed. {restore}",
        ]


@pytest.mark.sqlite_only  # it names the store by its home alone
def test_an_export_has_its_files_beside_it_and_an_import_takes_them(
    settings: Settings, rows: list[Attachment], tmp_path: Path
) -> None:
    path, other = tmp_path / "store.jsonl.gz", replace(settings, home=tmp_path / "other")
    said = _run(settings, "export", str(path))
    assert said.startswith("0 ") and f"3 attached files into {path}.files" in said
    folder = tmp_path / "store.jsonl.gz.files"
    assert {each.name for each in folder.iterdir()} == {row.digest for row in rows[:3]}
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
    moved = folder.rename(tmp_path / "moved")
    assert "The attached files are missing" in _run(other, "import", "jsonl", str(path))
    moved.rename(folder)
    damaged = folder / rows[0].digest
    damaged.write_bytes(b"changed")
    assert "is damaged. Nothing was loaded." in _run(other, "import", "jsonl", str(path))
    damaged.write_bytes(b"first")
    assert _run(other, "import", "jsonl", str(path)).startswith("0 ")
    factory = open_database(other)
    with factory() as session:
        assert [(row.id, row.name, row.request_id) for row in session.query(Attachment).order_by(Attachment.id)] == [
            (row.id, row.name, row.request_id) for row in rows
        ]
        assert list(file_problems(session, store_of(other))) == []
    factory.kw["bind"].dispose()


@pytest.mark.sqlite_only  # it names the store by its home alone
def test_erasing_a_request_deletes_its_files(settings: Settings, rows: list[Attachment]) -> None:
    said = _run(settings, "erase", "request:1", "--yes")
    assert said.startswith("0 ") and "2 attached files deleted" in said
    assert [path.read_bytes() for path in folder.files(settings.attachments_dir)] == [b"third"]
