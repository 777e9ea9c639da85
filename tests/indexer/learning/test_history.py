"""learning/history.py: questions of the past, asked again with what was known at their time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from indexer.learning.history import past_questions
from recommender.database.tables import SENT_HERE, HelpRequest
from recommender.recommender import Recommender

START = datetime(2026, 1, 1)


def test_a_past_question_is_searched_among_the_items_that_existed_then_and_its_asker_may_read(
    sessions: sessionmaker[Session], add_request: Callable[..., int], open_recommender: Callable[[], Recommender]
) -> None:
    times = [START + timedelta(days=number) for number in range(6)]
    add_request("printer jam", by="aino", at=times[0])
    add_request("printer jam again", by="eero", at=times[1], audience=("team:hr",), team="hr")
    asked = add_request("printer jam once more", by="matti", asked_by="liisa", at=times[2])
    add_request("printer jam later", by="aino", at=times[3])
    add_request("printer jam suggested", by="aino", at=times[4], source=SENT_HERE)
    with sessions.begin() as session:
        unanswered = session.get_one(HelpRequest, add_request("printer jam alone", by="aino", at=times[5]))
        unanswered.replies[0].author_id = unanswered.asked_by_id = None
    with sessions() as session:
        questions = list(past_questions(open_recommender(), session))
        assert [question.key for question in questions] == [f"request:{number}" for number in (1, 2, 3, 4)]
        third = questions[2]
        assert third.key == f"request:{asked}" and third.at == times[2]
        # neither the restricted request nor itself nor later ones
        assert [trace.key for trace in third.traces] == ["request:1"]
        assert {person for trace in third.traces for person in (p.person_id for p in trace.contributions)} == {1}
        assert third.answered.isdisjoint(third.excluded) and len(third.excluded) == 1
        assert [q.key for q in past_questions(open_recommender(), session, most=1, before=times[3])] == ["request:3"]


def test_a_service_answered_nothing(
    sessions: sessionmaker[Session], add_request: Callable[..., int], open_recommender: Callable[[], Recommender]
) -> None:
    add_request("printer jam", by="aino", at=START)
    add_request("printer jam again", by="jira-bot", at=START + timedelta(days=1))
    with sessions() as session:
        assert [question.key for question in past_questions(open_recommender(), session)] == ["request:1"]
