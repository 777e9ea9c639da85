"""language/everyday.py: the rules of everyday words are stored, and made again when what they are made of changes."""

from pathlib import Path

import pytest

from recommender.checksums import whole_folder
from recommender.language import everyday
from recommender.language.analyzer import Analyzer
from recommender.language.synonyms import Synonyms


def test_stored_rules_are_those_of_the_lists_and_are_not_read_again(
    analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = everyday.read_everyday(analyzer)
    assert everyday.everyday(analyzer, tmp_path) == read and len(read.rules) > 1000
    monkeypatch.setattr(everyday, "read_everyday", None)
    assert everyday.everyday(analyzer, tmp_path) == read


def test_rules_are_made_again_when_a_list_has_changed_or_the_stored_ones_are_damaged(
    analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = tmp_path / "language" / "lists"
    lists.mkdir(parents=True)
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setattr(everyday, "LISTS", lists)
    for name in ("everyday_fi.txt", "everyday_en.txt", "everyday_sv.txt"):
        (lists / name).write_text("läppäri, laptop\n" if name == "everyday_fi.txt" else "", encoding="utf-8")
    before = everyday.everyday(analyzer, models)
    (stored,) = models.glob("everyday-*/rules.json")
    stored.write_text("[]")
    assert everyday.everyday(analyzer, models) == before and before.rules
    (lists / "everyday_en.txt").write_text("mobile, cellphone\n")
    after = everyday.everyday(analyzer, models)
    assert len(after.rules) > len(before.rules) and len([*models.glob("everyday-*")]) == 1


def test_dictionaries_that_are_missing_are_made_while_the_lists_are_read(
    analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are stored beside the rules, and one process at a time stores something there."""

    def read_with_new_dictionaries(analyzer: Analyzer) -> Synonyms:
        whole_folder(tmp_path / "dictionaries", lambda folder: (folder / "fi").touch())
        return Synonyms.parse("läppäri, laptop", analyzer)

    monkeypatch.setattr(everyday, "read_everyday", read_with_new_dictionaries)
    assert everyday.everyday(analyzer, tmp_path).rules and (tmp_path / "dictionaries" / "fi").exists()


def test_without_a_folder_nothing_is_stored(analyzer: Analyzer, tmp_path: Path) -> None:
    assert everyday.everyday(analyzer, tmp_path / "missing") == everyday.read_everyday(analyzer)
    assert list(tmp_path.iterdir()) == []
