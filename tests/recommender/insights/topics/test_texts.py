"""insights/topics/texts.py: which groups of items belong together by what they mean."""

import numpy as np
import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.encoder import normalise
from recommender.insights.topics.texts import Texts
from recommender.insights.topics.words import WordReader
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary


@pytest.fixture
def texts(sessions: sessionmaker[Session], analyzer: Analyzer) -> Texts:
    """Items around six directions, ten around each, one after the other."""
    noise = np.random.default_rng(0).normal(0.0, 0.1, (60, 8)).astype(np.float32)
    meanings = normalise(np.eye(8, dtype=np.float32)[np.arange(60) // 10] + noise)
    with sessions() as session:
        return Texts(session, [], meanings, WordReader(analyzer, Dictionary.load(), frozenset()))


def test_items_around_one_direction_hold_together(texts: Texts) -> None:
    assert texts.hold_together(np.arange(10, 20))


def test_items_of_all_directions_that_share_a_word_do_not(texts: Texts) -> None:
    assert not texts.hold_together(np.arange(3, 60, 10))


def test_a_single_item_does_not(texts: Texts) -> None:
    assert not texts.hold_together(np.array([4]))
