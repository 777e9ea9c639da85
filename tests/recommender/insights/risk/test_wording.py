"""insights/risk/wording.py: how many questions a year, in words."""

import pytest

from recommender.insights.risk.wording import a_year, before_and_after


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


def test_a_small_change_is_said_with_as_many_decimals_as_it_takes() -> None:
    assert before_and_after(1.56, 1.31, "en") == ("about 1.6 a year", "about 1.3 a year")
    assert before_and_after(0.54, 0.5, "fi") == ("noin 0,54 vuodessa", "noin 0,50 vuodessa")
    assert before_and_after(0.04, 0.01, "en") == ("about 0.04 a year", "about 0.01 a year")
    assert before_and_after(0.0, 0.0, "en") == (a_year(0.0, "en"), a_year(0.0, "en"))
