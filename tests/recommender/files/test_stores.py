"""recommender/files: a folder and a bucket of a real server keep the same promises, and everything that is done with
attached files works with both."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.files.examine import examine
from indexer.indexing.verify_files import file_problems
from indexer.loading.attached_files import copy_in, copy_out
from recommender.database.attachment_tables import Attachment
from recommender.database.backup import back_up, restore
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest, Person, utc_now
from recommender.errors import AttachmentRefused, FilesUnavailable, SettingsError
from recommender.files import FileStore, digest_of
from recommender.files.bucket import Bucket
from recommender.files.folder import Folder
from recommender.files.places import store_of
from recommender.knowledge import attachments, file_store
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import sign_in
from web.app import create_app

LOG = b"the printer is out of paper"


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return Folder(tmp_path / "files") if request.param == "folder" else Bucket(request.getfixturevalue("bucket"))


@pytest.fixture
def in_bucket(settings: Settings, bucket: str) -> Settings:
    return replace(settings, files=bucket)


@pytest.fixture
def attached(sessions: sessionmaker[Session], in_bucket: Settings, add_person: Callable[..., int]) -> Iterator[int]:
    """The id of a file of a request."""
    number = add_person("vera")
    with sessions() as session:
        person = session.get_one(Person, number)
        row = HelpRequest(
            title="printer", body="jams", language="en", status="open", asked_by_id=number, created_at=utc_now()
        )
        session.add(row)
        rows = attachments.upload(session, in_bucket, person, [("log.txt", LOG)])
        attachments.attach(session, in_bucket, rows, row)
        session.commit()
        return rows[0].id


def test_a_file_is_there_as_it_was_written_until_it_is_removed(store: FileStore) -> None:
    digest = store.write(LOG)
    assert store.write(LOG) == digest == digest_of(LOG)
    assert store.has(digest) and store.read(digest) == LOG and list(store.names()) == [digest]
    with store.local(digest) as path:
        assert path.read_bytes() == LOG
    store.delete(digest)
    store.delete(digest)
    assert not store.has(digest) and list(store.names()) == []
    with pytest.raises(FileNotFoundError):
        store.read(digest)
    with pytest.raises(FileNotFoundError), store.local(digest):
        pass


@pytest.mark.parametrize("name", ["../kollega.db", "", "A" * 64, "a" * 63])
def test_what_is_no_digest_names_no_file(store: FileStore, name: str) -> None:
    for use in (store.read, store.has):
        with pytest.raises(ValueError, match="digest"):
            use(name)


def test_only_files_of_its_own_prefix_are_in_a_bucket(bucket: str) -> None:
    one, other = Bucket(bucket), Bucket(bucket.replace("/kollega?", "/kollega-two?"))
    one.write(LOG)
    assert list(other.names()) == [] and not other.has(digest_of(LOG)) and len(list(one.names())) == 1


def test_attached_files_are_uploaded_opened_read_and_removed(
    sessions: sessionmaker[Session], in_bucket: Settings, attached: int, open_recommender: Callable[[], Recommender],
) -> None:  # fmt: skip
    assert not in_bucket.attachments_dir.exists() and len(list(store_of(in_bucket).names())) == 1
    app = create_app(replace(in_bucket, demo=True), open_recommender())
    client = sign_in(app.test_client(), "vera")
    answer = client.get(f"/attachments/{attached}")
    assert (answer.status_code, answer.data) == (200, LOG)
    assert examine(in_bucket, sessions) >= 1
    with sessions() as session:
        row = session.get_one(Attachment, attached)
        assert row.text is not None and "out of paper" in row.text
        digest = row.digest
        session.delete(row)
        session.commit()
        assert file_store.remove(session, store_of(in_bucket), {digest}) == 1
        store_of(in_bucket).write(b"its row was never committed")
        assert attachments.clean_up(session, in_bucket) == 1
    assert list(store_of(in_bucket).names()) == []
    app.extensions["kollega_sessions"].kw["bind"].dispose()


def test_backups_and_exports_hold_the_files_of_a_bucket_and_verify_looks_at_them(
    sessions: sessionmaker[Session], in_bucket: Settings, attached: int, tmp_path: Path
) -> None:
    store = store_of(in_bucket)
    back_up(in_bucket, tmp_path / "backup.zip")
    with sessions() as session:
        assert copy_out(session, store, tmp_path / "store.jsonl") == 1
        assert list(file_problems(session, store)) == []
        store.delete(digest_of(LOG))
        assert "is missing" in next(file_problems(session, store))
        assert copy_in(session, store, tmp_path / "store.jsonl") == []
        assert list(file_problems(session, store)) == []
        store.delete(digest_of(LOG))
    elsewhere = replace(in_bucket, home=tmp_path / "elsewhere", database="")
    restore(elsewhere, tmp_path / "backup.zip")
    assert store.read(digest_of(LOG)) == LOG and not elsewhere.attachments_dir.exists()
    at_home = replace(elsewhere, home=tmp_path / "home-again", files="")
    restore(at_home, tmp_path / "backup.zip")
    assert store_of(at_home).read(digest_of(LOG)) == LOG
    opened = open_database(at_home)
    with opened() as session:
        assert session.scalars(select(Attachment.id)).all() == [attached]
    opened.kw["bind"].dispose()


def test_a_server_that_is_away_or_has_no_such_bucket_is_told(
    sessions: sessionmaker[Session], in_bucket: Settings, add_person: Callable[..., int], bucket: str,
    open_recommender: Callable[[], Recommender],
) -> None:  # fmt: skip
    number = add_person("vera")
    for address in ("s3://files?endpoint=http://127.0.0.1:9", bucket.replace("s3://files", "s3://others")):
        away = replace(in_bucket, files=address)
        with pytest.raises(FilesUnavailable, match="cannot be reached"):
            list(store_of(away).names())
        with sessions() as session, pytest.raises(AttachmentRefused) as refused:
            attachments.upload(session, away, session.get_one(Person, number), [("log.txt", LOG)])
        assert refused.value.reason == "away"
        app = create_app(replace(away, demo=True), open_recommender())
        client = sign_in(app.test_client(), "vera")
        app.config["WTF_CSRF_ENABLED"] = False
        form = {"title": "printer", "body": "it jams", "files": (BytesIO(LOG), "log.txt")}
        page = client.post("/requests/", data=form, content_type="multipart/form-data")
        assert page.status_code == 422 and "Files cannot be stored now" in page.text
        app.extensions["kollega_sessions"].kw["bind"].dispose()


@pytest.mark.parametrize(
    "address",
    [
        "files",
        "s3://",
        "https://files",
        "s3://key:secret@files",
        "s3://files?endpoint=https://key:secret@host",
        "s3://files?secret_key=x",
        "s3://[files",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="KOLLEGA_FILES"):
        Settings(files=address)
