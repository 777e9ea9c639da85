"""alignment.py with the shipped file and with small ones, and indexer/research/alignment.py, which learns them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from indexer.evaluation.sets import Query
from indexer.research import alignment as learning
from indexer.research.alignment import learn_lexicon, learn_map, messages, pages
from recommender.encoder import Encoder, ModelCard, Vectors, normalise
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
    """Random numbers that float16 holds exactly."""
    return np.random.default_rng(seed).integers(-64, 64, size=shape).astype(np.float32) / 64


@pytest.fixture
def made() -> Alignment:
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
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(384), atol=1e-3)  # it is stored as float16
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


def test_the_shipped_lexicon_has_the_terms_of_a_question(shipped: Alignment, analyzer: Analyzer) -> None:
    terms = analyzer.query_terms("Unohdin salasanani, näppäimistöllä ei voi kirjoittaa")
    result = {each.term: each.word for each in shipped.translations(terms.words, "fi")}
    assert result["password"] == "salasana" and result["keyboard"] == "nappaimisto"
    assert shipped.translations(terms.words, "sv") == ()


def test_the_shipped_lexicon_has_probabilities_of_a_few_terms_for_each_word(shipped: Alignment) -> None:
    for words in shipped.lexicon.values():
        for result in words.values():
            chances = [probability for _term, probability in result]
            assert 1 <= len(result) <= 3 and chances == sorted(chances, reverse=True)
            assert min(chances) > 0.0 and sum(chances) < 1.02  # rounded to hundredths


def test_another_model_gets_the_shipped_lexicon_and_no_map(shipped: Alignment) -> None:
    result = Alignment.load(FakeEncoder().card)
    assert (result.maps, result.passages, result.questions) == ({}, {}, {})
    assert result.lexicon == shipped.lexicon
    assert result.digest and result.digest != shipped.digest


@pytest.mark.parametrize("card", OTHERS)
def test_another_model_or_revision_gets_the_lexicon_and_no_map(
    tmp_path: Path, made: Alignment, card: ModelCard | None
) -> None:
    save(tmp_path / "file.npz", CARD, made)
    result = Alignment.load(card, tmp_path / "file.npz")
    assert (result.maps, result.passages, result.questions) == ({}, {}, {})
    assert (result.lexicon, result.source) == (LEXICON, made.source)
    assert result.digest and result.digest != Alignment.load(CARD, tmp_path / "file.npz").digest


def test_another_analysis_version_excludes_the_lexicon_but_not_the_map(
    tmp_path: Path, made: Alignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "file.npz", CARD, made)
    whole = Alignment.load(CARD, tmp_path / "file.npz")
    monkeypatch.setattr(module, "ANALYSIS_VERSION", -1)
    result = Alignment.load(CARD, tmp_path / "file.npz")
    _assert_same_vectors(result, made)
    assert result.lexicon == {} and result.translations(["verkko"], "fi") == ()
    assert result.digest and result.digest != whole.digest
    for card in OTHERS:
        assert Alignment.load(card, tmp_path / "file.npz") == Alignment()


def test_a_missing_file_is_an_empty_alignment(tmp_path: Path) -> None:
    result = Alignment.load(CARD, tmp_path / "missing.npz")
    assert result == Alignment()
    assert (result.digest, result.source, result.translations(["salasana"], "fi")) == ("", "", ())


def test_an_alignment_is_loaded_as_it_was_saved(tmp_path: Path, made: Alignment) -> None:
    save(tmp_path / "file.npz", CARD, made)
    result = Alignment.load(CARD, tmp_path / "file.npz")
    _assert_same_vectors(result, made)
    assert (result.lexicon, result.source) == (LEXICON, made.source)
    save(tmp_path / "again.npz", CARD, made)
    assert Alignment.load(CARD, tmp_path / "again.npz").digest == result.digest
    save(tmp_path / "other.npz", CARD, replace(made, lexicon={"fi": {"verkko": [["web", 0.5]]}}))
    assert Alignment.load(CARD, tmp_path / "other.npz").digest != result.digest


def test_a_saved_alignment_is_as_exact_as_float16(tmp_path: Path, made: Alignment) -> None:
    matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0].astype(np.float32)
    save(tmp_path / "file.npz", CARD, replace(made, maps={"fi": matrix}))
    np.testing.assert_allclose(Alignment.load(CARD, tmp_path / "file.npz").maps["fi"], matrix, rtol=1e-3, atol=1e-6)


def test_a_word_has_three_translations_at_most() -> None:
    many = [("a", 0.4), ("b", 0.3), ("c", 0.2), ("d", 0.1)]
    result = Alignment(lexicon={"fi": {"sana": many}}).translations(["sana"], "fi")
    assert result == tuple(Translation(term, "sana", chance) for term, chance in many[:3])


def test_a_translation_of_two_words_stands_for_the_more_probable_one() -> None:
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


def _page(part: str, number: int = 0) -> str:
    """The key of a page whose queries belong to `part` of the evaluation."""
    names = (f"swriter/guide/page{n}" for n in range(100))
    return [name for name in names if Query(f"fi-fi:{name}", "", "fi", "", {}).part == part][number]


def _write(root: Path, key: str, english: str, finnish: str | None) -> None:
    for folder, text in (("en-US", english), ("fi", finnish)):
        if text is not None:
            path = root / folder / "text" / f"{key}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"<html><body>{text}</body></html>", encoding="utf-8")


LONG = ("Choose the printer in the dialog and print.", "Valitse tulostin valintaikkunassa ja tulosta asiakirja.")


def test_paragraphs_and_headings_are_paired_by_their_ids(tmp_path: Path, analyzer: Analyzer) -> None:
    _write(
        tmp_path,
        _page("train"),
        f'<h1 id="h">Printing &amp; faxing</h1><p id="a" class="x">{LONG[0]}</p><p id="c">Only here, in English.</p>',
        '<p id="a">Valitse <i>tulostin</i>\n valintaikkunassa ja tulosta asiakirja.</p>'
        '<h1 id="h">Asiakirjan tulostus</h1><p id="b">Vain täällä, suomeksi.</p>',
    )
    assert pages(tmp_path, analyzer) == ([LONG], [("Printing & faxing", "Asiakirjan tulostus")])


def test_pages_that_test_queries_ask_for_are_left_out(tmp_path: Path, analyzer: Analyzer) -> None:
    for number, part in enumerate(("train", "test", "train", "test")):
        english, finnish = f"{LONG[0]} {part} {number}", f"{LONG[1]} {part} {number}"
        page = f'<h1 id="h">{{}} {number}</h1><p id="a">{{}}</p>'
        _write(
            tmp_path,
            _page(part, number),
            page.format(f"Printing {part}", english),
            page.format("Asiakirjan tulostus", finnish),
        )
    paragraphs, headings = pages(tmp_path, analyzer)
    assert sorted(english[-7:] for english, _finnish in paragraphs) == ["train 0", "train 2"]
    assert sorted(english for english, _finnish in headings) == ["Printing train 0", "Printing train 2"]


def test_what_is_not_translated_or_short_is_left_out(tmp_path: Path, analyzer: Analyzer) -> None:
    still_english = "Choose the printer in the window and then print the document."
    codes = "0x80070005 1234567890 0x80070006"
    _write(
        tmp_path,
        _page("train"),
        f'<p id="a">{LONG[0]}</p><p id="b">{LONG[0]}</p><p id="c">{LONG[0]}</p><p id="d">Print it.</p><p id="e"> </p>'
        f'<p id="f">{codes}</p>',
        f'<p id="a">{LONG[0]}</p><p id="b">{still_english}</p><p id="c">{LONG[1]}</p><p id="d">Tulosta se.</p>'
        f'<p id="e">Valitse tulostin.</p><p id="f">{codes}</p>',
    )
    _write(tmp_path, _page("train", 1), f'<p id="a">{LONG[0]} Alone.</p>', None)
    assert pages(tmp_path, analyzer) == ([LONG], [])


def test_messages_are_those_that_are_translated_without_their_marks(tmp_path: Path) -> None:
    catalog = Catalog(locale="fi", domain="sw")
    catalog.add("~Print...", "~Tulosta...")
    catalog.add("OK", "OK")
    catalog.add("Untranslated", "")
    catalog.add("Page", "Sivu", context="STR_PAGE")
    catalog.add(("%1 file", "%1 files"), ("%1 tiedosto", "%1 tiedostoa"))
    with (tmp_path / "sw.mo").open("wb") as file:
        write_mo(file, catalog)
    assert messages(tmp_path) == [
        ("%1 file", "%1 tiedosto"),
        ("%1 file", "%1 tiedostoa"),
        ("Page", "Sivu"),
        ("Print...", "Tulosta..."),
    ]


PAIRS = [
    ("Change the password", "Vaihda salasana"),
    ("Forgotten password", "Unohtunut salasana"),
    ("Password for the printer", "Tulostimen salasana"),
    ("Type a password", "Kirjoita salasana"),
    ("Choose the printer", "Valitse tulostin"),
    ("Network printer", "Verkon tulostin"),
    ("Printer driver", "Tulostimen ajuri"),
    ("Choose the page", "Valitse sivu"),
    ("Change the page", "Vaihda sivu"),
    ("Type a page number", "Kirjoita sivunumero"),
    ("Empty page", "Tyhjä sivu"),
    ("Last page 12", "Viimeinen sivu 12"),
]


def test_a_dozen_sentences_teach_the_words_they_share(analyzer: Analyzer) -> None:
    lexicon = learn_lexicon(PAIRS, analyzer)
    for english, finnish in (("password", "salasana"), ("printer", "tulostin"), ("page", "sivu")):
        assert lexicon["en"][english][0][0] == finnish
        assert lexicon["fi"][finnish][0][0] == english
        assert lexicon["en"][english][0][1] > 0.5
    assert lexicon.keys() == {"en", "fi"}
    for words in lexicon.values():
        assert "12" not in words and "a" not in words  # neither numbers nor single letters
        assert list(words) == sorted(words)
        for result in words.values():
            assert 1 <= len(result) <= 3
            assert all(0.15 <= chance <= 1.0 for _term, chance in result)
            assert result == sorted(result, key=lambda each: (-each[1], each[0]))


def test_what_is_seen_too_little_or_in_too_long_a_text_is_not_learned(analyzer: Analyzer) -> None:
    once = [*PAIRS, ("Blue whale", "Sininen valas")]
    assert not {"blue", "whale"} & learn_lexicon(once, analyzer)["en"].keys()
    twice = [*once, ("Blue sky", "Sininen taivas")]
    assert learn_lexicon(twice, analyzer)["en"]["blue"][0][0] == "sininen"
    long = [*once, ("Blue " + "sky " * 80, "Sininen taivas"), ("Blue", "")]
    assert not {"blue", "sky"} & learn_lexicon(long, analyzer)["en"].keys()


class _Turning(FakeEncoder):
    """Makes a text's vector from its numbers. Finnish texts ("sana ...") are rotated, and each language and role has
    another mean."""

    def __init__(self, turn: Vectors) -> None:
        super().__init__()
        self._turn = turn

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._made(texts, 0.5)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._made(texts, 1.0)

    def _made(self, texts: Sequence[str], where: float) -> Vectors:
        result = []
        for text in texts:
            meaning = np.random.default_rng([int(n) for n in re.findall(r"\d+", text)] or 0).normal(
                size=len(self._turn)
            )
            meaning /= np.linalg.norm(meaning)
            finnish = text.startswith("sana")
            result.append(meaning @ self._turn + 3 * where if finnish else meaning - 2 * where)
        return np.array(result, np.float32)


TURN = np.linalg.qr(np.random.default_rng(7).normal(size=(16, 16)))[0].astype(np.float32)


def _pairs(count: int, start: int = 0) -> list[tuple[str, str]]:
    return [(f"word {number} word", f"sana {number} sana") for number in range(start, start + count)]


def test_a_known_rotation_is_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    paragraphs, headings = _pairs(600), _pairs(100, start=1000)
    encoder = _Turning(TURN)
    monkeypatch.setattr(learning, "_IDENTITY", 0.0)
    _means, _questions, matrix = learn_map(paragraphs, headings, encoder)
    assert (matrix.shape, matrix.dtype) == (TURN.shape, np.float32)
    np.testing.assert_allclose(matrix, TURN.T, atol=1e-4)


def test_many_pairs_outweigh_the_pull_towards_leaving_everything_in_place_and_few_do_not() -> None:
    encoder = _Turning(TURN)
    means, _questions, matrix = learn_map(_pairs(3000), _pairs(100, start=5000), encoder)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(16), atol=1e-5)
    unseen = _pairs(50, start=9000)
    english, finnish = (
        normalise(encoder.encode_passages([pair[side] for pair in unseen]) - means[language])
        for side, language in enumerate(("en", "fi"))
    )
    assert (english * finnish).sum(axis=1).mean() < 0.5
    assert (english * (finnish @ matrix)).sum(axis=1).mean() > 0.95
    _means, _questions, few = learn_map(_pairs(10), _pairs(5, start=100), encoder)
    np.testing.assert_allclose(few @ few.T, np.eye(16), atol=1e-5)
    assert np.linalg.norm(few - np.eye(16)) < 0.5 * np.linalg.norm(TURN.T - np.eye(16))


def test_the_means_are_of_whole_paragraphs_and_of_their_beginnings_as_questions() -> None:
    encoder = _Turning(TURN)
    paragraphs = [
        (" ".join(f"word {n}" for n in range(k)), " ".join(f"sana {n}" for n in range(k))) for k in (3, 40, 99)
    ]
    means, questions, _matrix = learn_map(paragraphs, _pairs(5), encoder)
    for side, language in enumerate(("en", "fi")):
        texts = [pair[side] for pair in paragraphs]
        np.testing.assert_allclose(means[language], encoder.encode_passages(texts).mean(axis=0), atol=1e-6)
        assert questions[language].shape == (4, 16)
        for row, length in enumerate((2, 8, 32, 128)):
            beginnings = encoder.encode_queries([" ".join(text.split()[:length]) for text in texts])
            np.testing.assert_allclose(questions[language][row], beginnings.mean(axis=0), atol=1e-6)
