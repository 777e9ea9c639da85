"""insights/topics/texts.py: which groups of items belong together by what they mean."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from recommender.encoder import normalise
from recommender.insights.topics.stored import readable_texts
from recommender.insights.topics.texts import Texts
from recommender.insights.topics.words import Text, WordReader
from recommender.knowledge.erased_names import NamesOfPeople
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary


@pytest.fixture
def texts(sessions: sessionmaker[Session], analyzer: Analyzer) -> Texts:
    """Items around six directions, ten around each, one after the other."""
    noise = np.random.default_rng(0).normal(0.0, 0.1, (60, 8)).astype(np.float32)
    meanings = normalise(np.eye(8, dtype=np.float32)[np.arange(60) // 10] + noise)
    with sessions() as session:
        return Texts(
            session, [], meanings, WordReader(analyzer, Dictionary.load(), NamesOfPeople(frozenset(), frozenset()))
        )


def test_items_around_one_direction_hold_together(texts: Texts) -> None:
    assert texts.hold_together(np.arange(10, 20))


def test_items_of_all_directions_that_share_a_word_do_not(texts: Texts) -> None:
    assert not texts.hold_together(np.arange(3, 60, 10))


def test_a_single_item_does_not(texts: Texts) -> None:
    assert not texts.hold_together(np.array([4]))


def test_items_come_together_by_the_words_of_their_texts(texts: Texts) -> None:
    items = [Text("en", "printer", "the toner is empty")] * 2
    assert [bag["toner"] < bag["printer"] for bag in texts.bags(items)] == [True, True]


def test_of_very_many_items_only_the_titles_are_read(session: Session, add_request: Callable[..., int]) -> None:
    add_request("printer", body="the toner is empty")
    read = partial(readable_texts, session, ["request:1", "request:9"], ANYONE)
    assert read(bodies=True) == {"request:1": Text("en", "printer", "the toner is empty")}
    assert read(bodies=False) == {"request:1": Text("en", "printer", "")}


def test_a_compound_shares_its_parts(texts: Texts) -> None:
    (bag,) = texts.bags([Text("fi", "kulkukortti", "")])
    assert bag["kulkukortti"] > bag["kortti"] > 0
