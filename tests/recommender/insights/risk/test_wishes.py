"""insights/risk/wishes.py: what hangs on a person, what they say about it (left_out.py), and what leads then see."""

from collections.abc import Callable, Iterator
from datetime import date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE, Reader, reader_of
from recommender.audit import COMMAND
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import PROPOSED, WRITE, TopicFigure, TopicKnower, TopicWeek, TransferAct
from recommender.database.service_tables import LeftOut, Teaching
from recommender.database.tables import Person, Team
from recommender.errors import NotAllowed
from recommender.insights.risk import wishes
from recommender.insights.risk.acts import get_act, plan, plan_of
from recommender.insights.risk.risk import all_risks, topic_risks, weeks
from recommender.insights.topics import left_out
from recommender.insights.topics.topic import LEAST_ITEMS, Topic, visible_topics
from recommender.knowledge.erasure import erase_person

DAY, NOW = date(2026, 6, 1), datetime(2026, 6, 1, 9)
AddPerson = Callable[..., int]


@pytest.fixture
def session(
    sessions: sessionmaker[Session], add_request: Callable[..., int], add_person: AddPerson
) -> Iterator[Session]:
    """Topic 1 is known by aino (0.6; half of its questions hang on her), eero (0.3; a tenth) and oona (0.1; none); lea
    leads the team. Topic 2 may only be seen by HR, and only aino knows it."""
    people = {
        "aino": add_person("aino", "agent", "it", "hr"),
        "eero": add_person("eero", "agent", "it"),
        "oona": add_person("oona", "agent", "it"),
    }
    add_person("lea", "lead", "it", "hr")
    items = [f"request:{add_request(f'printer {n}', team='it', by='aino')}" for n in range(LEAST_ITEMS)]
    of_hr = [f"request:{add_request(f'pay {n}', team='hr', by='aino', audience=[])}" for n in range(LEAST_ITEMS)]
    with sessions() as opened:
        for audience, keys, team in ((EVERYONE, items, "it"), ("team:hr", of_hr, "hr")):
            row = TopicRow(audience=audience, name_fi="tulostin", name_en="printer", made_on=DAY)
            opened.add(row)
            opened.flush()
            opened.add_all(TopicItem(topic_id=row.id, item=item) for item in keys)
            handled = opened.scalars(select(Team.id).where(Team.handle == team)).one()
            opened.add(
                TopicFigure(
                    topic_id=row.id, team_id=handled, computed_at=NOW, demand=20.0, asked=10, answerable=0.9,
                    bus_factor=1, expected_loss=9.0,
                )
            )  # fmt: skip
        for topic, person, share, without in ((1, "aino", 0.6, 0.4), (1, "eero", 0.3, 0.8), (1, "oona", 0.1, 0.9)):
            opened.add(
                TopicKnower(
                    topic_id=topic, person_id=people[person], share=share, answerable_without=without, leaving=0.5
                )
            )
        opened.add(TopicKnower(topic_id=2, person_id=people["aino"], share=1.0, answerable_without=0.0, leaving=0.5))
        opened.add(TopicWeek(topic_id=1, week=DAY, demand=20.0, answerable=0.9, bus_factor=1, expected_loss=9.0))
        opened.add(
            TransferAct(
                topic_id=1, kind=WRITE, state=PROPOSED, person_id=people["aino"], minutes=30, loss_before=9.0,
                loss_after=4.0,
            )
        )  # fmt: skip
        opened.flush()
        yield opened


def _person(session: Session, handle: str) -> Person:
    return session.scalars(select(Person).where(Person.handle == handle)).one()


def _reader(session: Session, handle: str) -> Reader:
    return reader_of(_person(session, handle))


def _topic(session: Session, handle: str, number: int) -> Topic:
    return next(topic for topic in visible_topics(session, _reader(session, handle)) if topic.id == number)


def _hanging_on(session: Session, reader: Reader) -> list[wishes.Hanging]:
    return wishes.hanging_on(session, reader, wishes.own_topics(session, reader))


def _taught(session: Session, reader: Reader) -> list[wishes.Taught]:
    return wishes.taught(session, reader, wishes.own_topics(session, reader))


def test_a_topic_hangs_on_whom_a_fifth_of_its_questions_need(session: Session) -> None:
    own = _hanging_on(session, _reader(session, "aino"))
    assert [(each.topic.id, round(each.lost, 3)) for each in own] == [(2, 0.9), (1, 0.5)]
    assert not any(each.left_out or each.taught_to for each in own)
    for handle in ("eero", "oona", "lea"):
        assert _hanging_on(session, _reader(session, handle)) == []
    assert _hanging_on(session, Reader(None, frozenset(), frozenset({EVERYONE}))) == []


def test_teaching_is_seen_by_the_colleague_and_the_lead_and_is_taken_back(session: Session) -> None:
    aino, topic = _reader(session, "aino"), _topic(session, "aino", 1)
    assert [person.handle for person in wishes.colleagues_for(session, aino, topic)] == ["eero", "lea", "oona"]
    for _ in range(2):
        wishes.teach(session, aino, topic, _person(session, "eero"))
    (seen,) = _taught(session, _reader(session, "eero"))
    assert (seen.topic.id, seen.teaching.person.handle) == (1, "aino")
    it, hr = (session.scalars(select(Team).where(Team.handle == handle)).one() for handle in ("it", "hr"))
    assert [each.teaching for each in wishes.teachings_for(session, it, _reader(session, "lea"))] == [seen.teaching]
    assert wishes.teachings_for(session, hr, _reader(session, "lea")) == []
    assert _taught(session, _reader(session, "oona")) == []
    wishes.take_back(session, _reader(session, "eero"), seen.teaching.id)  # only she can
    assert _taught(session, _reader(session, "eero")) != []
    wishes.take_back(session, aino, seen.teaching.id)
    assert _taught(session, _reader(session, "eero")) == []


