"""insights/topics/naming.py: which words name a topic, and when none do."""

import pytest

from recommender.insights.topics.naming import Namer
from recommender.insights.topics.words import Text, WordReader
from recommender.knowledge.erased_names import NamesOfPeople
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary

TEAMS = (1, 2, 3)
OTHERS = [Text("en", title, "") for title in ("salary paid late", "broken chair", "lost badge", "new laptop")] * 5


@pytest.fixture(scope="module")
def reader(analyzer: Analyzer) -> WordReader:
    return WordReader(analyzer, Dictionary.load(), NamesOfPeople(frozenset(), frozenset()))


def namer(reader: WordReader, texts: list[Text], teams: tuple[int, ...]) -> Namer:
    """A namer for which these texts, of these teams in turn, and OTHERS are all there is."""
    return Namer(reader, [(text, teams[place % len(teams)]) for place, text in enumerate([*texts, *OTHERS])])


def test_a_place_that_all_teams_are_asked_about_names_no_topic(reader: WordReader) -> None:
    texts = [Text("en", f"parcel for Tampere {letter}{letter}", "") for letter in "abcdef"]
    assert namer(reader, texts, TEAMS).names(texts, {}) == {"fi": "parcel", "en": "parcel"}


def test_a_program_that_one_team_is_asked_about_names_a_topic(reader: WordReader) -> None:
    texts = [Text("en", f"login to Tilkku {letter}{letter}", "") for letter in "abcdef"]
    assert "Tilkku" in namer(reader, texts, (1,)).names(texts, {})["en"]


@pytest.mark.parametrize(("with_word", "named"), [(7, True), (4, False)])
def test_words_name_a_topic_when_half_of_its_items_have_one(reader: WordReader, with_word: int, named: bool) -> None:
    apart = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"]
    texts = [Text("en", f"printer {word}" if place < with_word else word, "") for place, word in enumerate(apart)]
    names = namer(reader, texts, (1,)).names(texts, {})
    assert names == dict.fromkeys(("fi", "en"), "printer" if named else "")
    assert namer(reader, texts, (1,)).any_names(texts, {})["en"] == "printer"


def test_a_word_is_translated_by_what_people_here_write_and_else_stays(reader: WordReader) -> None:
    texts = [Text("en", f"invoice {letter}{letter}", "") for letter in "abcdef"]
    assert namer(reader, texts, (1,)).names(texts, {})["fi"] == "invoice"
    finnish = [*texts, Text("fi", "lasku hukassa", "")]
    assert namer(reader, finnish, (1,)).names(texts, {})["fi"] == "lasku"


def test_a_word_that_is_not_translated_keeps_its_dots(reader: WordReader) -> None:
    texts = [Text("fi", f"esihenkilö {letter}{letter}", "") for letter in "abcdef"]
    assert namer(reader, texts, (1,)).names(texts, {})["en"] == "esihenkilö"


def test_a_name_holds_a_little_longer_than_it_would_be_chosen(reader: WordReader) -> None:
    apart = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"]
    for with_word, right in ((4, True), (3, False)):
        texts = [Text("en", f"printer {word}" if place < with_word else word, "") for place, word in enumerate(apart)]
        names = {"fi": "printer", "en": "printer"}
        assert namer(reader, texts, (1,)).holds(names, texts) == {"fi": right, "en": right}
