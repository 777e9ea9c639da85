"""What is published about searched topics never tells of one person.

For random histories of searches, one person is looked at. Each history is counted by the real code twice: with this
person's searches, and without them or with them put to another topic. Both are published with every value that can be
drawn by chance. Somebody who looks sees all of the published figures, week by week. The person is *told* when any of
these differs between the two:

1. Before a week has ended, what is published of it: it must be nothing.
2. After it has ended, what is kept beside the figures: no key and no mark may be left.
3. A figure (topic, week and verdict), in more than one of the five draws, or by more than one step of 5 people.
4. A figure, while fewer than 5 people other than this one stand behind it in one of the two histories.

So for each figure, even somebody who knows what everybody else has searched for cannot tell in at least 4 of 5 cases
whether the person was there, and in the fifth the person is one of at least 6. A figure that differs for more reasons
does not pass: the test fails when the threshold is lowered, when figures are not rounded or nothing is drawn.

`KOLLEGA_LEAK_CASES` is the number of histories: 200 by default, 10,000 in `make test-long`.
"""

import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.search_count_tables import SearchCount, SearchKey, SearchMark
from recommender.database.tables import HelpRequest, Person, RequestAudience, utc_now
from recommender.datatypes import Verdict
from recommender.knowledge import searched_topics
from recommender.knowledge.searched_topics import LEAST_PEOPLE, STEP

CASES = min(int(os.environ.get("KOLLEGA_LEAK_CASES", "200")), 10_000)
WEEKS = (date(2026, 5, 4), date(2026, 5, 11))
TOPICS = 4  # of each history
TOGETHER = 50  # histories that are counted in one database; each has topics of its own
SECRET = "the key of the installation"

Search = tuple[int, int, int, Verdict]
"""Who searched, the number of the week, the id of the topic, what was found."""
Figure = tuple[int, date, str]
"""The topic, week and verdict of a figure."""
View = list[dict[Figure, int]]
"""What is published, for each value that may be drawn."""


@dataclass(frozen=True)
class Case:
    """The searches of everybody else, those of one person, and the same about another topic."""

    rest: list[Search]
    own: list[Search]
    elsewhere: list[Search]

    @classmethod
    def drawn(cls, seed: int, topics: list[int]) -> "Case":
        """Searches of 6 to 16 people, most of them about one topic in one week, some many times."""
        rolls = random.Random(seed)  # noqa: S311 - the same histories each time
        usual, history = rolls.choice(tuple(Verdict)), []
        for who in range(rolls.randint(6, 16)):
            for _ in range(rolls.choice((1, 1, 2, 4))):
                common = rolls.random() < 0.8
                week = 0 if common else rolls.randrange(len(WEEKS))
                topic = topics[0] if common else rolls.choice(topics)
                history.append((who, week, topic, usual if common else rolls.choice(tuple(Verdict))))
        person = rolls.choice(history)[0]
        own = [search for search in history if search[0] == person]
        moved = dict(zip(topics, [*topics[1:], topics[0]], strict=True))
        elsewhere = [(who, week, moved[topic], verdict) for who, week, topic, verdict in own]
        return cls([search for search in history if search[0] != person], own, elsewhere)

    def others(self) -> dict[Figure, int]:
        """How many other people stand behind each figure."""
        behind = defaultdict(set)
        for who, week, topic, verdict in self.rest:
            behind[topic, WEEKS[week], str(verdict)].add(who)
        return {figure: len(people) for figure, people in behind.items()}


def _count(session: Session, searches: Iterable[Search], items: Mapping[int, str], week: int) -> None:
    for who, when, topic, verdict in searches:
        if when == week:
            searched_topics.count(session, [items[topic]], verdict, f"person:{who}", SECRET, WEEKS[week])


def _seen(session: Session, week: date, taken: int) -> dict[Figure, int]:
    """What is published when a week has ended and `taken` is drawn each time. Everything is then as it was before."""
    assert not session.scalar(select(func.count()).select_from(SearchCount)), "a week was published while it went on"
    point = session.begin_nested()
    searched_topics.publish_ended(session, week + timedelta(weeks=1), lambda: taken)
    assert not session.scalar(select(func.count()).select_from(SearchKey)), "a key is left"
    assert not session.scalar(select(func.count()).select_from(SearchMark)), "a mark is left"
    rows = session.execute(select(SearchCount.topic_id, SearchCount.week, SearchCount.verdict, SearchCount.people))
    figures = {(topic or 0, week, verdict): people for topic, week, verdict, people in rows}
    point.rollback()
    return figures


