"""insights/risk/risk.py: what hangs on single people, and who may see it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE, Reader, reader_of
from recommender.audit import COMMAND
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import TopicAnswer, TopicFigure, TopicKnower, TopicWeek
from recommender.database.tables import HelpRequest, Person, RequestAudience, Team
from recommender.insights.risk.risk import (
    Knower,
    Week,
    chance_of_leaving,
    expected_loss,
    hangs_on,
    topic_risks,
    weeks,
)
from recommender.insights.topics.topic import LEAST_ITEMS, visible_topics
from recommender.knowledge.erasure import erase_person

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 9)
Add = Callable[..., int]


@pytest.fixture
def topic(sessions: sessionmaker[Session], add_request: Add, add_person: Add) -> int:
    """A topic of the team "it": 24 questions a year, of which aino (0.75 known) and eero (0.25) know the answers."""
    requests = [f"request:{add_request(f'printer {n}', team='it', by='aino')}" for n in range(LEAST_ITEMS)]
    aino, eero = add_person("aino", "lead", "it"), add_person("eero", "agent", "it")
    with sessions.begin() as session:
        row = TopicRow(audience=EVERYONE, name_fi="tulostin", name_en="printer", made_on=TODAY)
        session.add(row)
        session.flush()
        team = session.query(Team).filter_by(handle="it").one().id
        session.add_all(TopicItem(topic_id=row.id, item=item) for item in requests)
        session.add(
            TopicFigure(
                topic_id=row.id, team_id=team, computed_at=NOW, demand=24.0, asked=4, answerable=1.0, bus_factor=1,
                expected_loss=1.5,
            )
        )  # fmt: skip
        for person, share, without in ((eero, 0.25, 1.0), (aino, 0.75, 0.5)):
            session.add(
                TopicKnower(topic_id=row.id, person_id=person, share=share, answerable_without=without, leaving=0.125)
            )
        session.add(TopicAnswer(topic_id=row.id, question=requests[0], item=requests[1], match=0.9))
        session.add(
            TopicWeek(topic_id=row.id, week=TODAY, demand=24.0, answerable=1.0, bus_factor=1, expected_loss=1.5)
        )
        return row.id


def _reader(session: Session, handle: str) -> Reader:
    return reader_of(session.query(Person).filter_by(handle=handle).one())


def test_the_last_day_of_a_person_is_certain_and_an_absence_lasts_as_long_as_it_is_known() -> None:
    assert chance_of_leaving(date(2026, 9, 1), None, TODAY, 0.13) == 1.0
    assert chance_of_leaving(date(2030, 9, 1), None, TODAY, 0.13) == 0.13
    assert chance_of_leaving(None, TODAY + timedelta(days=292), TODAY, 0.13) == pytest.approx(0.8)
    assert chance_of_leaving(None, TODAY + timedelta(days=7), TODAY, 0.13) == 0.13
    assert chance_of_leaving(None, None, TODAY, 0.0) == 0.0


def test_what_is_lost_already_is_certain_and_the_rest_depends_on_who_leaves() -> None:
    people = [Knower(1, 0.8, 0.25, 0.1, lost=5.0), Knower(2, 0.2, 0.75, 1.0, lost=0.0)]
    assert expected_loss(10.0, 0.75, people) == pytest.approx(2.5 + 0.5)
    assert expected_loss(0.0, 0.0, ()) == 0.0


def test_the_lead_of_the_team_sees_who_knows_a_topic(sessions: sessionmaker[Session], topic: int) -> None:
    with sessions() as session:
        (risk,) = topic_risks(session, _reader(session, "aino"))
        assert (risk.topic.id, risk.demand, risk.bus_factor, risk.expected_loss) == (topic, 24.0, 1, 1.5)
        first, second = risk.knowers
        assert (first.share, first.answerable_without, first.lost) == (0.75, 0.5, 12.0)
        assert second.lost == 0.0 and risk.lost_now == 0.0
        assert weeks(session, [topic]) == {topic: [Week(TODAY, 24.0, 1.0, 1, 1.5)]}


def test_only_leads_of_that_team_and_admins_see_it(
    sessions: sessionmaker[Session], topic: int, add_person: Add
) -> None:
    add_person("admin", "admin")
    add_person("other", "lead", "hr")
    with sessions() as session:
        hr = session.query(Team).filter_by(handle="hr").one()
        assert topic_risks(session, _reader(session, "eero")) == []
        assert topic_risks(session, _reader(session, "other")) == []
        assert topic_risks(session, replace(_reader(session, "aino"), person_id=None)) == []
        assert [risk.topic.id for risk in topic_risks(session, _reader(session, "admin"))] == [topic]
        assert topic_risks(session, _reader(session, "admin"), hr) == []


def test_a_person_sees_what_hangs_on_them_and_nothing_of_others(
    sessions: sessionmaker[Session], topic: int, add_person: Add
) -> None:
    add_person("nobody", "staff")
    with sessions() as session:
        reader = _reader(session, "eero")
        (risk,) = hangs_on(session, reader, visible_topics(session, reader))
        assert [knower.person_id for knower in risk.knowers] == [reader.person_id]
        nobody = _reader(session, "nobody")
        assert hangs_on(session, nobody, visible_topics(session, nobody)) == []


def test_figures_are_left_out_once_something_that_was_found_is_hidden(
    sessions: sessionmaker[Session], topic: int, add_request: Add
) -> None:
    found = add_request("toner", by="aino")
    with sessions.begin() as session:
        session.add(TopicAnswer(topic_id=topic, question="request:1", item=f"request:{found}", match=0.9))
        session.flush()
        assert topic_risks(session, _reader(session, "aino")) != []
        session.get_one(HelpRequest, found).audience = [RequestAudience(token="team:hr")]
        session.flush()
        assert topic_risks(session, _reader(session, "aino")) == []


def test_a_person_who_is_erased_is_no_longer_among_those_who_know(sessions: sessionmaker[Session], topic: int) -> None:
    with sessions.begin() as session:
        erase_person(session, session.query(Person).filter_by(handle="eero").one(), COMMAND)
    with sessions() as session:
        (risk,) = topic_risks(session, _reader(session, "aino"))
        assert len(risk.knowers) == 1


def test_the_risks_of_many_topics_take_no_more_statements_than_that_of_one(
    topic: int, sessions: sessionmaker[Session], add_request: Add
) -> None:
    statements: list[str] = []
    event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *args: statements.append(args[2]))

    def taken() -> int:
        with sessions() as session:
            reader = _reader(session, "aino")
            statements.clear()
            topic_risks(session, reader)
            return len(statements)

    of_one = taken()
    for number in range(3):
        items = [f"request:{add_request(f'garage {n}', team='it')}" for n in range(LEAST_ITEMS)]
        with sessions.begin() as session:
            row = TopicRow(audience=EVERYONE, name_fi=f"halli{number}", name_en=f"garage{number}", made_on=TODAY)
            session.add(row)
            session.flush()
            session.add_all(TopicItem(topic_id=row.id, item=item) for item in items)
            figure = {"demand": 1.0, "asked": 1, "answerable": 1.0, "bus_factor": None, "expected_loss": 0.0}
            team = session.query(Team).filter_by(handle="it").one().id
            session.add(TopicFigure(topic_id=row.id, team_id=team, computed_at=NOW, **figure))
    assert taken() == of_one
    with sessions() as session:
        assert len(topic_risks(session, _reader(session, "aino"))) == 4
