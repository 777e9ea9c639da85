"""index/copies.py and index/lexical.py: a process killed while it opens an index leaves nothing for long."""

import os
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recommender.index import generations
from recommender.index.copies import copied, remove_left
from recommender.index.lexical import LexicalIndex
from recommender.settings import Settings


def _killed_while_opening(path: Path) -> None:
    """Open an index in another process, which is killed when a file is copied."""
    copy = shutil.copyfile

    def killed(*given: Any, **named: Any) -> None:
        copy(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    if not (process := os.fork()):
        try:
            shutil.copyfile = killed
            LexicalIndex.load(path)
        finally:
            os._exit(1)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL


def test_the_next_update_removes_what_a_killed_process_left(
    settings: Settings,
    add_request: Callable[..., int],
    reindexed: Callable[..., object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("printer jams")
    reindexed()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = set(settings.index_dir.iterdir())
    _killed_while_opening(generations.live(settings.index_dir) / "lexical")
    (left,) = set(settings.index_dir.iterdir()) - before
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    reindexed()
    assert set(settings.index_dir.iterdir()) == before and list(temporary.iterdir()) == []


def test_a_copy_in_use_stays_and_is_removed_at_the_end(tmp_path: Path) -> None:
    source, beside = tmp_path / "source", tmp_path / "beside"
    for folder in (source, beside):
        folder.mkdir()
    (source / "file").write_text("content", encoding="utf-8")
    with copied(source, beside) as copy:
        remove_left(beside)
        assert (copy / "file").read_text(encoding="utf-8") == "content"
        assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    assert list(beside.iterdir()) == []


def test_a_file_that_is_written_while_a_copy_is_removed_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tantivy locks an index from a thread of its own, which may write its lock file just then."""
    source, beside = tmp_path / "source", tmp_path / "beside"
    for folder in (source, beside):
        folder.mkdir()
    (source / "file").write_text("content", encoding="utf-8")
    rmdir, late = os.rmdir, []

    def with_a_late_file(path: Any, **named: Any) -> None:
        if not late:
            (copy,) = beside.iterdir()
            late.append(copy / "late.lock")
            late[0].touch()
        rmdir(path, **named)

    monkeypatch.setattr("os.rmdir", with_a_late_file)
    with copied(source, beside):
        pass
    assert late and list(beside.iterdir()) == []
