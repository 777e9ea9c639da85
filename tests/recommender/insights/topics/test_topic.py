"""insights/topics/topic.py: which topics a reader may see."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, EVERYONE, Reader
from recommender.access import reader_of as reader_of_person
from recommender.audit import COMMAND
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.tables import HelpRequest, Person, RequestAudience
from recommender.insights.topics.topic import LEAST_ITEMS, topic_tokens, visible_topics
from recommender.knowledge.erasure import erase_request


def _add_topic(session: Session, audience: str, items: list[str]) -> int:
    row = TopicRow(audience=audience, name_fi="tulostin", name_en="printer", made_on=date(2026, 1, 1))
    session.add(row)
    session.flush()
    session.add_all(TopicItem(topic_id=row.id, item=item) for item in items)
    return row.id


def _seen(session: Session, reader: Reader) -> list[int]:
    return [topic.id for topic in visible_topics(session, reader)]


@pytest.fixture
def printers(sessions: sessionmaker[Session], add_request: Callable[..., int]) -> list[str]:
    return [f"request:{add_request(f'printer {n}', answer='Open the tray.')}" for n in range(LEAST_ITEMS)]


def test_a_topic_of_items_for_everyone_is_seen_by_all(sessions: sessionmaker[Session], printers: list[str]) -> None:
    with sessions.begin() as session:
        topic = _add_topic(session, EVERYONE, printers)
        (shown,) = visible_topics(session, ANYONE)
        assert shown.id == topic and set(shown.items) == set(printers)
        assert shown.names == {"fi": "tulostin", "en": "printer"}


def test_a_topic_of_few_items_is_not_shown(sessions: sessionmaker[Session], printers: list[str]) -> None:
    with sessions.begin() as session:
        _add_topic(session, EVERYONE, printers[1:])
        assert _seen(session, ANYONE) == []


def test_a_topic_is_left_out_once_one_of_its_items_may_not_be_read(
    sessions: sessionmaker[Session], printers: list[str]
) -> None:
    with sessions.begin() as session:
        _add_topic(session, EVERYONE, printers)
        request = session.get_one(HelpRequest, int(printers[0].partition(":")[2]))
        request.audience = [RequestAudience(token="team:hr")]
        session.flush()
        assert _seen(session, ANYONE) == []


def test_the_name_of_a_topic_is_erased_with_an_item_of_it(
    sessions: sessionmaker[Session], printers: list[str], add_request: Callable[..., int]
) -> None:
    more = f"request:{add_request('printer of Maija')}"
    with sessions.begin() as session:
        topic = _add_topic(session, EVERYONE, [*printers, more])
        request = session.get_one(HelpRequest, int(more.partition(":")[2]))
        erase_request(session, request, COMMAND)
        session.expire_all()
        row = session.get_one(TopicRow, topic)
        assert (row.name_fi, row.name_en) == ("", "") and _seen(session, ANYONE) == []


def test_a_team_sees_its_own_topics_and_nobody_else_does(
    sessions: sessionmaker[Session], add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    member, other = add_person("aino", "lead", "hr"), add_person("eero", "lead", "it")
    items = [
        f"request:{add_request(f'pay {n}', answer='Ask payroll.', team='hr', audience=[])}" for n in range(LEAST_ITEMS)
    ]
    with sessions.begin() as session:
        topic = _add_topic(session, "team:hr", items)
        assert _seen(session, reader_of_person(session.get_one(Person, member))) == [topic]
        assert _seen(session, reader_of_person(session.get_one(Person, other))) == []


def test_an_item_counts_for_everyone_or_for_teams_never_for_single_people() -> None:
    assert topic_tokens(frozenset({EVERYONE})) == {EVERYONE}
    assert topic_tokens(frozenset({"team:hr", "person:3", "agents"})) == {"team:hr"}
    assert topic_tokens(frozenset({"person:3"})) == frozenset()
