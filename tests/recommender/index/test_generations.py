"""index/generations.py: publishing, removing old generations, and the lock for writing."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from recommender.encoder import ModelCard
from recommender.errors import IndexDamaged, IndexLocked, IndexNotFound
from recommender.index import generations
from recommender.index.generations import Manifest
from tests.timing import LONG

MODEL = ModelCard("ä model", "abc", 64, 512)
MANIFEST = Manifest(
    format=generations.FORMAT,
    analysis=1,
    generation="gen-000001",
    created_at="2026-01-01T00:00:00+00:00",
    model=MODEL,
    items=3,
    passages=5,
    rows=6,
    approximate=False,
    background=0.25,
    alignment="a",
)


def _make(index_dir: Path) -> Path:
    directory = generations.begin(index_dir, MODEL)
    MANIFEST.write(directory)
    return directory


def _publish(index_dir: Path) -> str:
    directory = _make(index_dir)
    generations.publish(index_dir, directory)
    return directory.name


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path)
    assert Manifest.read(tmp_path) == MANIFEST


FILES = replace(MANIFEST, files={"catalogue.db": "9-00000000"})


def _written(tmp_path: Path) -> Path:
    directory = tmp_path / "gen-000001"
    directory.mkdir()
    FILES.write(directory)
    return directory


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"background": 0.25', '"background": 0.35'),
        ("9-00000000", "9-00000001"),
        ('"checksum"', '"checkson"'),
        ('"files"', '"filet"'),
    ],
)
def test_a_manifest_with_a_changed_value_is_damaged(tmp_path: Path, old: str, new: str) -> None:
    directory = _written(tmp_path)
    assert Manifest.read(directory) == FILES
    text = (directory / "manifest.json").read_text(encoding="utf-8")
    assert old in text
    (directory / "manifest.json").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(IndexDamaged, match="kollega reindex --full"):
        Manifest.read(directory)


def test_the_manifest_of_another_generation_is_damaged(tmp_path: Path) -> None:
    directory = _written(tmp_path)
    directory.rename(tmp_path / "gen-000002")
    with pytest.raises(IndexDamaged, match="it is that of gen-000001"):
        Manifest.read(tmp_path / "gen-000002")


def test_files_that_differ_from_their_checksums_are_named(tmp_path: Path) -> None:
    directory = _written(tmp_path)
    with pytest.raises(IndexDamaged, match=r"gen-000001 has damaged or missing files: catalogue.db"):
        FILES.check_files(directory)
    FILES.check_files(directory, ("vectors.faiss",))  # a part that is not damaged


def test_a_name_of_the_live_generation_that_does_not_fit_its_checksum_names_none(tmp_path: Path) -> None:
    name = _publish(tmp_path)
    text = (tmp_path / "CURRENT").read_text(encoding="ascii")
    assert generations.live_name(tmp_path) == name
    (tmp_path / "CURRENT").write_text(text.replace("gen-000001", "gen-000002"), encoding="ascii")
    assert generations.live_name(tmp_path) is None
    (tmp_path / "CURRENT").write_text("gen-000001", encoding="ascii")  # as earlier versions wrote it
    assert generations.live_name(tmp_path) == name


def test_a_generation_whose_removal_was_interrupted_does_not_count_as_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_path: Path, ignore_errors: bool) -> None:
        raise KeyboardInterrupt

    first = _publish(tmp_path)
    second = _publish(tmp_path)
    third = _make(tmp_path)
    monkeypatch.setattr(generations.shutil, "rmtree", stop)
    with pytest.raises(KeyboardInterrupt):
        generations.publish(tmp_path, third)
    assert (tmp_path / first).is_dir()
    assert generations.finished(tmp_path) == [second, third.name]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"model": 3}', "\x00"])
def test_a_damaged_manifest_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(IndexDamaged, match="kollega reindex --full"):
        Manifest.read(tmp_path)


def test_a_missing_manifest_or_one_of_another_version_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged, match="kollega reindex --full"):
        Manifest.read(tmp_path)
    replace(MANIFEST, format=generations.FORMAT + 1).write(tmp_path)
    with pytest.raises(IndexDamaged, match=r"another version.*kollega reindex --full"):
        Manifest.read(tmp_path)


def test_a_manifest_of_the_previous_version_says_what_to_do(tmp_path: Path) -> None:
    values = {**asdict(MANIFEST), "format": 1}
    del values["alignment"]
    (tmp_path / "manifest.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(IndexDamaged, match="kollega reindex --full"):
        Manifest.read(tmp_path)


def test_there_is_no_live_generation_before_the_first(tmp_path: Path) -> None:
    assert generations.live_name(tmp_path / "none") is None
    with pytest.raises(IndexNotFound, match="Run: kollega reindex"):
        generations.live(tmp_path)
    (tmp_path / "CURRENT").write_text("gen-000009", encoding="ascii")
    with pytest.raises(IndexNotFound):
        generations.live(tmp_path)


def test_a_generation_is_live_once_it_is_published(tmp_path: Path) -> None:
    first = _publish(tmp_path)
    second = _make(tmp_path)
    assert (first, second.name) == ("gen-000001", "gen-000002")
    assert generations.live(tmp_path) == tmp_path / "gen-000001"
    generations.publish(tmp_path, second)
    assert generations.live(tmp_path) == second


def test_the_two_newest_generations_are_kept(tmp_path: Path) -> None:
    for _ in range(4):
        _publish(tmp_path)
    assert generations.finished(tmp_path) == ["gen-000003", "gen-000004"]
    assert sorted(path.name for path in tmp_path.glob("gen-*")) == ["gen-000003", "gen-000004"]


def test_a_publish_that_is_interrupted_leaves_the_old_generation_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(tmp_path)
    second = _make(tmp_path)

    def crash(*_paths: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        generations.publish(tmp_path, second)
    monkeypatch.undo()
    assert generations.live(tmp_path).name == "gen-000001"
    assert generations.finished(tmp_path) == ["gen-000001", "gen-000002"]


def test_a_reader_never_sees_a_half_written_name(tmp_path: Path) -> None:
    directories = [_make(tmp_path) for _ in range(2)]
    generations.publish(tmp_path, directories[0])
    names: set[str | None] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            names.add(generations.live_name(tmp_path))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        turns, latest = 0, time.monotonic() + LONG
        while turns < 200 or (len(names) < 2 and time.monotonic() < latest):  # the reader may be slow to begin
            generations.publish(tmp_path, directories[turns % 2])
            turns += 1
    finally:
        stop.set()
        reader.join()
    assert names == {"gen-000001", "gen-000002"}


def test_unfinished_generations_are_removed_by_the_next_begin(tmp_path: Path) -> None:
    _publish(tmp_path)
    unfinished = generations.begin(tmp_path, MODEL)
    (unfinished / "lexical").mkdir()
    (unfinished / "lexical" / "segment").write_bytes(b"half")
    again = generations.begin(tmp_path, MODEL)
    assert again == unfinished  # the number is free again
    assert list(again.iterdir()) == []
    assert generations.finished(tmp_path) == ["gen-000001"]
    assert generations.live(tmp_path).name == "gen-000001"


def test_rolling_back_makes_the_previous_generation_live(tmp_path: Path) -> None:
    for _ in range(2):
        _publish(tmp_path)
    assert generations.roll_back(tmp_path) == "gen-000001"
    assert generations.live_name(tmp_path) == "gen-000001"
    assert generations.finished(tmp_path) == ["gen-000001", "gen-000002"]
    with pytest.raises(IndexNotFound, match="no earlier generation"):
        generations.roll_back(tmp_path)
    assert _publish(tmp_path) == "gen-000003"


def test_rolling_back_twice_does_not_return_to_the_first(tmp_path: Path) -> None:
    for _ in range(2):
        _publish(tmp_path)
    good = generations.roll_back(tmp_path)
    _publish(tmp_path)
    assert generations.roll_back(tmp_path) == good  # the generation that was live before


def test_rolling_back_needs_two_generations(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound):
        generations.roll_back(tmp_path)
    _publish(tmp_path)
    with pytest.raises(IndexNotFound, match="no earlier generation"):
        generations.roll_back(tmp_path)
    assert generations.live_name(tmp_path) == "gen-000001"


HOLD_LOCK = """
import sys
from pathlib import Path
from recommender.index.generations import write_lock
with write_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_another_process_is_respected_until_it_is_killed(tmp_path: Path) -> None:
    _publish(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "locked\n"
            with pytest.raises(IndexLocked, match="Another process"), generations.write_lock(tmp_path):
                pytest.fail("two writers")
            with pytest.raises(IndexLocked):
                generations.roll_back(tmp_path)
        finally:
            holder.kill()
    with generations.write_lock(tmp_path):
        assert generations.live_name(tmp_path) == "gen-000001"


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), generations.write_lock(tmp_path):
        raise ZeroDivisionError
    with generations.write_lock(tmp_path), pytest.raises(IndexLocked), generations.write_lock(tmp_path):
        pytest.fail("two writers")
