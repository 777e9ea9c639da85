"""language/dictionary.py: the shipped file and small dictionaries written here."""

import gzip
import json
from pathlib import Path

import pytest

from recommender.language.dictionary import BOTH_WAYS, ONE_WAY, Dictionary


@pytest.fixture(scope="module")
def shipped() -> Dictionary:
    return Dictionary.load()


def _terms(dictionary: Dictionary, language: str, *words: str) -> list[tuple[str, str]]:
    return [
        (translation.term, translation.word)
        for translation in dictionary.translations([[word] for word in words], language)
    ]


def test_translations_are_listed_once_with_the_most_probable_first() -> None:
    dictionary = Dictionary({"fi": {"lasku": "invoice+ bill", "maksu": "bill+"}})
    result = dictionary.translations([["lasku", "laskea"], ["maksu"]], "fi")
    assert [(translation.term, translation.word, translation.probability) for translation in result] == [
        ("invoice", "lasku", BOTH_WAYS),
        ("bill", "maksu", BOTH_WAYS),
    ]
    assert dictionary.translations([["lasku"]], "en") == ()


def test_two_english_words_may_have_one_finnish_translation() -> None:
    dictionary = Dictionary({"en": {"leave": "jattaa", "annual leave": "vuosiloma"}})
    result = dictionary.translations([["how"], ["annual"], ["leave", "leaf"]], "en")
    assert [(translation.term, translation.word, translation.probability) for translation in result] == [
        ("vuosiloma", "leave", BOTH_WAYS),
        ("jattaa", "leave", ONE_WAY),
    ]


@pytest.mark.parametrize(
    ("compound", "terms"),
    [
        ("turvakenka", ["safety", "shoe"]),
        ("talonmies", ["house", "man"]),  # the first part is in the genitive
        ("poistumisharjoitus", ["exit", "drill"]),  # the first part is short for poistuminen
        ("kenkaturva", ["shoe", "safety"]),
        ("turvaxyzzy", []),
        ("turva:kenka", []),
    ],
)
def test_an_unknown_compound_is_translated_by_its_two_parts(compound: str, terms: list[str]) -> None:
    known = {"turva": "safety", "kenka": "shoe", "talo": "house", "mies": "man", "poistuminen": "exit"}
    dictionary = Dictionary({"fi": known | {"harjoitus": "drill"}, "en": known})
    assert sorted(term for term, _word in _terms(dictionary, "fi", compound)) == sorted(terms)
    assert {word for _term, word in _terms(dictionary, "fi", compound)} <= {compound}
    assert _terms(dictionary, "en", compound) == []


def test_a_known_compound_is_not_split() -> None:
    dictionary = Dictionary({"fi": {"kissanpaiva": "treat", "kissa": "cat", "paiva": "day"}})
    assert _terms(dictionary, "fi", "kissanpaiva") == [("treat", "kissanpaiva")]


@pytest.mark.parametrize(
    ("language", "words", "term"),
    [
        ("fi", ["kokoushuone"], "room"),
        ("fi", ["lasku"], "invoice"),
        ("fi", ["oleskelulupa"], "permit"),
        ("fi", ["palkkalaskelma"], "payslip"),
        ("en", ["annual", "leave"], "vuosiloma"),
        ("en", ["salary"], "palkka"),
        ("en", ["receipt"], "kuitti"),
    ],
)
def test_the_shipped_dictionary_has_office_words(
    shipped: Dictionary, language: str, words: list[str], term: str
) -> None:
    assert term in [result for result, _word in _terms(shipped, language, *words)]
    assert "CC BY-SA" in shipped.source


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"{"), gzip.compress(b'{"analysis": 0}'), None],
    ids=["empty", "no gzip", "no JSON", "no entries", "missing"],
)
def test_a_missing_damaged_or_outdated_file_is_an_empty_dictionary(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "dictionary.json.gz"
    if content is not None:
        path.write_bytes(content)
    assert Dictionary.load(path) == Dictionary() and str(path) in caplog.text


def test_a_file_of_another_analysis_is_not_used(tmp_path: Path) -> None:
    content = {"analysis": -1, "source": "", "entries": {"fi": {"sana": "word"}}}
    (tmp_path / "d.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    assert Dictionary.load(tmp_path / "d.gz") == Dictionary()
