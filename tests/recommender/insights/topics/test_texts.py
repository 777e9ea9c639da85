"""insights/topics/texts.py: which groups of items belong together by what they mean."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from recommender.encoder import normalise
from recommender.insights.topics.bags import Bags
from recommender.insights.topics.clustering import Vectors
from recommender.insights.topics.stored import readable_texts
from recommender.insights.topics.texts import Texts
from recommender.insights.topics.word_vectors import with_words
from recommender.insights.topics.words import Text, WordReader
from recommender.knowledge.erased_names import NamesOfPeople
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary


@pytest.fixture
def texts(sessions: sessionmaker[Session], analyzer: Analyzer) -> Texts:
    with sessions() as session:
        return Texts(session, [], WordReader(analyzer, Dictionary.load(), NamesOfPeople(frozenset(), frozenset())))


@pytest.fixture(params=["no words", "some say words"])
def vectors(request: pytest.FixtureRequest) -> Vectors:
    """Items around six directions, ten around each, one after the other; words change nothing of what they mean."""
    noise = np.random.default_rng(0).normal(0.0, 0.1, (60, 8)).astype(np.float32)
    meanings = normalise(np.eye(8, dtype=np.float32)[np.arange(60) // 10] + noise)
    says = [{"data": 1.0} if request.param != "no words" and place % 3 == 0 else {} for place in range(60)]
    return with_words(meanings, range(60), Bags.of(says))


def test_items_around_one_direction_hold_together(texts: Texts, vectors: Vectors) -> None:
    assert texts.hold_together(vectors, np.arange(10, 20))


def test_items_of_all_directions_that_share_a_word_do_not(texts: Texts, vectors: Vectors) -> None:
    assert not texts.hold_together(vectors, np.arange(3, 60, 10))
    assert not texts.hold_together(vectors, np.arange(0, 60, 12))  # all of these say it


def test_a_single_item_does_not(texts: Texts, vectors: Vectors) -> None:
    assert not texts.hold_together(vectors, np.array([4]))


def test_items_come_together_by_the_words_of_their_texts(texts: Texts) -> None:
    items = [Text("en", "printer", "the toner is empty")] * 2
    counts = texts.bags(items).matrix(["toner", "printer"]).toarray()
    assert [0.0 < toner < printer for toner, printer in counts] == [True, True]


def test_of_very_many_items_only_the_titles_are_read(session: Session, add_request: Callable[..., int]) -> None:
    add_request("printer", body="the toner is empty")
    read = partial(readable_texts, session, ["request:1", "request:9"], ANYONE)
    assert read(bodies=True) == {"request:1": Text("en", "printer", "the toner is empty")}
    assert read(bodies=False) == {"request:1": Text("en", "printer", "")}


def test_a_compound_shares_its_parts(texts: Texts) -> None:
    bags = texts.bags([Text("fi", "kulkukortti", "")])
    ((whole, part),) = bags.matrix(["kulkukortti", "kortti"]).toarray()
    assert whole > part > 0
