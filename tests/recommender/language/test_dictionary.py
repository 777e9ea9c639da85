"""dictionary.py with small and shipped entries, and indexer/research/dictionary.py, which makes the shipped file."""

import gzip
import json
from pathlib import Path

import pytest

from indexer.research.dictionary import combine, read
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import BOTH_WAYS, ONE_WAY, Dictionary

FREEDICT = """\
kokous /kˈokous/ <n>
meeting, gathering
useiden ihmisten kokoontuminen
kokoushuone /kˈokousˌhuone/ <n>
meeting room
lasku /lˈasku/ <n>
1. descent
laskeminen
2. invoice, bill
maksettava
"""
ENGLISH = """\
invoice /ˈɪnvɔɪs/ <n>
lasku 2.
bill for goods
meeting //ˈmitɪŋ// //ˈmiːtɪŋ// <n>
1. kokous, palaveri
gathering for a purpose
annual leave /ˈanjuːəl lˈiːv/ <n>
vuosiloma
"""


@pytest.fixture(scope="module")
def shipped() -> Dictionary:
    return Dictionary.load()


def _terms(dictionary: Dictionary, language: str, *words: str) -> list[tuple[str, str]]:
    return [
        (translation.term, translation.word)
        for translation in dictionary.translations([[word] for word in words], language)
    ]


def test_headwords_and_senses_are_read_and_explanations_are_not() -> None:
    assert dict(read(FREEDICT)) == {
        "kokous": [["meeting", "gathering"]],
        "kokoushuone": [["meeting room"]],
        "lasku": [["descent"], ["invoice", "bill"]],
    }
    assert dict(read(ENGLISH))["meeting"] == [["kokous", "palaveri"]]


def test_translations_in_both_directions_come_first_and_are_marked(analyzer: Analyzer) -> None:
    entries = combine({"fi": dict(read(FREEDICT)), "en": dict(read(ENGLISH))}, analyzer)
    assert entries["fi"] == {
        "kokous": "meet+ gathering",
        "kokoushuone": "meet room",
        "lasku": "invoice+ descent bill",
        "palaveri": "meet",
    }
    assert entries["en"]["annual leave"] == "vuosiloma"
    assert entries["en"]["invoice"] == "lasku+" and entries["en"]["bill"] == "lasku"


def test_translations_are_listed_once_with_the_most_probable_first() -> None:
    dictionary = Dictionary({"fi": {"lasku": "invoice+ bill", "maksu": "bill+"}})
    result = dictionary.translations([["lasku", "laskea"], ["maksu"]], "fi")
    assert [(translation.term, translation.word, translation.probability) for translation in result] == [
        ("invoice", "lasku", BOTH_WAYS),
        ("bill", "maksu", BOTH_WAYS),
    ]
    assert dictionary.translations([["lasku"]], "en") == ()


def test_two_english_words_may_be_one_in_finnish() -> None:
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
        ("talonmies", ["house", "man"]),  # in the genitive
        ("poistumisharjoitus", ["exit", "drill"]),  # poistuminen
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
def test_the_shipped_dictionary_has_the_words_of_offices(
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
    held = {"analysis": -1, "source": "", "entries": {"fi": {"sana": "word"}}}
    (tmp_path / "d.gz").write_bytes(gzip.compress(json.dumps(held).encode()))
    assert Dictionary.load(tmp_path / "d.gz") == Dictionary()
