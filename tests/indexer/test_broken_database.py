"""Every command on a database or home that cannot be used: one sentence, exit status 1, and nothing is lost."""

import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines
from tests.paths import ROOT

COMMANDS = (
    ("status",), ("user", "list"), ("user", "add", "eeva", "--no-password"), ("team", "it", "--shared"),
    ("ask", "Why does the printer not print?"), ("reindex",), ("watch",), ("serve",), ("demo",), ("import",),
)  # fmt: skip
Break = Callable[[Path], None]


def _statements(*statements: str) -> Break:
    def run(home: Path) -> None:
        connection = sqlite3.connect(home / "kollega.db")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    return run


def _overwrite(home: Path) -> None:
    path = home / "kollega.db"
    content = bytearray(path.read_bytes())
    content[100 : len(content) // 2] = os.urandom(len(content) // 2 - 100)
    path.write_bytes(content)


def _cut(home: Path) -> None:
    os.truncate(home / "kollega.db", (home / "kollega.db").stat().st_size // 3)


def _replace_by_text(home: Path) -> None:
    (home / "kollega.db").write_text("This is no database, but a text. " * 100)


def _replace_by_directory(home: Path) -> None:
    (home / "kollega.db").unlink()
    (home / "kollega.db").mkdir()


def _of_another_program(home: Path) -> None:
    (home / "kollega.db").unlink()
    _statements("CREATE TABLE people (x)")(home)


def _replace_home_by_file(home: Path) -> None:
    shutil.rmtree(home)
    home.write_text("")


BROKEN: dict[str, tuple[Break, str]] = {
    "newer": (_statements("UPDATE alembic_version SET version_num = '9999'"), "is of a newer version of Kollega"),
    "older": (_statements("UPDATE alembic_version SET version_num = '0001'"), "run: kollega upgrade"),
    "overwritten": (_overwrite, "is damaged. Restore a backup"),
    "cut": (_cut, "is damaged. Restore a backup"),
    "text": (_replace_by_text, "is damaged, or it is not a database. Restore a backup"),
    "directory": (_replace_by_directory, "is a directory"),
    "another program": (_of_another_program, "holds the tables of another program"),
    "home is a file": (_replace_home_by_file, "KOLLEGA_HOME="),
}


@pytest.fixture
def home(kollega: Kollega, write_lines: WriteLines) -> Path:
    """A home with a team, a person, a request and an index."""
    assert kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST)).exit_code == 0
    assert kollega("reindex").exit_code == 0
    made = Path(os.environ["KOLLEGA_HOME"])
    gc.collect()  # closes the connections of these commands
    _statements("PRAGMA journal_mode = DELETE")(made)  # everything is in the one file then
    assert [path.name for path in made.glob("kollega.db*")] == ["kollega.db"]
    return made


def _content(home: Path) -> Any:
    """What is in the place of the database; its tables' contents when it is one."""
    path = home / "kollega.db"
    if not home.is_dir() or path.is_dir():
        return None
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    except sqlite3.DatabaseError:
        return path.read_bytes()
    finally:
        connection.close()


@pytest.mark.parametrize("name", BROKEN)
def test_every_command_says_in_one_sentence_what_is_wrong_and_changes_nothing(
    kollega: Kollega, home: Path, write_lines: WriteLines, name: str
) -> None:
    damage, sentence = BROKEN[name]
    damage(home)
    before = _content(home)
    for command in COMMANDS:
        if name == "older" and command == ("demo",):
            continue  # it upgrades the database; test_demo tests that
        arguments = ("import", "jsonl", write_lines(TEAM)) if command == ("import",) else command
        result = kollega(*arguments)
        *progress, last = result.stderr.strip().splitlines()
        assert result.exit_code == 1, (command, result.output)
        assert last.startswith("Error: ") and sentence in last, (command, result.output)
        assert all(line.startswith("model ") for line in progress), (command, progress)
    assert _content(home) == before


@pytest.fixture
def full_disk() -> Iterator[Callable[[], None]]:
    """Makes every database as full as its disk would be: no page can be added."""

    def no_more_pages(connection: Any, _record: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    yield lambda: event.listen(Engine, "connect", no_more_pages)
    if event.contains(Engine, "connect", no_more_pages):
        event.remove(Engine, "connect", no_more_pages)


def test_on_a_full_disk_commands_that_write_say_so_and_what_was_saved_stays(
    kollega: Kollega, home: Path, write_lines: WriteLines, full_disk: Callable[[], None]
) -> None:
    before = _content(home)
    full_disk()
    long = {**REQUEST, "id": "r2", "body": "word " * 100_000}
    for command in (("import", "jsonl", write_lines(TEAM, AINO, long)), ("demo",)):
        result = kollega(*command)
        assert result.exit_code == 1
        (line,) = (line for line in result.stderr.splitlines() if not line.startswith("importing: "))
        assert line == (
            f"Error: The database {home / 'kollega.db'} cannot be written: the disk is full. "
            "Make room, then try again; what was saved before is still there."
        )
    saved = {line for line in before if line.startswith(('INSERT INTO "requests"', 'INSERT INTO "replies"'))}
    assert saved and saved <= set(_content(home))  # beside them the first records of what was imported
    assert kollega("status").exit_code == kollega("user", "list").exit_code == 0


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every account can look into, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp(prefix="kollega-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


AS_NOBODY = """
import os, sys
from indexer.cli import main

def run(home, *arguments):
    os.environ["KOLLEGA_HOME"] = home
    main(arguments, standalone_mode=False)

run(sys.argv[1], *sys.argv[3:])  # loads all that is needed: nobody may not read the files of Python, perhaps
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
os.environ["KOLLEGA_HOME"] = sys.argv[2]
main(sys.argv[3:])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a command as another account")
@pytest.mark.parametrize(
    ("mode_of_home", "sentence"), [(0o755, "kollega.db can only be read"), (0o700, "kollega.db cannot be opened: ")]
)
def test_a_home_of_another_account_is_reported_in_one_sentence(
    home: Path, shared_folder: Path, mode_of_home: int, sentence: str
) -> None:
    shutil.copy(home / "kollega.db", shared_folder)
    (shared_folder / "kollega.db").chmod(0o644)
    shared_folder.chmod(mode_of_home)
    for command in (("user", "list"), ("user", "add", "eeva", "--no-password")):
        ran = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(home), str(shared_folder), *command],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        assert ran.returncode == 1 and len(ran.stderr.splitlines()) == 1, ran.stderr
        assert ran.stderr.startswith("Error: ") and sentence in ran.stderr
