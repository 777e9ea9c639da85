"""By what a team measures its own success: a sentence that it writes, and numbers with their days, which are added and
never overwritten. The functions leave the commit to the caller."""

import math
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from recommender import audit
from recommender.access import Reader
from recommender.database.days import current_day
from recommender.database.service_tables import MeasureValue, SuccessMeasure
from recommender.database.tables import Team
from recommender.errors import NotAllowed

LONGEST_SENTENCE = 300  # characters; a judgement
LARGEST = 1e12
"""A number is smaller than this; a judgement."""
MOST_MEASURES, MOST_VALUES = 20, 500
"""Measures of a team that are in use, and numbers of one; judgements."""


def measures_of(session: Session, team: Team) -> list[SuccessMeasure]:
    """The measures that a team uses, in the order in which they were written, with their numbers by day."""
    query = select(SuccessMeasure).where(SuccessMeasure.team_id == team.id, SuccessMeasure.ended_on.is_(None))
    return list(session.scalars(query.options(selectinload(SuccessMeasure.values)).order_by(SuccessMeasure.id)))


def numbers_by_day(measure: SuccessMeasure) -> list[tuple[date, float]]:
    """(day, number), oldest first; of two numbers for one day the one that was written later."""
    return list({value.day: value.number for value in measure.values}.items())


def may_write(team: Team, reader: Reader) -> bool:
    """True for the agents of the team."""
    return team.id in reader.serves_teams


def is_number(number: float) -> bool:
    """True for a number that can be kept."""
    return math.isfinite(number) and abs(number) < LARGEST


def add_measure(
    session: Session, team: Team, reader: Reader, sentence: str, number: float, day: date
) -> SuccessMeasure:
    """A new measure with its first number. Raises NotAllowed unless the reader is an agent of the team."""
    _must_write(team, reader)
    measure = SuccessMeasure(team_id=team.id, sentence=sentence, written_on=current_day())
    measure.values.append(MeasureValue(number=number, day=day))
    session.add(measure)
    session.flush()
    _record(session, team, reader, "measure.added", measure)
    return measure


def add_number(session: Session, team: Team, reader: Reader, measure: SuccessMeasure, number: float, day: date) -> None:
    """A further number of a measure. Raises NotAllowed as `add_measure` does."""
    _must_write(team, reader)
    measure.values.append(MeasureValue(number=number, day=day))
    session.flush()
    _record(session, team, reader, "measure.number", measure)


def end_measure(session: Session, team: Team, reader: Reader, measure: SuccessMeasure) -> None:
    """The team no longer uses a measure; what it said is kept. Raises NotAllowed as `add_measure` does."""
    _must_write(team, reader)
    measure.ended_on = current_day()
    session.flush()
    _record(session, team, reader, "measure.ended", measure)


def _record(session: Session, team: Team, reader: Reader, action: str, measure: SuccessMeasure) -> None:
    """Say in the audit log who changed which measure, not what it says."""
    who = audit.actor(session, reader.person_id)
    audit.record(session, who, action, f"team:{team.handle}", {"measure": measure.id})


def _must_write(team: Team, reader: Reader) -> None:
    if not may_write(team, reader):
        raise NotAllowed("Only the agents of a team write down how it measures its success.")
