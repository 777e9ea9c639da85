"""database/backup.py: a backup holds the state of one moment, is checked, and comes back row by row."""

import json
import os
import sqlite3
import stat
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.backup import back_up, restore
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest, Person, Reply, RequestAudience
from recommender.errors import BackupError, DatabaseUnusable, DatabaseVersion
from recommender.files import folder
from recommender.knowledge import attachments
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings
from tests.rows import all_rows

pytestmark = pytest.mark.sqlite_only  # test_copying.py has the backups of PostgreSQL


@pytest.fixture
def filled(settings: Settings, add_request: Callable[..., int], add_document: Callable[..., int]) -> Settings:
    """A home with a database, a key and synonyms."""
    add_request("VPN drops", "It does", asked_by="matti", team="it", audience=["team:it"])
    add_document("Guide", "## VPN", owner="aino", verified_by="oona")
    (settings.home / "secret_key").write_text("key")
    (settings.home / "synonyms.txt").write_text("läppäri, kannettava")
    return settings


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, home=tmp_path / "restored")


def test_a_restored_home_has_every_row_and_file(filled: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "backup.zip")
    restore(elsewhere, tmp_path / "backup.zip")
    before = all_rows(filled.home / "kollega.db", leave_out=())
    assert before == all_rows(elsewhere.home / "kollega.db", leave_out=())
    assert len(before["requests"]) == len(before["documents"]) == 1 and len(before["people"]) == 3
    for name in ("secret_key", "synonyms.txt"):
        assert (elsewhere.home / name).read_bytes() == (filled.home / name).read_bytes()
    assert sorted(path.name for path in elsewhere.home.iterdir()) == ["kollega.db", "secret_key", "synonyms.txt"]
    factory = open_database(elsewhere)
    with factory.begin() as session:
        session.add(HelpRequest(title="T", body="", language="en", created_at=datetime(2026, 1, 1)))
    factory.kw["bind"].dispose()


def test_attached_files_are_in_a_backup_and_come_back_with_their_checksums(
    filled: Settings, elsewhere: Settings, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    with sessions() as session:
        person = session.query(Person).filter_by(handle="matti").one()
        sent = [("a.txt", b"first"), ("b.txt", b"second"), ("lost.txt", b"lost")]
        rows = attachments.upload(session, filled, person, sent)
    lost = folder.path_of(filled.attachments_dir, rows[2].digest)
    lost.unlink()
    made = back_up(filled, tmp_path / "backup.zip")
    assert len([name for name in made.files if name.startswith("attachments/")]) == 2
    restore(elsewhere, tmp_path / "backup.zip")
    found = {path.name: path.read_bytes() for path in folder.files(elsewhere.attachments_dir)}
    assert found == {rows[0].digest: b"first", rows[1].digest: b"second"}
    path = folder.path_of(elsewhere.attachments_dir, rows[0].digest)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, path.parent.parent)] == [
        0o600,
        0o700,
        0o700,
    ]
    assert "kollega.db" in back_up(filled, tmp_path / "small.zip", with_files=False).files
    assert not any("/" in name for name in back_up(filled, tmp_path / "other.zip", with_files=False).files)
    with zipfile.ZipFile(tmp_path / "backup.zip") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in content if rows[0].digest in name)
    with zipfile.ZipFile(tmp_path / "changed.zip", "w") as archive:
        for each, data in content.items():
            archive.writestr(each, b"other" if each == name else data)
    with pytest.raises(BackupError, match="is damaged"):
        restore(replace(elsewhere, home=tmp_path / "third"), tmp_path / "changed.zip")


