"""evaluation/cache.py: any change of code or of a shipped file makes a cached evaluation out of date."""

import shutil
from pathlib import Path

import pytest

import indexer
import recommender
from indexer.evaluation import cache


def test_the_digest_is_of_the_packages_that_decide_an_answer() -> None:
    assert [Path(package.__file__ or "").parent for package in (recommender, indexer)] == list(cache.CODE)


@pytest.mark.parametrize(
    "name",
    [
        "index/vocabulary.py",
        "language/alignment.npz",
        "language/dictionary.json.gz",
        "language/lists/common.txt",
        "search/rerank.json",
    ],
)
def test_a_change_of_any_code_or_shipped_file_changes_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    package = tmp_path / "recommender"
    shutil.copytree(cache.CODE[0], package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "CODE", (package,))
    before = cache.code_digest()
    assert cache.code_digest() == before
    path = package / name
    content = path.read_bytes()
    path.write_bytes(content + b"#")
    assert cache.code_digest() != before
    path.unlink()
    assert cache.code_digest() != before
    path.write_bytes(content)
    assert cache.code_digest() == before
    (package / "new.py").write_text("")
    assert cache.code_digest() != before


def test_a_file_that_is_not_code_does_not_change_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "CODE", (tmp_path,))
    before = cache.code_digest()
    (tmp_path / "notes.md").write_text("x")
    assert cache.code_digest() == before
