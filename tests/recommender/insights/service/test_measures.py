"""insights/service/measures.py: what a team writes down, who may, and that nothing is overwritten."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import reader_of
from recommender.database.audit_table import AuditEntry
from recommender.database.service_tables import MeasureValue
from recommender.database.tables import Person, Team
from recommender.errors import NotAllowed
from recommender.insights.service import measures

FIRST, LATER = date(2026, 1, 5), date(2026, 2, 2)


def test_numbers_are_added_and_the_later_one_of_a_day_counts(
    sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    number = add_person("lea", "lead", "it")
    with sessions.begin() as session:
        team, reader = session.scalars(select(Team)).one(), reader_of(session.get_one(Person, number))
        measure = measures.add_measure(session, team, reader, "Nobody waits for a laptop.", 8, LATER)
        for value, day in ((5, LATER), (12.5, FIRST)):
            measures.add_number(session, team, reader, measure, value, day)
        session.expire_all()
        (stored,) = measures.measures_of(session, team)
        assert measures.numbers_by_day(stored) == [(FIRST, 12.5), (LATER, 5)]
        assert len(session.scalars(select(MeasureValue)).all()) == 3
        measures.end_measure(session, team, reader, stored)
        assert measures.measures_of(session, team) == [] and len(stored.values) == 3
        entries = [(row.action, row.subject, row.actor_id) for row in session.scalars(select(AuditEntry))]
        names = ("measure.added", "measure.number", "measure.number", "measure.ended")
        assert entries == [(name, "team:it", number) for name in names]


@pytest.mark.parametrize(("role", "team"), [("staff", "it"), ("lead", "hr"), ("admin", "hr")])
def test_only_agents_of_the_team_write(
    sessions: sessionmaker[Session], add_person: Callable[..., int], role: str, team: str
) -> None:
    add_person("lea", "lead", "it")
    other = add_person("oona", role, team)
    with sessions.begin() as session:
        own = session.scalars(select(Team).where(Team.handle == "it")).one()
        with pytest.raises(NotAllowed):
            measures.add_measure(session, own, reader_of(session.get_one(Person, other)), "Faster.", 1, FIRST)


def test_a_number_that_cannot_be_kept_is_told_apart() -> None:
    assert measures.is_number(-0.5) and measures.is_number(0)
    assert not any(measures.is_number(float(text)) for text in ("nan", "inf", "-inf", "1e13"))
