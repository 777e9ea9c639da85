"""A team that was asked enough for all of its figures."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import EVERYONE
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import TopicFigure, TopicKnower
from recommender.database.tables import Event, HelpRequest, Person, Reply, RequestAudience, Team, utc_now


def fill(session: Session, requests: int = 72) -> int:
    """Requests of six people of HR and six of sales to IT, answered by four of its members; a topic hangs on the first
    of these; and what came of answers. Returns the id of the topic."""
    it = session.scalars(select(Team).where(Team.handle == "it")).one()
    agents = [person for person in session.scalars(select(Person).order_by(Person.id)) if it in person.teams][:4]
    askers = []
    for handle in ("hr", "sales"):
        team = session.scalars(select(Team).where(Team.handle == handle)).one_or_none()
        team = team or Team(handle=handle, name=handle.upper())
        people = [Person(handle=f"{handle}{n}", name=f"Asker{handle}{n}") for n in range(6)]
        session.add_all([team, *people])
        session.flush()
        team.members += people
        askers.append(people)
    now = utc_now()
    keys = []
    for number in range(requests):
        asked = datetime.combine(now.date() - timedelta(days=9 + number), datetime.min.time()) + timedelta(hours=9)
        answered = asked + timedelta(hours=48 if number % 8 == 7 else 3 if number % 3 else 2)
        row = HelpRequest(
            title=f"Printer {number}", body="", language="en", team=it, created_at=asked, source="kollega",
            asked_by=askers[number % 2][number // 2 % 6], status="resolved", resolved_at=answered,
            audience=[RequestAudience(token=EVERYONE)],
            replies=[Reply(author=agents[number % 4], body="Restart it.", created_at=answered, accepted=True)],
        )  # fmt: skip
        session.add(row)
        session.flush()
        keys.append(f"request:{row.id}")
    topic = TopicRow(audience=EVERYONE, name_fi="tulostin", name_en="printer", made_on=now.date())
    session.add(topic)
    session.flush()
    session.add_all(TopicItem(topic_id=topic.id, item=key) for key in keys[:30])
    day = now.date() - timedelta(days=12)
    for kind, times in (("solved", 17), ("left", 31), ("unhelpful", 6)):
        session.add_all(Event(kind=kind, item=keys[3], day=day) for _ in range(times))
    figure = {"demand": 90.0, "asked": 20, "answerable": 0.9, "bus_factor": 1, "expected_loss": 9.0}
    session.add(TopicFigure(topic_id=topic.id, team_id=it.id, computed_at=now, **figure))
    session.add(TopicKnower(topic_id=topic.id, person_id=agents[0].id, share=0.6, answerable_without=0.5, leaving=0.1))
    session.flush()
    return topic.id
