"""secret_key.py: one key for all processes, never an empty or incomplete one, and no other file left behind."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from recommender.accounts.secret_key import load_secret_key
from recommender.errors import SettingsError
from tests.paths import ROOT

HOMES = 100
# Waits for a line, then loads the key of each home and prints it.
LOAD_ALL = """
import sys
from pathlib import Path
from recommender.accounts.secret_key import load_secret_key
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    print(load_secret_key(Path(sys.argv[1]) / str(number)))
"""


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    key = load_secret_key(home)
    assert len(key) == 64 and set(key) <= set("0123456789abcdef")
    assert load_secret_key(home) == key
    assert (home / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["secret_key"]


def test_two_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOAD_ALL, str(tmp_path), str(HOMES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    first, second = ([*process.communicate()[0].split()] for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert first == second and len(set(first)) == HOMES
    assert [len(key) for key in first] == [64] * HOMES
    assert {path.name for path in tmp_path.glob("*/*")} == {"secret_key"}


def test_the_key_of_a_process_that_was_faster_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def another_process_is_faster(source: str, target: Path) -> None:
        target.write_text("the other's key", encoding="ascii")
        link(source, target)

    monkeypatch.setattr(os, "link", another_process_is_faster)
    assert load_secret_key(tmp_path) == "the other's key"
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_key_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # every write to a file fails, as on a full disk
    try:
        with pytest.raises(OSError, match="File too large"):
            load_secret_key(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
    assert len(load_secret_key(tmp_path)) == 64


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_key_is_refused_with_a_message_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secret_key"
    path.write_text(text, encoding="ascii")
    with pytest.raises(SettingsError) as refused:
        load_secret_key(tmp_path)
    assert str(refused.value) == (
        f"{path} is empty. Delete it and start Kollega again: it makes a new key, and everybody signs in once more."
    )


def test_a_key_that_all_machines_have_makes_none_in_the_home(tmp_path: Path) -> None:
    assert load_secret_key(tmp_path, "k" * 32) == "k" * 32
    assert list(tmp_path.iterdir()) == []
