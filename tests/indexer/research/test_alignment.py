"""research/alignment.py: pairs read from translated manuals, and the lexicon and the map learned from pairs."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from indexer.evaluation.sets import Query
from indexer.research import alignment as module
from indexer.research.alignment import learn_lexicon, learn_map, messages, pages
from recommender.encoder import Vectors, normalise
from recommender.language.analyzer import Analyzer
from tests.conftest import FakeEncoder


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


def test_untranslated_and_short_texts_are_left_out(tmp_path: Path, analyzer: Analyzer) -> None:
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


def test_translated_messages_are_read_without_their_marks(tmp_path: Path) -> None:
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


def test_a_dozen_sentence_pairs_are_enough_to_learn_the_words_they_share(analyzer: Analyzer) -> None:
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
            assert all(0.15 <= probability <= 1.0 for _term, probability in result)
            assert result == sorted(result, key=lambda each: (-each[1], each[0]))


def test_words_seen_too_rarely_or_only_in_too_long_texts_are_not_learned(analyzer: Analyzer) -> None:
    with_one = [*PAIRS, ("Blue whale", "Sininen valas")]
    assert not {"blue", "whale"} & learn_lexicon(with_one, analyzer)["en"].keys()
    with_two = [*with_one, ("Blue sky", "Sininen taivas")]
    assert learn_lexicon(with_two, analyzer)["en"]["blue"][0][0] == "sininen"
    with_long = [*with_one, ("Blue " + "sky " * 80, "Sininen taivas"), ("Blue", "")]
    assert not {"blue", "sky"} & learn_lexicon(with_long, analyzer)["en"].keys()


class _RotatingEncoder(FakeEncoder):
    """Makes the vector of a text from its numbers. Vectors of Finnish texts ("sana ...") are rotated, and the mean
    differs by language and role."""

    def __init__(self, rotation: Vectors) -> None:
        super().__init__()
        self._rotation = rotation

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, 0.5)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, 1.0)

    def _encode(self, texts: Sequence[str], offset: float) -> Vectors:
        result = []
        for text in texts:
            meaning = np.random.default_rng([int(n) for n in re.findall(r"\d+", text)] or 0).normal(
                size=len(self._rotation)
            )
            meaning /= np.linalg.norm(meaning)
            finnish = text.startswith("sana")
            result.append(meaning @ self._rotation + 3 * offset if finnish else meaning - 2 * offset)
        return np.array(result, np.float32)


ROTATION = np.linalg.qr(np.random.default_rng(7).normal(size=(16, 16)))[0].astype(np.float32)


def _pairs(count: int, start: int = 0) -> list[tuple[str, str]]:
    return [(f"word {number} word", f"sana {number} sana") for number in range(start, start + count)]


def test_a_known_rotation_is_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    paragraphs, headings = _pairs(600), _pairs(100, start=1000)
    encoder = _RotatingEncoder(ROTATION)
    monkeypatch.setattr(module, "_IDENTITY", 0.0)
    _means, _questions, matrix = learn_map(paragraphs, headings, encoder)
    assert (matrix.shape, matrix.dtype) == (ROTATION.shape, np.float32)
    np.testing.assert_allclose(matrix, ROTATION.T, atol=1e-4)


def test_many_pairs_outweigh_the_pull_towards_the_identity_and_few_do_not() -> None:
    encoder = _RotatingEncoder(ROTATION)
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
    assert np.linalg.norm(few - np.eye(16)) < 0.5 * np.linalg.norm(ROTATION.T - np.eye(16))


def test_the_means_are_of_whole_paragraphs_and_of_their_beginnings_as_questions() -> None:
    encoder = _RotatingEncoder(ROTATION)
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
