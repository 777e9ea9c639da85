"""insights/topics/questions.py: which questions are likely to be asked again."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.database.insight_tables import TopicRow
from recommender.database.risk_tables import TopicQuestion
from recommender.database.tables import HelpRequest
from recommender.insights.topics.questions import asked_soon

LAST, DAY = datetime(2026, 6, 1, 9), timedelta(days=1)


def test_questions_that_are_new_or_were_asked_before_and_edited_are_asked_soon(
    sessions: sessionmaker[Session], add_request: Callable[..., int]
) -> None:
    old, edited, _other = (add_request(title, "body", at=LAST - 9 * DAY) for title in ("old", "edited", "other"))
    for title, days in (("newer", 1), ("newest", 2)):
        add_request(title, "body", at=LAST + days * DAY)
    add_request("open", status="open", at=LAST + DAY)
    with sessions.begin() as session:
        session.execute(update(HelpRequest).values(updated_at=LAST + DAY))
        session.get_one(HelpRequest, old).updated_at = LAST - 9 * DAY
        assert asked_soon(session, 10) == []
        row = TopicRow(audience=EVERYONE, made_on=date(2026, 1, 1))
        session.add(row)
        session.flush()
        session.add_all(TopicQuestion(topic_id=row.id, question=f"request:{n}", asked_on=LAST) for n in (old, edited))
    with sessions() as session:
        assert asked_soon(session, 10) == ["newest\nbody", "newer\nbody", "edited\nbody"]
        assert asked_soon(session, 1) == ["newest\nbody"]
