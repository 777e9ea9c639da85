"""Restricted items change nothing of the topics, names and counts that somebody sees who may not read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, EVERYONE
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.tables import HelpRequest, RequestAudience, Team
from recommender.encoder import normalise
from recommender.insights.topics.topic import visible_topics
from recommender.insights.topics.update import update_topics
from recommender.language.analyzer import Analyzer
from tests.recommender.insights.conftest import LATER, NOW

WORDS = ("printer", "toner", "salary", "holiday", "parking", "invoice", "tulostin", "lasku")
Seen = list[tuple[dict[str, str], tuple[str, ...]]]


@dataclass(frozen=True)
class Planned:
    """A request: its words, by their places, and the token of those who may read it."""

    words: tuple[int, ...]
    token: str


class PlannedIndex:
    """An index of planned requests by their ids: each is the sum of the directions of its words."""

    def __init__(self, planned: Mapping[int, Planned]) -> None:
        self._planned = planned

    def item_vectors(self, tokens: frozenset[str], room: int = 0) -> tuple[list[str], NDArray[np.float32]]:
        found = {f"request:{number}": item for number, item in self._planned.items() if item.token in tokens}
        keys = sorted(found)
        axes = np.eye(len(WORDS), dtype=np.float32)
        sums = [axes[list(found[key].words)].sum(axis=0) for key in keys]
        vectors = normalise(np.array(sums, np.float32).reshape(len(keys), len(WORDS)))
        return keys, np.pad(vectors, ((0, 0), (0, room)))


def _planned(tokens: Sequence[str]) -> st.SearchStrategy[list[Planned]]:
    word = st.integers(0, len(WORDS) - 1)
    one = st.builds(Planned, st.tuples(word, word, word), st.sampled_from(tokens))
    return st.lists(one, min_size=10, max_size=40)


def _seen(sessions: sessionmaker[Session], analyzer: Analyzer, stages: Sequence[Mapping[int, Planned]]) -> Seen:
    """The topics that everyone sees after an update at each of the stages."""
    with sessions.begin() as session:
        for table in (TopicItem, TopicRow, RequestAudience, HelpRequest):
            session.execute(delete(table))
        for number, item in stages[-1].items():
            title = " ".join(WORDS[word] for word in item.words)
            at = {"created_at": NOW, "resolved_at": NOW}
            row = HelpRequest(id=number, title=title, body="", status="resolved", language="en", **at)
            row.audience = [RequestAudience(token=item.token)]
            session.add(row)
    for stage, now in zip(stages, (NOW, LATER), strict=True):
        update_topics(sessions, PlannedIndex(stage), analyzer, now)  # type: ignore[arg-type]
    with sessions() as session:
        return [(dict(topic.names), topic.items) for topic in visible_topics(session, ANYONE)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(public=_planned([EVERYONE]), hidden=_planned(["team:hr", "person:7"]), share=st.floats(0.3, 1.0))
def test_who_may_not_read_restricted_items_sees_the_same_topics_as_without_them(
    sessions: sessionmaker[Session], analyzer: Analyzer, public: list[Planned], hidden: list[Planned], share: float
) -> None:
    with sessions.begin() as session:
        session.merge(Team(id=1, handle="hr", name="HR"))
    alone = dict(enumerate(public, 1))
    both = alone | dict(enumerate(hidden, 1_000))
    firsts = [{n: item for n, item in all_.items() if n % 100 <= 40 * share} for all_ in (alone, both)]
    without = _seen(sessions, analyzer, (firsts[0], alone))
    assert _seen(sessions, analyzer, (firsts[1], both)) == without
