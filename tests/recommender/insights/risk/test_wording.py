"""insights/risk/wording.py: how many questions a year, in words."""

import pytest

from recommender.insights.risk.wording import a_year


@pytest.mark.parametrize(
    ("questions", "english", "finnish"),
    [
        (0.0, "almost none", "tuskin yhtään"),
        (0.24, "about 0.2 a year", "noin 0,2 vuodessa"),
        (1.0, "about 1 a year", "noin 1 vuodessa"),
        (1.56, "about 1.6 a year", "noin 1,6 vuodessa"),
        (23.6, "about 24 a year", "noin 24 vuodessa"),
    ],
)
def test_questions_a_year_are_said_with_a_decimal_where_they_are_few(
    questions: float, english: str, finnish: str
) -> None:
    assert a_year(questions, "en") == english and a_year(questions, "fi") == finnish