def _tells(one: View, other: View, others: dict[Figure, int], figure: Figure) -> bool:
    """True when a figure tells of the person, between two histories published with each draw."""
    steps = [abs(first.get(figure, 0) - second.get(figure, 0)) for first, second in zip(one, other, strict=True)]
    few_others = any(steps) and others.get(figure, 0) < STEP
    return max(steps) > STEP or sum(step > 0 for step in steps) > 1 or few_others


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def items(session: Session) -> dict[int, str]:
    """The key of an item of each topic, by the id of the topic."""
    session.add_all(Person(handle=f"p{n}", name=f"Person {n}") for n in range(LEAST_PEOPLE))
    found = {}
    for number in range(TOGETHER * TOPICS):
        request = HelpRequest(title="t", body="", language="en", status="resolved", created_at=utc_now())
        request.audience.append(RequestAudience(token=EVERYONE))
        topic = TopicRow(audience=EVERYONE, name_fi="aihe", name_en=f"topic {number}", made_on=WEEKS[0])
        session.add_all([request, topic])
        session.flush()
        found[topic.id] = f"request:{request.id}"
        session.add(TopicItem(topic_id=topic.id, item=found[topic.id]))
    session.commit()
    return found


def people_told(session: Session, items: Mapping[int, str], cases: int) -> int:
    """How many of the people that were looked at, one in each history, are told."""
    topics, told = list(items), 0
    for start in range(0, cases, TOGETHER):
        own_topics = [topics[TOPICS * n : TOPICS * (n + 1)] for n in range(min(TOGETHER, cases - start))]
        drawn = [Case.drawn(start + number, own) for number, own in enumerate(own_topics)]
        views: list[View] = [[{} for _ in range(STEP)] for _ in range(3)]
        for week in range(len(WEEKS)):
            for table in (SearchCount, SearchMark, SearchKey):
                session.execute(delete(table))
            _count(session, (search for case in drawn for search in case.rest), items, week)
            added: tuple[list[Search], ...] = (
                [s for c in drawn for s in c.own],
                [],
                [s for c in drawn for s in c.elsewhere],
            )
            for view, searches in zip(views, added, strict=True):
                point = session.begin_nested()
                _count(session, searches, items, week)
                for taken, figures in enumerate(view, 1):
                    figures |= _seen(session, WEEKS[week], taken)
                point.rollback()
        for own, case in zip(own_topics, drawn, strict=True):
            others = case.others()
            figures_of_case = [(topic, week, str(verdict)) for topic in own for week in WEEKS for verdict in Verdict]
            told += any(_tells(views[0], view, others, f) for view in views[1:] for f in figures_of_case)
    return told


def test_no_single_person_is_told(session: Session, items: dict[int, str]) -> None:
    told = people_told(session, items, CASES)
    print(f"{CASES} random histories, each also without one person and with another topic for them: {told} told")
    assert told == 0


@pytest.mark.parametrize(
    ("published", "why"),
    [
        (lambda people, _taken: people, "not rounded"),
        (lambda people, _taken: people // STEP * STEP, "nothing drawn"),
        (lambda people, taken: max(0, (people - taken + 1) // STEP * STEP), "shown from five on"),
        (lambda people, taken: max(0, (people - taken) // 2 * 2), "shown from two on"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_the_criterion_finds_people_who_are_told_when_less_is_done(
    session: Session,
    items: dict[int, str],
    monkeypatch: pytest.MonkeyPatch,
    published: Callable[[int, int], int],
    why: str,
) -> None:
    monkeypatch.setattr(searched_topics, "rounded", published)
    assert people_told(session, items, 40) > 0, why


def test_nothing_is_published_of_a_week_that_goes_on(session: Session, items: dict[int, str]) -> None:
    topics = list(items)
    _count(session, [(who, 0, topics[0], Verdict.UNKNOWN) for who in range(16)], items, 0)
    for day in range(7):
        searched_topics.publish_ended(session, WEEKS[0] + timedelta(days=day))
        assert searched_topics.searched(session, topics, WEEKS[0]) == []
    searched_topics.publish_ended(session, WEEKS[1])
    assert len(searched_topics.searched(session, topics, WEEKS[0])) == 1
