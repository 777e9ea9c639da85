"""language/alignment.py: the shipped file and small ones written here, for the shipped and for other models."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.encoder import Encoder, ModelCard, Vectors
from recommender.language import alignment as module
from recommender.language.alignment import Alignment, save
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Translation
from tests.conftest import FakeEncoder

CARD = ModelCard("a model", "1", 8, 512)
OTHERS = [None, replace(CARD, name="another"), replace(CARD, revision="2")]
LEXICON = {
    "fi": {"kieli": [["language", 0.75], ["tongue", 0.25]], "verkko": [["network", 0.5]]},
    "en": {"password": [["salasana", 0.875]]},
}


@pytest.fixture(scope="module")
def shipped(real_encoder: Encoder) -> Alignment:
    """The shipped alignment, for the shipped model."""
    return Alignment.load(real_encoder.card)


def _rows(*shape: int, seed: int) -> Vectors:
    """Random numbers that are exact in float16."""
    return np.random.default_rng(seed).integers(-64, 64, size=shape).astype(np.float32) / 64


@pytest.fixture
def small() -> Alignment:
    """A small alignment for CARD."""
    return Alignment(
        maps={"fi": _rows(8, 8, seed=1)},
        passages={"en": _rows(8, seed=2), "fi": _rows(8, seed=3)},
        questions={"en": _rows(4, 8, seed=4), "fi": _rows(4, 8, seed=5)},
        lexicon=LEXICON,
        source="sentences written here",
    )


def _assert_same_vectors(first: Alignment, second: Alignment) -> None:
    for part in ("maps", "passages", "questions"):
        values, others = getattr(first, part), getattr(second, part)
        assert values.keys() == others.keys()
        for language in values:
            assert values[language].dtype == np.float32
            np.testing.assert_array_equal(values[language], others[language])


def test_the_shipped_alignment_fits_the_shipped_model(shipped: Alignment) -> None:
    assert shipped.maps["fi"].shape == (384, 384)
    assert {language: mean.shape for language, mean in shipped.passages.items()} == dict.fromkeys(
        ("en", "en opening", "fi", "fi opening"), (384,)
    )
    assert {language: means.shape for language, means in shipped.questions.items()} == {"en": (4, 384), "fi": (4, 384)}
    for vectors in (*shipped.maps.values(), *shipped.passages.values(), *shipped.questions.values()):
        assert vectors.dtype == np.float32 and np.isfinite(vectors).all()
    assert shipped.lexicon.keys() == {"en", "fi"}
    assert "Debian" in shipped.source
    assert re.fullmatch(r"[0-9a-f]{12}", shipped.digest)


def test_the_shipped_map_is_a_rotation(shipped: Alignment) -> None:
    matrix = shipped.maps["fi"].astype(np.float64)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(384), atol=1e-3)  # since it is stored as float16
    assert np.linalg.norm(matrix - np.eye(384)) > 1.0  # it is not the identity


@pytest.mark.parametrize(
    ("finnish", "english"),
    [("salasana", "password"), ("tulostin", "printer"), ("tiedosto", "file"), ("nappaimisto", "keyboard")],
)
def test_the_shipped_lexicon_translates_both_ways(shipped: Alignment, finnish: str, english: str) -> None:
    for word, language, expected in ((finnish, "fi", english), (english, "en", finnish)):
        best = shipped.translations([word], language)[0]
        assert (best.term, best.word) == (expected, word)
        assert 0.5 < best.probability <= 1.0


def test_the_shipped_lexicon_translates_the_terms_of_a_question(shipped: Alignment, analyzer: Analyzer) -> None:
    terms = analyzer.query_terms("Unohdin salasanani, näppäimistöllä ei voi kirjoittaa")
    result = {translation.term: translation.word for translation in shipped.translations(terms.words, "fi")}
    assert result["password"] == "salasana" and result["keyboard"] == "nappaimisto"
    assert shipped.translations(terms.words, "sv") == ()


def test_the_shipped_lexicon_has_probabilities_of_a_few_terms_for_each_word(shipped: Alignment) -> None:
    for words in shipped.lexicon.values():
        for result in words.values():
            probabilities = [probability for _term, probability in result]
            assert 1 <= len(result) <= 3 and probabilities == sorted(probabilities, reverse=True)
            assert min(probabilities) > 0.0 and sum(probabilities) < 1.02  # rounded to hundredths


def test_another_model_gets_the_shipped_lexicon_and_no_map(shipped: Alignment) -> None:
    result = Alignment.load(FakeEncoder().card)
    assert (result.maps, result.passages, result.questions) == ({}, {}, {})
    assert result.lexicon == shipped.lexicon
    assert result.digest and result.digest != shipped.digest


@pytest.mark.parametrize("card", OTHERS)
def test_another_model_or_revision_gets_the_lexicon_and_no_map(
    tmp_path: Path, small: Alignment, card: ModelCard | None
) -> None:
    save(tmp_path / "file.npz", CARD, small)
    result = Alignment.load(card, tmp_path / "file.npz")
    assert (result.maps, result.passages, result.questions) == ({}, {}, {})
    assert (result.lexicon, result.source) == (LEXICON, small.source)
    assert result.digest and result.digest != Alignment.load(CARD, tmp_path / "file.npz").digest


def test_another_analysis_version_excludes_the_lexicon_but_not_the_map(
    tmp_path: Path, small: Alignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "file.npz", CARD, small)
    whole = Alignment.load(CARD, tmp_path / "file.npz")
    monkeypatch.setattr(module, "WORD_VERSION", -1)
    result = Alignment.load(CARD, tmp_path / "file.npz")
    _assert_same_vectors(result, small)
    assert result.lexicon == {} and result.translations(["verkko"], "fi") == ()
    assert result.digest and result.digest != whole.digest
    for card in OTHERS:
        assert Alignment.load(card, tmp_path / "file.npz") == Alignment()


def test_a_missing_file_is_an_empty_alignment(tmp_path: Path) -> None:
    result = Alignment.load(CARD, tmp_path / "missing.npz")
    assert result == Alignment()
    assert (result.digest, result.source, result.translations(["salasana"], "fi")) == ("", "", ())


def test_an_alignment_is_loaded_as_it_was_saved(tmp_path: Path, small: Alignment) -> None:
    save(tmp_path / "file.npz", CARD, small)
    result = Alignment.load(CARD, tmp_path / "file.npz")
    _assert_same_vectors(result, small)
    assert (result.lexicon, result.source) == (LEXICON, small.source)
    save(tmp_path / "again.npz", CARD, small)
    assert Alignment.load(CARD, tmp_path / "again.npz").digest == result.digest
    save(tmp_path / "other.npz", CARD, replace(small, lexicon={"fi": {"verkko": [["web", 0.5]]}}))
    assert Alignment.load(CARD, tmp_path / "other.npz").digest != result.digest


def test_a_saved_alignment_is_as_exact_as_float16(tmp_path: Path, small: Alignment) -> None:
    matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0].astype(np.float32)
    save(tmp_path / "file.npz", CARD, replace(small, maps={"fi": matrix}))
    np.testing.assert_allclose(Alignment.load(CARD, tmp_path / "file.npz").maps["fi"], matrix, rtol=1e-3, atol=1e-6)


def test_a_word_has_three_translations_at_most() -> None:
    many = [("a", 0.4), ("b", 0.3), ("c", 0.2), ("d", 0.1)]
    result = Alignment(lexicon={"fi": {"sana": many}}).translations(["sana"], "fi")
    assert result == tuple(Translation(term, "sana", probability) for term, probability in many[:3])


def test_a_translation_of_two_words_belongs_to_the_more_probable_word() -> None:
    words = {
        "verkko": [("network", 0.4), ("web", 0.3)],
        "netti": [("web", 0.9), ("network", 0.1)],
        "oma": [("own", 0.5)],
    }
    known = Alignment(lexicon={"fi": words})
    expected = (Translation("web", "netti", 0.9), Translation("own", "oma", 0.5), Translation("network", "verkko", 0.4))
    assert known.translations(["verkko", "netti", "oma", "outo"], "fi") == expected
    assert known.translations(["outo", "oma", "netti", "verkko"], "fi") == expected
    assert known.translations(["verkko"], "en") == known.translations([], "fi") == ()
