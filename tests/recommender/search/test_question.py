"""search/question.py: what a question says, before it is searched for."""

import pytest

from recommender.access import ANYONE
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary
from recommender.language.synonyms import SynonymsFile
from recommender.search.question import Question, QuestionAnalyzer, is_vague
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
