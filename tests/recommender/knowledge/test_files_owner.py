"""knowledge/file_store.py: nothing is added to a bucket, or removed from it, that belongs to somebody else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session, sessionmaker

from indexer.cli import main
from recommender.database.backup import back_up, restore
from recommender.database.engine import open_database
from recommender.database.files_owner import own_name
from recommender.database.tables import Person
from recommender.errors import AttachmentRefused, FilesUnavailable
from recommender.files import bucket as bucket_module
from recommender.files import digest_of
from recommender.files.places import store_of
from recommender.knowledge import attachments, file_store
from recommender.settings import Settings

Sessions = sessionmaker[Session]
OTHERS = b"a file of another installation"


class _Client:
    """As much of a client of S3 as is called, with the objects in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def list_objects(self, _bucket: str, prefix: str) -> Iterator[Any]:
        inside = [name for name in self.objects if name.startswith(prefix)]
        return iter([SimpleNamespace(object_name=name, is_dir=False) for name in inside])

    def put_object(self, _bucket: str, name: str, content: BytesIO, _length: int) -> None:
        self.objects[name] = content.read()

    def get_object(self, _bucket: str, name: str) -> Any:
        if name not in self.objects:
            raise FileNotFoundError(name)
        found = BytesIO(self.objects[name])
        return SimpleNamespace(read=found.read, close=found.close, release_conn=lambda: None)

    def stat_object(self, _bucket: str, name: str) -> None:
        if name not in self.objects:
            raise FileNotFoundError(name)

    def remove_object(self, _bucket: str, name: str) -> None:
        self.objects.pop(name, None)


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    client = _Client()
    monkeypatch.setattr(bucket_module, "_client", lambda *_: client)
    monkeypatch.setattr(bucket_module.Bucket, "_do", lambda _self, work: work())
    return client.objects


@pytest.fixture
def in_bucket(settings: Settings, objects: dict[str, bytes], request: pytest.FixtureRequest) -> Settings:
    return replace(settings, files=f"s3://{digest_of(request.node.name.encode())}")  # buckets are kept by address


@pytest.fixture
def upload(sessions: Sessions, in_bucket: Settings, add_person: Callable[..., int]) -> Callable[[bytes], None]:
    number = add_person("vera")

    def _upload(content: bytes) -> None:
        with sessions() as session:
            attachments.upload(session, in_bucket, session.get_one(Person, number), [("log.txt", content)])

    return _upload


def test_other_objects_are_left_and_files_without_a_row_go(
    sessions: Sessions, in_bucket: Settings, objects: dict[str, bytes], upload: Callable[[bytes], None]
) -> None:
    objects["nightly-backup.zip"] = b"not of Kollega"
    upload(b"it is needed")
    store_of(in_bucket).write(b"its row was never committed")
    with sessions() as session:
        assert file_store.sweep(session, store_of(in_bucket)) == 1
        assert objects["kollega-installation"].decode() == own_name(session)
    assert objects.keys() == {"nightly-backup.zip", "kollega-installation", digest_of(b"it is needed")}


@pytest.mark.parametrize("marked", [True, False])
def test_nothing_of_another_installation_is_removed_and_nothing_is_added(
    sessions: Sessions, in_bucket: Settings, objects: dict[str, bytes], upload: Callable[[bytes], None], marked: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    objects[digest_of(OTHERS)] = OTHERS
    if marked:
        objects["kollega-installation"] = b"0" * 32
    before = dict(objects)
    with sessions() as session:
        with pytest.raises(FilesUnavailable, match=r"another installation.*take-files"):
            file_store.sweep(session, store_of(in_bucket))
        assert file_store.remove(session, store_of(in_bucket), {digest_of(OTHERS)}) == 0
        assert attachments.clean_up(session, in_bucket) == 0 and "another installation" in caplog.text
    with pytest.raises(AttachmentRefused) as refused:
        upload(b"new")
    assert refused.value.reason == "away" and objects == before


def test_a_restored_backup_is_another_installation_until_it_takes_the_files(
    sessions: Sessions, in_bucket: Settings, objects: dict[str, bytes], upload: Callable[[bytes], None], tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    upload(b"it is needed")
    back_up(in_bucket, tmp_path / "backup.zip")
    upload(b"it came after the backup")
    test = replace(in_bucket, home=tmp_path / "test", database="")
    restore(test, tmp_path / "backup.zip")
    opened = open_database(test)
    with opened() as session:
        assert attachments.clean_up(session, test) == 0
    assert digest_of(b"it came after the backup") in objects
    monkeypatch.setenv("KOLLEGA_HOME", str(test.home))
    monkeypatch.setenv("KOLLEGA_FILES", test.files)
    monkeypatch.delenv("KOLLEGA_DATABASE", raising=False)
    said = CliRunner().invoke(main, ["take-files"], input="y\n")
    assert said.exit_code == 0 and ": 2; this database knows 1 of them" in said.output
    assert "The other 1 will be deleted" in said.output
    with opened() as session:
        assert attachments.clean_up(session, test) == 1
    opened.kw["bind"].dispose()
    with sessions() as session:
        assert attachments.clean_up(session, in_bucket) == 0  # it is the other one's now
    assert digest_of(b"it is needed") in objects


def test_files_that_cannot_be_reached_do_not_stop_removing_a_row(
    sessions: Sessions, in_bucket: Settings, upload: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    upload(b"it is needed")

    def away(*_: object) -> Any:
        raise FilesUnavailable("The attached files cannot be reached.")

    monkeypatch.setattr(bucket_module.Bucket, "_do", away)
    with sessions() as session:
        assert file_store.remove(session, store_of(in_bucket), {digest_of(b"other")}) == 0
    assert "are still there. The attached files cannot be reached" in caplog.text


def test_waiting_for_another_machine_for_very_long_is_told_as_files_that_are_away(
    upload: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_store, "take_lock", lambda *_: None)
    monkeypatch.setattr(file_store, "_LONGEST", 0.0)
    with pytest.raises(AttachmentRefused) as refused:
        upload(b"new")
    assert refused.value.reason == "away"
