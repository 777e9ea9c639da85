"""search/question.py: what a question says, before it is searched for."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from recommender.access import ANYONE
from recommender.index import SearchIndex
from recommender.index.keyword_entries import Entry
from recommender.index.lexical import LexicalIndex
from recommender.index.vector_space import VectorSpace
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary
from recommender.language.synonyms import Synonyms, SynonymsFile
from recommender.language.terms import Terms
from recommender.search.question import Question, QuestionAnalyzer, is_vague, title_words
from recommender.settings import Settings


@pytest.fixture
def questions(analyzer: Analyzer, settings: Settings) -> QuestionAnalyzer:
    """An analyser without dictionaries and synonyms."""
    return QuestionAnalyzer(analyzer, SynonymsFile(settings.synonyms_path, analyzer), Alignment(), Dictionary(), "fi")


def _question(questions: QuestionAnalyzer, text: str) -> Question:
    return questions.analyse(text, None, ANYONE)


@pytest.mark.parametrize(
    "text",
    [
        "ei toimi", "apua!!", "toimiiko", "Terve, mul on ongelma", "En saa sitä toimimaan", "mitä teen", "se on rikki",
        "it doesn't work", "it doesn’t work", "it doesnt work", "help", "error message", "something is wrong",
        "det fungerar inte", "hjälp", "jag har ett problem", "moi", "hej hej", "hello there", "???", "",
    ],
)  # fmt: skip
def test_a_question_that_does_not_say_what_it_is_about_is_vague(questions: QuestionAnalyzer, text: str) -> None:
    assert is_vague(_question(questions, text))


@pytest.mark.parametrize(
    "text",
    [
        "VPN ei toimi", "tulostin jumissa", "en pääse sisään", "can't log in", "error 807", "E-52", "lomat",
        "my password does not work", "skrivaren fungerar inte", "apua palkkalaskelman kanssa",
    ],
)  # fmt: skip
def test_a_question_with_a_telling_word_or_a_code_is_not_vague(questions: QuestionAnalyzer, text: str) -> None:
    assert not is_vague(_question(questions, text))


@pytest.fixture
def asked(analyzer: Analyzer, questions: QuestionAnalyzer, tmp_path: Path) -> Callable[..., Question]:
    """Asks a question of an index of English items with these texts."""

    numbers = count()

    def ask(question: str, *texts: str) -> Question:
        lexical = LexicalIndex.create(tmp_path / f"lexical {next(numbers)}")
        empty = Terms((), ())
        lexical.add(
            Entry(f"request:{n}", "en", frozenset({"everyone"}), empty, analyzer.index_terms(text, "en"))
            for n, text in enumerate(texts)
        )
        lexical.commit()
        return questions.analyse(question, cast(SearchIndex, lexical), ANYONE)

    return ask


def test_only_telling_words_are_distinctive(asked: Callable[..., Question]) -> None:
    texts = [f"Havunta guide number{n}" for n in range(29)] + ["Havunta: your badge, more keys, enää, anymore"]
    question = asked("Where is your Havunta badge, one more key, enää anymore, mä tarvin", *texts)
    assert question.distinctive.keys() == {"badge", "key"}


def test_a_word_that_everybody_uses_is_still_distinctive_among_few_items(asked: Callable[..., Question]) -> None:
    assert asked("printer", "printer", "printer jam").distinctive.keys() <= {"printer"}


def test_spoken_function_words_do_not_count_as_unknown_words(asked: Callable[..., Question]) -> None:
    question = asked("mä oon ku en saa sitä tulostinta", "tulostin jumissa", "ikkuna")
    assert "ma" not in question.rarity and "oon" not in question.rarity and "tulostin" in question.rarity


def test_the_distinctive_words_of_a_title_are_told(asked: Callable[..., Question], analyzer: Analyzer) -> None:
    texts = [f"text number{n}" for n in range(30)]
    question = asked("roskapostin siirto", *texts, "roskaposti")
    assert title_words(question, "Roskaposti tulee läpi", analyzer) == ("Roskaposti",)
    assert title_words(question, "Roskapostisuodatin", analyzer) == ()
    assert title_words(asked("your text", *texts), "Is your text here", analyzer) == ()
    many = [f"salasana number{n}" for n in range(14)] + [f"other number{n}" for n in range(30)]
    assert title_words(asked("salasana", *many), "Unohdin salasanani", analyzer) == ("salasanani",)


def test_the_spellings_of_a_question_with_dots_are_told(questions: QuestionAnalyzer) -> None:
    assert _question(questions, "missä sääressä").spellings["saari"] == {"sääri"}
    assert _question(questions, "saari").spellings == {}


def test_an_everyday_word_counts_less_when_items_have_the_word_of_the_question(
    analyzer: Analyzer, settings: Settings, tmp_path: Path
) -> None:
    synonyms = SynonymsFile(settings.synonyms_path, analyzer)
    everyday = Synonyms.parse("notebook, laptop", analyzer)
    questions = QuestionAnalyzer(analyzer, synonyms, Alignment(), Dictionary(), "en", everyday)
    probabilities = []
    for name, texts in (("unknown", ["laptop", "vpn", "door"]), ("known", ["laptop", "notebook", "door"])):
        lexical = LexicalIndex.create(tmp_path / name)
        empty = Terms((), ())
        lexical.add(
            Entry(f"request:{n}", "en", frozenset({"everyone"}), empty, analyzer.index_terms(text, "en"))
            for n, text in enumerate(texts)
        )
        lexical.commit()
        index = cast(SearchIndex, _Words(lexical))
        question = questions.analyse("notebook", index, ANYONE)
        (found,) = questions.with_translations(question, "en", index, ANYONE).terms.translations
        assert found.term == "laptop"
        probabilities.append(found.probability)
    assert probabilities[0] > probabilities[1] > 0


class _Words:
    """The parts of an index that a question needs, without similar words."""

    def __init__(self, lexical: LexicalIndex) -> None:
        self.rarity, self.size, self.vector_space = lexical.rarity, lexical.size, VectorSpace()

    def similar_words(self, word: str, tokens: frozenset[str]) -> list[tuple[str, int]]:
        return []
