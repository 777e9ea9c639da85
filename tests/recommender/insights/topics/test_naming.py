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
    elsewhere = [Text("en", f"{word} in Tampere", "") for word in ("salary", "chair") for _time in range(6)]
    sample = [*((text, 1) for text in texts), *((text, TEAMS[place % 2 + 1]) for place, text in enumerate(elsewhere))]
    assert Namer(reader, sample).names(texts, {}) == {"fi": "parcel", "en": "parcel"}


def test_a_word_that_all_teams_are_asked_with_names_no_topic(reader: WordReader) -> None:
    texts = [Text("en", f"customer contract {letter}{letter}", "") for letter in "abcdef"]
    elsewhere = [Text("en", f"customer {word}", "") for word in ("salary", "chair") for _time in range(6)]
    sample = [*((text, 1) for text in texts), *((text, TEAMS[place // 6 + 1]) for place, text in enumerate(elsewhere))]
    sample += [(other, 4) for other in OTHERS]
    assert Namer(reader, sample).names(texts, {})["en"] == "contract"
    one_team = [(text, 1) for text, _team in sample]
    assert "customer" in Namer(reader, one_team).names(texts, {})["en"]


@pytest.mark.parametrize(("teams", "named"), [(3, True), (6, False)])
def test_a_subject_that_some_of_many_teams_share_evenly_names_a_topic(
    reader: WordReader, teams: int, named: bool
) -> None:
    texts = [Text("en", f"printer {letter}{letter}", "") for letter in "abcdefghijklmnopqr"]
    sample = [(text, place % teams) for place, text in enumerate(texts)]
    sample += [(other, place % 8) for place, other in enumerate(OTHERS * 4)]
    assert ("printer" in Namer(reader, sample).of_all_teams) != named
    assert Namer(reader, sample).names(texts, {})["en"] == ("printer" if named else "")


def test_a_name_keeps_a_word_a_little_longer_when_more_teams_are_asked_with_it(reader: WordReader) -> None:
    texts = [Text("en", f"customer contract {letter}{letter}", "") for letter in "abcdef"]
    names = {"fi": "customer", "en": "customer"}
    for most, right in ((7, True), (5, False)):
        teams = [1] * most + [2, 3, 4, 5] * 4
        sample = [(Text("en", "customer", ""), team) for team in teams[:20]]
        sample += [(other, 6) for other in OTHERS * 2]
        assert Namer(reader, sample).of_all_teams == frozenset({"customer"})
        assert Namer(reader, sample).holds(names, texts) == {"fi": right, "en": right}


def test_verbs_alone_name_no_topic(reader: WordReader) -> None:
    texts = [Text("fi", f"hyväksyä {letter}{letter}", "") for letter in "abcdef"]
    assert namer(reader, texts, (1,)).names(texts, {})["fi"] == ""
    with_noun = [Text("fi", f"hyväksyä {letter}{letter} lasku", "") for letter in "abcdef"]
    assert namer(reader, with_noun, (1,)).names(with_noun, {})["fi"].startswith("lasku")


@pytest.mark.parametrize(
    ("word", "language", "verb"),
    [("hyvaksya", "fi", True), ("varata", "fi", True), ("nayttaa", "fi", True), ("kassa", "fi", False),
     ("hinta", "fi", False), ("lupa", "fi", False), ("approve", "en", True), ("invoice", "en", False)],
)  # fmt: skip
def test_a_verb_is_told_from_other_words(reader: WordReader, word: str, language: str, verb: bool) -> None:
    assert reader.is_verb(word, language) == verb


@pytest.mark.parametrize(("elsewhere", "named"), [(3, True), (30, False)])
def test_a_word_is_a_name_alone_when_enough_of_its_items_are_in_the_topic(
    reader: WordReader, elsewhere: int, named: bool
) -> None:
    texts = [Text("en", f"printer {letter}{letter}", "") for letter in "abcdef"]
    sample = [(text, 1) for text in [*texts, *OTHERS * 10]] + [(Text("en", "printer", ""), 1)] * elsewhere
    names = Namer(reader, sample).names(texts, {})
    assert names == dict.fromkeys(("fi", "en"), "printer" if named else "")
    assert Namer(reader, sample).names(texts, {}, renamed=True)["en"] == "printer"


def test_a_topic_is_named_by_what_its_compounds_have_in_common(reader: WordReader) -> None:
    titles = ["kylmäketju", "kylmälaitteen huolto", "kylmäkaappi rikki", "kylmähylly", "kylmävarasto täynnä"]
    texts = [Text("fi", title, "") for title in titles]
    assert namer(reader, texts, (1,)).names(texts, {})["fi"] == "kylmä"


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


def test_a_translation_that_is_the_name_of_somebody_names_no_topic(analyzer: Analyzer) -> None:
    reader = WordReader(analyzer, Dictionary.load(), NamesOfPeople(frozenset({"lasku"}), frozenset()))
    texts = [Text("en", f"invoice {letter}{letter}", "") for letter in "abcdef"]
    assert "lasku" not in reader.possible_translations("invoice", "en")
    said = {term for word in reader.written_words(texts[0]) for term, _counts in reader.says(word)}
    assert "lasku" not in said and "invoice" in said
    assert namer(reader, texts, (1,)).names(texts, {})["fi"] == "invoice"


def test_a_word_that_is_not_translated_keeps_its_dots(reader: WordReader) -> None:
    texts = [Text("fi", f"esihenkilö {letter}{letter}", "") for letter in "abcdef"]
    assert namer(reader, texts, (1,)).names(texts, {})["en"] == "esihenkilö"


def test_a_name_holds_a_little_longer_than_it_would_be_chosen(reader: WordReader) -> None:
    apart = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"]
    for with_word, right in ((4, True), (3, False)):
        texts = [Text("en", f"printer {word}" if place < with_word else word, "") for place, word in enumerate(apart)]
        names = {"fi": "printer", "en": "printer"}
        assert namer(reader, texts, (1,)).holds(names, texts) == {"fi": right, "en": right}
