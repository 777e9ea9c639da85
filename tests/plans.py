"""A topic with what hangs on people and with acts that are worth doing, for tests of what leads see and get."""

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.database.gap_tables import GapItem, GapRow
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import (
    PAIR,
    PROPOSED,
    WRITE,
    TopicFigure,
    TopicKnower,
    TransferAct,
    TransferActItem,
)
from recommender.database.tables import Team
from recommender.insights.topics.topic import LEAST_ITEMS

Add = Callable[..., int]
NOW = datetime(2026, 6, 1, 9)


def add_plan(sessions: sessionmaker[Session], add_request: Add, add_person: Add) -> dict[str, int]:
    """A topic of the team "it", which aino leads, with two acts. Returns the ids of these by kind, and of the topic."""
    requests = [
        f"request:{add_request(f'=printer {n}', answer='Open the tray.', team='it', by='eero')}"
        for n in range(LEAST_ITEMS)
    ]
    add_person("aino", "lead", "it")
    eero = add_person("eero", "agent", "it")
    aalto = add_person("aalto", "agent", "it")
    with sessions.begin() as session:
        row = TopicRow(audience=EVERYONE, name_fi="tulostin", name_en="printer", made_on=date(2026, 6, 1))
        session.add(row)
        session.flush()
        team = session.query(Team).filter_by(handle="it").one().id
        session.add_all(TopicItem(topic_id=row.id, item=item) for item in requests)
        figure = {"demand": 24.0, "asked": 4, "answerable": 1.0, "bus_factor": 1, "expected_loss": 1.6}
        session.add(TopicFigure(topic_id=row.id, team_id=team, computed_at=NOW, **figure))
        for person, part in ((eero, 0.75), (aalto, 0.25)):
            session.add(
                TopicKnower(topic_id=row.id, person_id=person, share=part, answerable_without=0.5, leaving=0.125)
            )
        shared = {"topic_id": row.id, "state": PROPOSED, "person_id": eero, "loss_before": 1.6, "loss_after": 0.2}
        write = TransferAct(kind=WRITE, minutes=45, **shared)
        pair = TransferAct(kind=PAIR, minutes=30, colleague_id=aalto, **shared)
        session.add_all([write, pair])
        session.flush()
        session.add_all(TransferActItem(act_id=write.id, item=item) for item in requests[:3])
        return {"topic": row.id, WRITE: write.id, PAIR: pair.id}


def add_gap(session: Session, topic_id: int) -> None:
    """What is missing in that topic, for the members of "it": its requests are asked again and again."""
    team = session.query(Team).filter_by(handle="it").one().id
    items = session.scalars(select(TopicItem.item).where(TopicItem.topic_id == topic_id)).all()
    gap = GapRow(topic_id=topic_id, kind="repeated", team_id=team, counts={"requests": 5, "unverified": 0}, said={})
    session.add(gap)
    session.flush()
    session.add_all(GapItem(gap_id=gap.id, item=item, position=n, listed=True) for n, item in enumerate(items))
