"""knowledge/age.py: from when on an answer counts as old."""

from datetime import datetime

import pytest

from recommender.knowledge.age import is_old

NOW = datetime(2026, 8, 31, 12)


@pytest.mark.parametrize(
    ("at", "months", "old"),
    [
        (datetime(2025, 2, 28), 18, True),
        (datetime(2025, 3, 1), 18, False),
        (datetime(2026, 7, 31, 12), 1, True),
        (datetime(2026, 7, 31, 13), 1, False),
        (datetime(2020, 1, 1), 0, False),
        (datetime(2027, 1, 1), 18, False),
    ],
)
def test_an_answer_is_old_after_so_many_whole_months(at: datetime, months: int, old: bool) -> None:
    assert is_old(at, months, NOW) is old