@pytest.mark.parametrize("colleague", ["aino", "eero"])
def test_a_topic_is_taught_only_to_colleagues_who_may_see_it(session: Session, colleague: str) -> None:
    with pytest.raises(NotAllowed):
        wishes.teach(session, _reader(session, "aino"), _topic(session, "aino", 2), _person(session, colleague))
    assert session.scalars(select(Teaching)).all() == []


def test_a_colleague_who_may_no_longer_see_a_topic_sees_nothing_of_it(session: Session) -> None:
    lea = _person(session, "lea")
    wishes.teach(session, _reader(session, "aino"), _topic(session, "aino", 2), lea)
    assert len(_taught(session, reader_of(lea))) == 1
    lea.teams = [team for team in lea.teams if team.handle == "it"]
    session.flush()
    assert _taught(session, reader_of(lea)) == []


def test_a_lead_sees_a_topic_as_if_who_is_left_out_had_no_part_in_it(session: Session) -> None:
    lea, aino = _reader(session, "lea"), _person(session, "aino").id
    before = {risk.topic.id: risk for risk in topic_risks(session, lea)}
    assert {knower.person_id for knower in before[1].knowers} > {aino} and len(plan(session, lea)) == 1
    left_out.leave_out(session, aino, 1)
    after = {risk.topic.id: risk for risk in topic_risks(session, lea)}
    shares = {knower.person_id: knower.share for knower in after[1].knowers}
    assert shares == {
        _person(session, "eero").id: pytest.approx(0.75),
        _person(session, "oona").id: pytest.approx(0.25),
    }
    # a tenth is lost already, and eero's tenth of twenty questions is lost with a chance of one half
    assert (after[1].bus_factor, after[1].expected_loss) == (1, pytest.approx(2.0 + 1.0))
    assert weeks(session, [1])[1][0].bus_factor is None and weeks(session, [1])[1][0].expected_loss == pytest.approx(2)
    assert plan(session, lea) == [] and plan_of(session, [after[1].topic]) == []
    assert next(risk for risk in all_risks(session) if risk.topic.id == 1) == after[1]
    with pytest.raises(NotAllowed):
        get_act(session, lea, 1)
    (own, *_) = [each for each in _hanging_on(session, reader_of(_person(session, "aino"))) if each.topic.id == 1]
    assert own.left_out and own.lost == pytest.approx(0.5)  # they see it themselves
    left_out.take_in_again(session, aino, 1)
    assert {risk.topic.id: risk for risk in topic_risks(session, lea)} == before


def test_a_topic_that_only_one_knows_is_not_shown_when_they_are_left_out(session: Session) -> None:
    left_out.leave_out(session, _person(session, "aino").id, 2)
    assert [risk.topic.id for risk in topic_risks(session, _reader(session, "lea"))] == [1]


def test_who_is_left_out_teaches_nothing_that_a_lead_sees(session: Session) -> None:
    aino, eero = _person(session, "aino"), _person(session, "eero")
    wishes.teach(session, reader_of(aino), _topic(session, "aino", 1), eero)
    left_out.leave_out(session, aino.id, 1)
    it = session.scalars(select(Team).where(Team.handle == "it")).one()
    assert wishes.teachings_for(session, it, _reader(session, "lea")) == []
    assert len(_taught(session, reader_of(eero))) == 1


def test_a_wish_follows_a_topic_into_the_one_it_is_merged_into_and_out_of_it(session: Session) -> None:
    aino = _person(session, "aino").id
    left_out.leave_out(session, aino, 1)
    row = session.get_one(TopicRow, 1)
    row.ended_on, row.merged_into_id = DAY, 2
    session.get_one(TopicRow, 2).merged_into_id = 1  # a circle, which must not be followed for ever
    session.flush()
    assert left_out.left_out(session, {2}) == {2: frozenset({aino})} and left_out.left_out(session, {99}) == {}
    left_out.take_in_again(session, aino, 2)
    assert session.scalars(select(LeftOut)).all() == []
    left_out.leave_out(session, aino, 2)
    session.get_one(TopicRow, 2).merged_into_id = None
    new = TopicRow(audience="team:hr", name_fi="x", name_en="x", made_on=DAY)
    session.add(new)
    session.flush()
    left_out.copy_to(session, 2, new.id)
    assert left_out.left_out(session, {2, new.id}) == {2: frozenset({aino}), new.id: frozenset({aino})}


def test_what_an_erased_person_said_is_gone(session: Session) -> None:
    aino = _person(session, "aino")
    wishes.teach(session, reader_of(aino), _topic(session, "aino", 1), _person(session, "eero"))
    left_out.leave_out(session, aino.id, 1)
    erase_person(session, aino, COMMAND)
    assert session.scalars(select(Teaching)).all() == [] and session.scalars(select(LeftOut)).all() == []