def test_a_backup_is_for_its_owner_only_and_leaves_nothing_beside_it(filled: Settings, tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        (tmp_path / "out").mkdir()
        back_up(filled, tmp_path / "out" / "backup.zip")
    finally:
        os.umask(umask)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["backup.zip"]
    assert (tmp_path / "out" / "backup.zip").stat().st_mode & 0o777 == 0o600


WRITERS, MOST = 20, 400


def test_a_backup_while_many_write_is_of_one_moment(
    filled: Settings, elsewhere: Settings, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    stopped, first = threading.Event(), threading.Barrier(WRITERS + 1)

    def write() -> None:
        for number in range(MOST):
            with sessions.begin() as session:  # a request, its reply and its audience are one transaction
                row = HelpRequest(title=f"N {number}", body="", language="en", created_at=datetime(2026, 1, 1))
                row.replies.append(Reply(body="r" * 3000, created_at=datetime(2026, 1, 1)))
                row.audience.append(RequestAudience(token="everyone"))
                session.add(row)
            if number == 0:
                first.wait()
            if stopped.is_set():
                return

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    first.wait()
    try:
        for number in range(3):
            back_up(filled, tmp_path / f"{number}.zip")
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    counts = []
    for number in range(3):
        home = replace(elsewhere, home=tmp_path / f"restored{number}")
        restore(home, tmp_path / f"{number}.zip")
        rows = all_rows(home.home / "kollega.db")
        counts.append(len(rows["requests"]))
        assert len(rows["requests"]) == len(rows["replies"]) == len(rows["request_audience"])
    with sessions() as session:
        assert WRITERS < counts[0] < counts[-1] <= session.query(HelpRequest).count()


def test_a_file_that_exists_is_left_as_it_is(filled: Settings, tmp_path: Path) -> None:
    (tmp_path / "old.zip").write_text("an older backup")
    with pytest.raises(BackupError, match=r"old\.zip exists already"):
        back_up(filled, tmp_path / "old.zip")
    assert (tmp_path / "old.zip").read_text() == "an older backup"
    with pytest.raises(
        BackupError, match=r"new\.zip cannot be written: No such file or directory\. No backup was made\."
    ) as refused:
        back_up(filled, tmp_path / "none" / "new.zip")
    said = str(refused.value)
    assert isinstance(said, Sentence) and isinstance(said.values["reason"], Sentence)


def test_a_home_without_a_database_is_not_backed_up(elsewhere: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="There is no database"):
        back_up(elsewhere, tmp_path / "b.zip")
    with pytest.raises(BackupError, match="names no file"):
        back_up(replace(elsewhere, database="sqlite://"), tmp_path / "b.zip")


def test_a_damaged_database_is_not_backed_up(filled: Settings, sessions: sessionmaker[Session], tmp_path: Path) -> None:
    sessions.kw["bind"].dispose()
    path = filled.home / "kollega.db"
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 4)
    path.write_bytes(content)
    with pytest.raises(DatabaseUnusable, match="is damaged"):
        back_up(filled, tmp_path / "b.zip")
    assert [found.name for found in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize("left", ["kollega.db", "kollega.db-wal", "secret_key", "synonyms.txt", "index"])
def test_a_home_that_is_not_empty_is_left_as_it_is(
    filled: Settings, elsewhere: Settings, tmp_path: Path, left: str
) -> None:
    back_up(filled, tmp_path / "backup.zip")
    elsewhere.home.mkdir()
    (elsewhere.home / left).write_text("mine")
    with pytest.raises(BackupError, match=f"The home is not empty: there is .*{left}"):
        restore(elsewhere, tmp_path / "backup.zip")
    assert [(path.name, path.read_text()) for path in elsewhere.home.iterdir()] == [(left, "mine")]


def test_models_may_be_in_the_home_already(filled: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "backup.zip")
    (elsewhere.home / "models").mkdir(parents=True)
    restore(elsewhere, tmp_path / "backup.zip")
    assert (elsewhere.home / "kollega.db").is_file()


def _each_byte(path: Path, step: int) -> Iterator[bytes]:
    content = path.read_bytes()
    for place in range(0, len(content), step):
        changed = bytearray(content)
        changed[place] ^= 0x55
        yield bytes(changed)
    for length in range(0, len(content), 4 * step):
        yield content[:length]


def test_no_damaged_backup_is_restored(filled: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    path = tmp_path / "backup.zip"
    back_up(filled, path)
    expected = all_rows(filled.home / "kollega.db", leave_out=())
    refused = 0
    for content in list(_each_byte(path, step=max(1, path.stat().st_size // 200))):
        path.write_bytes(content)
        try:
            restore(elsewhere, path)
        except (BackupError, DatabaseVersion):
            refused += 1
            assert not elsewhere.home.exists()
        else:  # a byte that says nothing, such as the time of a file
            assert all_rows(elsewhere.home / "kollega.db", leave_out=()) == expected
            for found in elsewhere.home.iterdir():
                found.unlink()
            elsewhere.home.rmdir()
    assert refused > 200


def _with_manifest(path: Path, **changed: object) -> None:
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(contents.pop("manifest.json")) | changed
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, content in contents.items():
            archive.writestr(name, content)


def test_a_backup_of_a_newer_version_and_other_files_are_refused(
    filled: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "backup.zip"
    back_up(filled, path)
    _with_manifest(path, revision="9999")
    with pytest.raises(DatabaseVersion, match="is of a newer version"):
        restore(elsewhere, path)
    _with_manifest(path, format=3)
    with pytest.raises(BackupError, match="made by another version"):
        restore(elsewhere, path)
    digest = "ab" + 62 * "0"
    for name in ("../evil", f"attachments/cd/{digest}", f"attachments/ab/../{digest}", "attachments/ab/x"):
        _with_manifest(path, format=1, files={"kollega.db": [0, ""], name: [0, ""]})
        with pytest.raises(BackupError, match="is damaged, or it is no backup"):
            restore(elsewhere, path)
    path.write_text("a text")
    with pytest.raises(BackupError, match="is damaged, or it is no backup"):
        restore(elsewhere, path)
    with pytest.raises(BackupError, match="There is no file"):
        restore(elsewhere, tmp_path / "none.zip")
    assert not elsewhere.home.exists()


def test_a_home_whose_name_has_signs_is_backed_up(filled: Settings, tmp_path: Path) -> None:
    home = replace(filled, home=tmp_path / "what? #1 100%")
    open_database(home).kw["bind"].dispose()
    back_up(home, tmp_path / "b.zip")
    assert sqlite3.connect(home.home / "kollega.db").execute("SELECT count(*) FROM people").fetchone() == (0,)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_without_room_no_backup_is_made_and_the_message_says_where(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_arguments: object, **_more: object) -> None:
        Path("/dev/full").write_text("x")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "write", no_room)
        with pytest.raises(
            BackupError, match=r"b\.zip cannot be written: No space left on device\. No backup was made"
        ):
            back_up(filled, tmp_path / "b.zip")
    assert [found.name for found in tmp_path.iterdir()] == ["home"]


def test_what_a_killed_backup_has_left_is_removed_after_a_day(filled: Settings, tmp_path: Path) -> None:
    for name, hours in ((".kollega-copy-old", 25), (".kollega-copy-new", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kollega.db").write_text("confidential")
        then = time.time() - hours * 3600
        os.utime(tmp_path / name, (then, then))
    back_up(filled, tmp_path / "b.zip")
    assert sorted(found.name for found in tmp_path.iterdir()) == [".kollega-copy-new", "b.zip", "home"]
