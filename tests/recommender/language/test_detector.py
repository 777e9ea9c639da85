"""language/detector.py: many texts at once, with the real model."""

import random

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
