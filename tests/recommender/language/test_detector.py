"""language/detector.py: many texts at once, with the real model."""

import random
from pathlib import Path
from typing import Any

import pytest

from recommender.language.detector import LanguageDetector

_SENTENCES = (
    "The printer on the second floor does not print.", "Tulostin ei tulosta mitään toisessa kerroksessa.",
    "Skrivaren på andra våningen skriver inte ut.", "VPN", "809", "Ei toimi", "not working", "Ω ß 日本語", "fungerar",
)  # fmt: skip


def _texts() -> list[str]:
    random_ = random.Random(5)  # noqa: S311 - the same texts each time
    long = [" ".join(random_.choices(_SENTENCES, k=100)) for _ in range(3)]
    mixed = [" ".join(random_.choices(_SENTENCES, k=random_.choice((1, 2, 3, 8)))) for _ in range(1_500)]
    return [*mixed[:700], *long, "", "🙂", "ÄÄKKÖSET ISOLLA", *mixed[700:]]


def test_many_texts_have_the_languages_that_each_has_alone() -> None:
    detector, texts = LanguageDetector(), _texts()
    alone = [detector.detect(text, "xx") for text in texts]
    assert detector.detect_all(texts, "xx") == alone
    assert {"fi", "en", "sv", "xx"} == {*alone}
    for size in (1, 2, 50, 150):  # with few texts, one after the other
        assert detector.detect_all(texts[:size], "xx") == alone[:size]


def test_texts_without_words_have_no_language() -> None:
    assert LanguageDetector().detect_all(["", "12 34", "🙂"], "xx") == ["xx"] * 3
    assert LanguageDetector().detect_all([], "xx") == []


def test_the_stored_model_tells_the_same_languages_and_is_unpacked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    opened: list[Path] = []
    load = LanguageIdentifier.from_model_file.__func__

    def noted(cls: Any, path: Path, **options: Any) -> Any:
        opened.append(path)
        return load(cls, path, **options)

    monkeypatch.setattr(LanguageIdentifier, "from_model_file", classmethod(noted))
    texts = _texts()[:50]
    expected = LanguageDetector()
    stored = [LanguageDetector(tmp_path) for _start in range(2)]
    for detector in stored:
        assert [detector._model.classify(text) for text in texts] == [expected._model.classify(text) for text in texts]
        assert detector.detect_all(_texts(), "xx") == expected.detect_all(_texts(), "xx")
    (folder,) = tmp_path.glob("languages-*")
    shipped, small = MODEL_DIR / MODEL_FILE, folder / Path(MODEL_FILE).name
    assert opened == [shipped, small, shipped, small]  # to store it, then what is stored; `expected`; what is stored


def test_a_damaged_stored_model_is_made_again(tmp_path: Path) -> None:
    assert LanguageDetector(tmp_path).detect("unohdin salasanani", "xx") == "fi"
    (path,) = tmp_path.glob("languages-*/*.xz")
    path.write_bytes(path.read_bytes()[:-100])
    assert LanguageDetector(tmp_path).detect("unohdin salasanani", "xx") == "fi"
    assert path.stat().st_size > 100_000


def test_without_a_place_to_store_it_the_model_is_used_as_it_ships(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "models").write_text("a file", encoding="utf-8")
    assert LanguageDetector(tmp_path / "models").detect("unohdin salasanani", "xx") == "fi"
    assert "unpacked each time" in caplog.text


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert LanguageDetector(tmp_path / "nowhere").detect("unohdin salasanani", "xx") == "fi"
    assert not (tmp_path / "nowhere").exists() and caplog.text == ""
