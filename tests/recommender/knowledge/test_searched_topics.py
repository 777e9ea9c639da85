"""knowledge/searched_topics.py: what is counted of searches, what is published of it, and that nobody is in it."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import inspect
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.audit import COMMAND
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.search_count_tables import SearchCount, SearchKey, SearchMark
from recommender.database.tables import Person
from recommender.datatypes import Verdict
from recommender.knowledge import retention, searched_topics
from recommender.knowledge.erasure import erase_person
from recommender.knowledge.searched_topics import LEAST_PEOPLE, STEP, SearchedWeek, rounded

MONDAY, SUNDAY, NEXT = date(2026, 5, 4), date(2026, 5, 10), date(2026, 5, 11)
SECRET = "the key of the installation"
AddRequest = Callable[..., int]


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def topic(session: Session, add_request: AddRequest) -> int:
    """A topic of everyone with one item, in an organisation of enough people."""
    item = f"request:{add_request('printer is stuck')}"
    return add_topic(session, item)


def add_topic(session: Session, *items: str, audience: str = EVERYONE) -> int:
    here = session.query(Person).count()
    session.add_all(Person(handle=f"extra{n}", name=f"Extra {n}") for n in range(here, LEAST_PEOPLE))
    row = TopicRow(audience=audience, name_fi="tulostin", name_en="printer", made_on=MONDAY)
    session.add(row)
    session.flush()
    session.add_all(TopicItem(topic_id=row.id, item=item) for item in items)
    session.commit()
    return row.id


def count(
    session: Session, who: int, items: tuple[str, ...] = ("request:1",), verdict: Verdict = Verdict.UNKNOWN,
    day: date = MONDAY,
) -> bool:  # fmt: skip
    return searched_topics.count(session, items, verdict, f"person:{who}", SECRET, day)


def published(session: Session, day: date = NEXT, taken: int = 1) -> list[SearchedWeek]:
    searched_topics.publish_ended(session, day, lambda: taken)
    topics = [row.id for row in session.query(TopicRow)]
    return searched_topics.searched(session, topics, date(2026, 1, 1))


def test_no_column_says_who_searched_or_what(session: Session) -> None:
    columns = {
        table: {column["name"] for column in inspect(session.get_bind()).get_columns(table)}
        for table in ("search_keys", "search_marks", "search_counts")
    }
    assert columns == {
        "search_keys": {"week", "key"},
        "search_marks": {"digest", "week", "topic_id", "verdict"},
        "search_counts": {"id", "topic_id", "week", "verdict", "people"},
    }


def test_a_figure_is_a_multiple_of_five_that_is_smaller_than_the_number_of_people() -> None:
    assert [rounded(people, 1) for people in range(13)] == [0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 10, 10]
    assert [rounded(people, 5) for people in range(9, 17)] == [0, 5, 5, 5, 5, 5, 10, 10]
    for people in range(200):
        for taken in range(1, STEP + 1):
            assert rounded(people, taken) < max(1, people) and rounded(people, taken) % STEP == 0


def test_six_people_who_found_nothing_are_published_as_at_least_five(session: Session, topic: int) -> None:
    for who in range(6):
        assert count(session, who)
    assert published(session) == [SearchedWeek(topic, MONDAY, Verdict.UNKNOWN, 5)]


def test_five_people_are_not_published_since_one_of_them_would_see_four_others(session: Session, topic: int) -> None:
    for who in range(5):
        count(session, who)
    assert published(session) == []


def test_a_person_counts_once_for_a_topic_week_and_verdict(session: Session, topic: int) -> None:
    assert [count(session, 1) for _ in range(100)] == [True] + [False] * 99
    assert not count(session, 1, day=SUNDAY) and count(session, 1, verdict=Verdict.ANSWER)
    assert session.query(SearchMark).count() == 2
    assert published(session) == []


def test_nothing_of_a_week_is_shown_before_it_has_ended(session: Session, topic: int) -> None:
    for who in range(20):
        count(session, who)
    assert published(session, SUNDAY) == [] and session.query(SearchMark).count() == 20


def test_the_key_and_the_marks_of_a_week_are_destroyed_when_it_has_ended(session: Session, topic: int) -> None:
    for who in range(20):
        count(session, who)
    session.commit()
    retention.erase_due(session, datetime(2026, 5, 11, 1), 0)
    assert session.query(SearchKey).count() == session.query(SearchMark).count() == 0
    (figure,) = session.query(SearchCount)
    assert figure.people in (10, 15)  # 20 people less 1 to 5, rounded down


def test_a_figure_is_drawn_once_and_never_again(session: Session, topic: int) -> None:
    for who in range(11):
        count(session, who)
    first = published(session, taken=1)
    assert [week.people for week in first] == [10]
    assert published(session, taken=5) == first == published(session, NEXT + timedelta(days=30), taken=5)


def test_a_mark_can_be_made_again_only_with_both_keys(session: Session, topic: int) -> None:
    count(session, 7)
    key, mark = session.query(SearchKey).one().key, session.query(SearchMark).one()
    content = f"{topic}\n{Verdict.UNKNOWN}\nperson:7".encode()
    assert mark.digest == hmac.new(f"{key}{SECRET}".encode(), content, hashlib.sha256).hexdigest()
    assert mark.digest != hmac.new(key.encode(), content, hashlib.sha256).hexdigest()


def test_the_topic_is_that_of_the_first_item_that_has_one(
    session: Session, topic: int, add_request: AddRequest
) -> None:
    without = f"request:{add_request('nobody has put this to a topic')}"
    count(session, 1, (without, "request:1"))
    count(session, 2, (without,))
    count(session, 3, ())
    marks = session.query(SearchMark).order_by(SearchMark.topic_id.nulls_first())
    assert [mark.topic_id for mark in marks] == [None, None, topic]


def test_a_search_that_finds_first_what_not_everybody_may_read_is_not_counted(
    session: Session, topic: int, add_request: AddRequest
) -> None:
    private = f"request:{add_request('pay of Maija', audience=['team:hr'], team='hr')}"
    add_topic(session, private, audience="team:hr")
    assert not count(session, 1, (private, "request:1"))
    assert session.query(SearchMark).count() == 0


def test_nothing_is_counted_while_there_are_no_topics(session: Session, add_request: AddRequest) -> None:
    item = f"request:{add_request('printer is stuck')}"
    assert not count(session, 1, (item,)) and session.query(SearchKey).count() == 0


def test_nothing_is_published_in_a_small_organisation(session: Session, topic: int) -> None:
    for person in session.query(Person).order_by(Person.id.desc()).limit(1):
        session.delete(person)
    for who in range(15):
        count(session, who)
    assert published(session) == [] and session.query(SearchMark).count() == 0


def test_figures_of_long_ago_and_of_topics_that_are_gone_are_deleted(session: Session, topic: int) -> None:
    old = MONDAY - timedelta(weeks=60)
    session.add(SearchCount(topic_id=topic, week=old, verdict="answer", people=5))
    for who in range(6):
        count(session, who)
    assert [week.week for week in published(session)] == [MONDAY]
    session.delete(session.get_one(TopicRow, topic))
    session.flush()
    session.expire_all()
    assert session.query(SearchCount).count() == 0


def test_an_erased_person_is_nowhere_in_the_counts_and_changes_none(session: Session, topic: int) -> None:
    people = [person.id for person in session.query(Person).limit(7)]
    for who in people:
        count(session, who)
    session.add(Person(handle="one more", name="One More"))  # so that the organisation stays large enough
    erase_person(session, session.get_one(Person, people[0]), COMMAND)
    session.flush()
    assert [week.people for week in published(session)] == [5]
