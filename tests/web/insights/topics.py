"""Topics with figures, for tests of the pages on which leads change them."""

from collections.abc import Callable
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import TopicFigure
from recommender.database.tables import Team, utc_now

Add = Callable[..., int]


def add_topic(
    sessions: sessionmaker[Session], add_request: Add, name: str, *subjects: str, audience: str = EVERYONE
) -> int:
    """A topic of the team "it" with six requests about each subject, and its figures. Returns its id."""
    numbers = [
        add_request(f"={subject} {n}", subject, subject, team="it", audience=[audience])
        for subject in subjects
        for n in range(6)
    ]
    with sessions.begin() as session:
        team = session.scalars(select(Team.id).where(Team.handle == "it")).one()
        row = TopicRow(audience=audience, name_fi=f"{name}-fi", name_en=name, made_on=date(2026, 6, 1))
        session.add(row)
        session.flush()
        session.add_all(TopicItem(topic_id=row.id, item=f"request:{number}") for number in numbers)
        figure = {"demand": 24.0, "asked": 4, "answerable": 1.0, "bus_factor": None, "expected_loss": 0.0}
        session.add(TopicFigure(topic_id=row.id, team_id=team, computed_at=utc_now(), **figure))
        return row.id
