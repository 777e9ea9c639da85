"""insights/topics/members.py: the items of topics, as they are in the database now."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.tables import Document, HelpRequest, RequestAudience, Team
from recommender.insights.topics.members import Member, keys_of, members_of_topics, read_once, requests_among

DAY, WRITTEN = datetime(2026, 5, 4, 9), datetime(2026, 4, 1)
Add = Callable[..., int]


@pytest.fixture
def topics(sessions: sessionmaker[Session]) -> Callable[..., int]:
    """Stores a topic of these items and returns its id."""

    def add(*items: str, audience: str = EVERYONE, ended_on: date | None = None) -> int:
        with sessions.begin() as session:
            row = TopicRow(audience=audience, made_on=date(2026, 1, 1), ended_on=ended_on)
            session.add(row)
            session.flush()
            session.add_all(TopicItem(topic_id=row.id, item=item) for item in items)
            return row.id

    return add


def test_members_have_what_the_items_say(
    sessions: sessionmaker[Session], topics: Callable[..., int], add_request: Add, add_document: Add
) -> None:
    request = add_request("printer jams", team="it", language="fi", at=DAY)
    document = add_document("Printers", "Open the tray.", owner="aino")
    with sessions.begin() as session:
        session.get_one(HelpRequest, request).updated_at = datetime(2026, 5, 5)
        guide = session.get_one(Document, document)
        guide.written_at, guide.updated_at = WRITTEN, datetime(2026, 4, 2)
    topic, empty = topics(f"request:{request}", f"document:{document}"), topics("request:999999")
    with sessions() as session:
        team = session.query(Team).filter_by(handle="it").one().id
        found = members_of_topics(session, EVERYONE)
    assert found == {
        topic: [
            Member(f"request:{request}", team, "fi", DAY, datetime(2026, 5, 5)),
            Member(f"document:{document}", None, "en", WRITTEN, datetime(2026, 4, 2)),
        ],
        empty: [],
    }
    assert keys_of(found) == {topic: {f"request:{request}", f"document:{document}"}, empty: frozenset()}
    assert [member.key for member in requests_among(found[topic])] == [f"request:{request}"]


def test_what_is_gone_unanswered_or_not_for_all_of_the_audience_is_no_member(
    sessions: sessionmaker[Session], topics: Callable[..., int], add_request: Add, add_document: Add
) -> None:
    stays, hidden, restricted, opened = (add_request(f"printer {n}", team="hr") for n in range(4))
    draft = add_document("Printers", "Open the tray.")
    topic = topics(*(f"request:{number}" for number in (stays, hidden, restricted, opened)), f"document:{draft}")
    of_team = topics(f"request:{restricted}", audience="team:hr")
    topics(f"request:{stays}", ended_on=date(2026, 5, 1))
    with sessions() as session:
        assert len(members_of_topics(session, EVERYONE)[topic]) == 5
    with sessions.begin() as session:
        session.get_one(HelpRequest, hidden).hidden = True
        session.get_one(HelpRequest, restricted).audience = [RequestAudience(token="team:hr")]
        session.get_one(HelpRequest, opened).status = "open"
        session.get_one(Document, draft).draft = True
    with sessions() as session:
        assert keys_of(members_of_topics(session, EVERYONE)) == {topic: {f"request:{stays}"}}
        assert keys_of(members_of_topics(session, "team:hr")) == {of_team: {f"request:{restricted}"}}


def test_a_topic_that_is_stored_while_they_are_read_does_no_harm(
    sessions: sessionmaker[Session],
    topics: Callable[..., int],
    add_request: Add,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = (f"request:{add_request(f'printer {n}')}" for n in range(2))
    first, stored, scalars = topics(one), list[int](), Session.scalars

    def store_one_after(session: Session, *statement: Any) -> Any:
        found = scalars(session, *statement).all()
        stored.append(topics(other))
        return iter(found)

    monkeypatch.setattr(Session, "scalars", store_one_after)
    with sessions() as session:
        found = keys_of(members_of_topics(session, EVERYONE))
    assert found == {first: {one}, stored[0]: {other}} and len(stored) == 1


def test_read_once_gives_what_was_there_when_it_was_asked_for_first(
    sessions: sessionmaker[Session], topics: Callable[..., int], add_request: Add
) -> None:
    topic = topics(f"request:{add_request('printer jams')}")
    members_of = read_once()
    with sessions() as session:
        first = members_of(session, EVERYONE)
        assert first == members_of_topics(session, EVERYONE) and len(first[topic]) == 1
        session.get_one(HelpRequest, 1).hidden = True
        assert members_of_topics(session, EVERYONE)[topic] == [] and members_of(session, EVERYONE) == first
        assert members_of(session, "team:it") == {}
