"""Traces: items near a question, with what people contributed to them."""

from datetime import datetime, timedelta

from recommender.datatypes import Contribution
from recommender.people.evidence import Trace

NOW = datetime(2026, 6, 1)


def make_trace(
    number: int, score: float, *parts: tuple[int, float, float], team: str | None = None, language: str = "en"
) -> Trace:
    """An item with contributions (person, weight, age in days at NOW); it is shown from a score of 0.3 on, and
    its match is then its score."""
    contributions = tuple(Contribution(person, weight, NOW - timedelta(days=age)) for person, weight, age in parts)
    return Trace(f"request:{number}", score, team, language, contributions, score if score >= 0.3 else 0.0)
