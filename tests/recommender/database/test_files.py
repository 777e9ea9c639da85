"""database/files.py: where the database is, and who can read what is in the home."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recommender.database.engine import open_database
from recommender.database.files import database_path
from recommender.errors import DatabaseUnusable, SettingsError
from recommender.settings import Settings


@contextmanager
def lax_umask() -> Iterator[None]:
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("name", ["what?", "a#b", "100%25", "two words", "file:x?mode=memory", "ä&=+"])
def test_the_database_is_in_the_home_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    settings = Settings(home=tmp_path / name)
    factory = open_database(settings)
    factory.kw["bind"].dispose()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (settings.home / "kollega.db").stat().st_size > 0
    assert database_path(settings) == settings.home / "kollega.db"


def test_files_in_an_existing_home_are_only_for_their_owner_also_with_a_lax_umask(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with lax_umask():
        factory = open_database(settings)
        with factory() as session:  # keeps the log of SQLite in place
            session.connection()
            names = {path.name: _mode(path) for path in tmp_path.glob("kollega.db*")}
    factory.kw["bind"].dispose()
    assert names == {"kollega.db": 0o600, "kollega.db-wal": 0o600, "kollega.db-shm": 0o600}


def test_what_others_could_read_is_closed_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with lax_umask():
        inner = tmp_path / "index" / "gen-000001" / "lexical"
        inner.mkdir(parents=True)
        for path in (tmp_path / "kollega.db", tmp_path / "secret_key", inner / "meta.json", tmp_path / "notes.txt"):
            path.write_bytes(b"")
    for _time in range(2):
        open_database(Settings(home=tmp_path)).kw["bind"].dispose()
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said == [
        f"Other accounts could read {tmp_path / 'kollega.db'} and 5 more; now only the account that runs Kollega can."
    ]
    modes = {str(path.relative_to(tmp_path)): _mode(path) for path in sorted(tmp_path.rglob("*"))}
    assert modes == {
        "index": 0o700,
        "index/gen-000001": 0o700,
        "index/gen-000001/lexical": 0o700,
        "index/gen-000001/lexical/meta.json": 0o600,
        "kollega.db": 0o600,
        "notes.txt": 0o644,
        "secret_key": 0o600,
    }


def test_links_out_of_the_home_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"")
    outside.chmod(0o644)
    home = tmp_path / "home"
    (home / "index").mkdir(parents=True, mode=0o755)
    (home / "index" / "link").symlink_to(outside)
    open_database(Settings(home=home)).kw["bind"].dispose()
    assert _mode(outside) == 0o644 and _mode(home / "index") == 0o700


def test_a_database_elsewhere_is_made_for_its_owner_only(tmp_path: Path) -> None:
    with lax_umask():
        open_database(Settings(home=tmp_path / "home", database=f"sqlite:///{tmp_path}/other.db")).kw["bind"].dispose()
    assert _mode(tmp_path / "other.db") == 0o600


def test_a_directory_in_the_place_of_the_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "kollega.db").mkdir()
    with pytest.raises(DatabaseUnusable, match=r"kollega\.db is a directory"):
        open_database(Settings(home=tmp_path))


def test_a_database_that_is_no_file_has_no_path(tmp_path: Path) -> None:
    assert database_path(Settings(database="postgresql:///kollega")) is None
    assert database_path(Settings(database="sqlite://")) is None
    with pytest.raises(SettingsError, match="KOLLEGA_DATABASE"):
        database_path(Settings(database="nonsense"))


def test_the_tables_of_another_program_are_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "kollega.db") as connection:
        connection.execute("CREATE TABLE people (x)")
    connection.close()
    with pytest.raises(DatabaseUnusable, match="holds the tables of another program"):
        open_database(Settings(home=tmp_path))
