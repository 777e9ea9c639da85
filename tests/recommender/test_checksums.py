"""checksums.py: what a checksum tells, and folders that are made again when they are damaged."""

import gc
import os
import weakref
import zlib
from pathlib import Path

import pytest

from recommender.checksums import (
    SEAL,
    checksum,
    checksums,
    damaged,
    is_as_sealed,
    problem_of,
    rewritten,
    seal,
    states,
    whole_folder,
)


def test_a_checksum_is_the_size_and_the_crc_32(tmp_path: Path) -> None:
    content = b"printer" * 400_000  # read in several blocks
    (tmp_path / "file").write_bytes(content)
    assert checksum(tmp_path / "file") == f"{len(content)}-{zlib.crc32(content):08x}"


def test_missing_cut_and_changed_files_are_damaged(tmp_path: Path) -> None:
    for name in ("same", "cut", "changed", "missing"):
        (tmp_path / name).write_text("printer jam", encoding="utf-8")
    expected = checksums(tmp_path, ("same", "cut", "changed", "missing"))
    (tmp_path / "cut").write_text("printer", encoding="utf-8")
    (tmp_path / "changed").write_text("printer jan", encoding="utf-8")
    (tmp_path / "missing").unlink()
    assert damaged(tmp_path, expected) == ["changed", "cut", "missing"]


def _write(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "weights").write_text("0.5", encoding="utf-8")
    (folder / "settings").write_text("{}", encoding="utf-8")


def _cut(folder: Path) -> None:
    (folder / "deep" / "weights").write_text("0", encoding="utf-8")


def _delete(folder: Path) -> None:
    (folder / "settings").unlink()


def _unseal(folder: Path) -> None:
    (folder / SEAL).unlink()


def _cut_seal(folder: Path) -> None:
    (folder / SEAL).write_text((folder / SEAL).read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")


def _empty_seal(folder: Path) -> None:
    (folder / SEAL).write_bytes(b"\xff")


@pytest.mark.parametrize("damage", [_cut, _delete, _unseal, _cut_seal, _empty_seal])
def test_a_damaged_folder_is_made_again(tmp_path: Path, damage: object) -> None:
    folder = whole_folder(tmp_path / "models" / "m", _write)
    assert problem_of(folder) == ""
    damage(folder)  # type: ignore[operator]
    assert problem_of(folder) != ""
    assert whole_folder(folder, _write) == folder
    assert (folder / "deep" / "weights").read_text(encoding="utf-8") == "0.5" and problem_of(folder) == ""
    assert {path.name for path in folder.parent.iterdir()} == {".lock", "m"}


def test_what_making_a_folder_needed_is_freed_also_while_python_looks_for_no_garbage(tmp_path: Path) -> None:
    class Model:
        def __init__(self) -> None:
            self.itself = self

    made: list[weakref.ref[Model]] = []

    def write(folder: Path) -> None:
        made.append(weakref.ref(Model()))
        _write(folder)

    gc.disable()
    try:
        whole_folder(tmp_path / "m", write)
        assert [reference() for reference in made] == [None]
    finally:
        gc.enable()


def test_a_whole_folder_is_not_made_again(tmp_path: Path) -> None:
    def fail(_folder: Path) -> None:
        raise AssertionError("it was made again")

    folder = whole_folder(tmp_path / "m", _write)
    assert whole_folder(folder, fail) == folder


def test_a_folder_takes_the_place_of_others_when_it_is_made(tmp_path: Path) -> None:
    whole_folder(tmp_path / "pages-1", _write)
    whole_folder(tmp_path / "words-1", _write)
    for _time in range(2):
        whole_folder(tmp_path / "pages-2", _write, replaces="pages-*")
        assert {path.name for path in tmp_path.iterdir()} == {".lock", "pages-2", "words-1"}


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-abc").mkdir()
    (tmp_path / ".unfinished-abc" / "half").write_text("x", encoding="utf-8")
    whole_folder(tmp_path / "m", _write)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "m"}


def test_a_folder_that_cannot_be_made_again_is_used_only_when_it_never_had_checksums(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_folder: Path) -> None:
        raise OSError("disk full")

    old = tmp_path / "old"
    old.mkdir()
    assert whole_folder(old, full) == old and "cannot be made again" in caplog.text
    sealed = whole_folder(tmp_path / "sealed", _write)
    _cut(sealed)
    with pytest.raises(OSError, match="disk full"):
        whole_folder(sealed, full)
    assert (sealed / "settings").exists()  # what was there stays


def test_a_file_that_was_written_again_is_told_from_one_that_was_deleted(tmp_path: Path) -> None:
    written, deleted, same = (tmp_path / name for name in ("written", "deleted", "same"))
    for path in (written, deleted, same):
        path.write_text("printer", encoding="utf-8")
    before = states([written, deleted, same, tmp_path / "never"])
    os.utime(written, ns=(1, 1))
    deleted.unlink()
    assert rewritten(before) == [written]


def test_a_seal_names_every_file(tmp_path: Path) -> None:
    _write(tmp_path)
    seal(tmp_path)
    names = {line.partition(" ")[2] for line in (tmp_path / SEAL).read_text(encoding="utf-8").splitlines()}
    assert names == {"deep/weights", "settings"}


def test_one_file_of_a_folder_is_compared_with_its_seal(tmp_path: Path) -> None:
    folder = whole_folder(tmp_path / "m", _write)
    assert is_as_sealed(folder, "settings") and is_as_sealed(folder, "deep/weights")
    _cut(folder)
    assert is_as_sealed(folder, "settings") and not is_as_sealed(folder, "deep/weights")
    _delete(folder)
    assert not is_as_sealed(folder, "settings") and not is_as_sealed(folder, "unknown")
    _unseal(folder)
    assert not is_as_sealed(folder, "settings")
