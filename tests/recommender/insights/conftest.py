"""Requests about a few subjects, and topics that are up to date with them."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.index.local import LocalIndex
from recommender.insights.topics.update import TopicsReport, update_topics
from recommender.language.analyzer import Analyzer

NOW, LATER = datetime(2026, 3, 1), datetime(2026, 4, 1)
SUBJECTS = {
    "printer": ("toner", "cartridge", "tray", "jam"),
    "payslip": ("salary", "tax", "bonus", "deduction"),
    "parking": ("garage", "barrier", "plate", "permit"),
    "invoice": ("supplier", "approval", "due", "credit"),
}
Update = Callable[..., TopicsReport]
Add = Callable[..., int]


@pytest.fixture
def add_about(add_request: Add) -> Callable[..., list[str]]:
    """Adds requests about a subject and returns their keys."""

    def add(subject: str, count: int = 6, **how: object) -> list[str]:
        words = SUBJECTS[subject]
        return [
            f"request:{add_request(f'{subject} {words[n % 4]}', f'{subject} {subject}', f'{subject} {subject}', **how)}"
            for n in range(count)
        ]

    return add


@pytest.fixture
def run(sessions: sessionmaker[Session], reindexed: Callable[..., LocalIndex], analyzer: Analyzer) -> Update:
    """Indexes what is in the database and brings the topics up to date."""

    def run(now: datetime = NOW, again: bool = False) -> TopicsReport:
        return update_topics(sessions, reindexed(), analyzer, now, again)

    return run
