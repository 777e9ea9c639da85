"""insights/gaps/update.py: what is stored for a topic, who may see it, and that hidden items change nothing."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE, Reader
from recommender.audit import COMMAND
from recommender.database.documents_tables import DocumentVersion
from recommender.database.gap_tables import GapItem, GapRow, TopicAge
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.item_tables import Replacement
from recommender.database.risk_tables import TopicAnswer, TopicQuestion
from recommender.database.tables import Document, Event, HelpRequest, RequestAttempt, Team
from recommender.insights.gaps.gap import Gap, GapKind, ages, gaps, team_topics
from recommender.insights.gaps.health import Problem, document_health
from recommender.insights.gaps.update import update_gaps
from recommender.knowledge.erasure import erase_document

Sessions = sessionmaker[Session]
Add = Callable[..., int]
NOW = datetime(2026, 11, 1)
RECENT, OLD = NOW - timedelta(days=40), NOW - timedelta(days=500)
TEN, TWENTY = "The limit for remote work is 10 working days.", "The limit for remote work is 20 working days."


@pytest.fixture
def topic(sessions: Sessions, add_request: Add, add_document: Add) -> dict[str, Any]:
    """A topic of six requests and two guides of the team "it"; the first request and the first guide differ, and the
    guide nobody finds is the second one."""
    requests = [add_request("remote work 0", answer=TEN, team="it", at=OLD)]
    requests += [add_request(f"remote work {n}", answer="Yes.", team="it", at=RECENT) for n in range(1, 6)]
    guide = add_document("Remote work", TWENTY, team="it", owner="eero", at=OLD + timedelta(days=90))
    unseen = add_document("Something else", "Text.", team="it", owner="eero", at=OLD)
    keys = [*(f"request:{number}" for number in requests), f"document:{guide}", f"document:{unseen}"]
    with sessions.begin() as session:
        row = TopicRow(audience=EVERYONE, name_fi="etätyö", name_en="remote work", made_on=NOW.date())
        session.add(row)
        session.flush()
        session.add_all(TopicItem(topic_id=row.id, item=key) for key in keys)
        session.add_all(TopicQuestion(topic_id=row.id, question=key, asked_on=NOW) for key in keys[:6])
        found = {keys[0]: {keys[6]: 0.4}, keys[1]: {keys[2]: 0.9, keys[3]: 0.8, keys[6]: 0.2}}
        for question, answers in found.items():
            for item, match in answers.items():
                session.add(TopicAnswer(topic_id=row.id, question=question, item=item, match=match))
        team = session.query(Team).filter_by(handle="it").one().id
        return {"id": row.id, "keys": keys, "team": team}


def member(team: int) -> Reader:
    return Reader(None, frozenset({team}), frozenset({EVERYONE, "team:it"}))


def found(sessions: Sessions, team: int) -> list[Gap]:
    update_gaps(sessions, NOW)
    with sessions() as session:
        return gaps(session, member(team), team)


def brief(found: list[Gap]) -> list[tuple[object, ...]]:
    return [(gap.kind, [item.key for item in gap.items], dict(gap.counts), dict(gap.said)) for gap in found]


def test_gaps_are_found_stored_and_read_by_the_team(sessions: Sessions, topic: dict[str, Any]) -> None:
    keys = topic["keys"]
    contradiction, repeated, unseen = found(sessions, topic["team"])
    assert contradiction.kind is GapKind.CONTRADICTION and contradiction.said["newer"] == "20 working days"
    assert [item.key for item in contradiction.items] == [keys[6], keys[0]]
    assert repeated.kind is GapKind.REPEATED and {item.key for item in repeated.items} == set(keys[1:4])
    assert unseen.kind is GapKind.UNSEEN and [item.title for item in unseen.documents] == ["Something else"]
    with sessions() as session:
        assert gaps(session, Reader(None, frozenset(), frozenset({EVERYONE})), topic["team"]) == []
        (age,) = ages(session, team_topics(session, member(topic["team"]), topic["team"])).values()
        assert (age.answers, age.changes, age.half_life_days) == (8, 1, None)


def test_a_second_run_finds_the_same_and_keeps_nothing_twice(sessions: Sessions, topic: dict[str, Any]) -> None:
    first = brief(found(sessions, topic["team"]))
    assert brief(found(sessions, topic["team"])) == first
    with sessions() as session:
        assert session.query(GapRow).count() == len(first) and session.query(TopicAge).count() == 1


def test_requests_that_were_sent_although_something_was_shown(
    sessions: Sessions, topic: dict[str, Any], add_request: Add
) -> None:
    keys = topic["keys"]
    for number, opened in enumerate((True, False)):
        request = add_request(f"still open {number}", team="it", status="open", at=RECENT)
        with sessions.begin() as session:
            session.add(RequestAttempt(request_id=request, item=keys[6], position=0, opened=opened))
            session.add(RequestAttempt(request_id=request, item=keys[1], position=1, opened=False))
    (gap,) = [gap for gap in found(sessions, topic["team"]) if gap.kind is GapKind.NOT_FOUND]
    assert gap.counts == {"requests": 2, "opened": 1, "shown": 2}
    assert sorted(item.title for item in gap.items) == ["Remote work", "remote work 1", "still open 0", "still open 1"]
    with sessions() as session:
        health = {each.heading.title: each for each in document_health(session, member(topic["team"]), topic["team"])}
        assert (health["Remote work"].shown, health["Remote work"].opened) == (2, 1)
        assert Problem.CONTRADICTED not in health["Remote work"].problems  # it is the newer one
        assert Problem.UNSEEN in health["Something else"].problems


def test_an_erased_item_takes_its_gaps_with_it(sessions: Sessions, topic: dict[str, Any]) -> None:
    assert found(sessions, topic["team"])
    with sessions.begin() as session:
        erase_document(session, session.get_one(Document, int(topic["keys"][6].partition(":")[2])), COMMAND)
    with sessions() as session:
        assert session.query(GapRow).filter_by(kind="contradiction").count() == 0
        assert session.query(GapItem).filter_by(item=topic["keys"][6]).count() == 0


def test_ended_topics_have_no_gaps_and_no_topics_are_no_error(sessions: Sessions, topic: dict[str, Any]) -> None:
    assert found(sessions, topic["team"])
    with sessions.begin() as session:
        session.get_one(TopicRow, topic["id"]).ended_on = NOW.date()
    report = update_gaps(sessions, NOW)
    assert report.topics == 0
    with sessions() as session:
        assert session.query(GapRow).count() == session.query(TopicAge).count() == 0


@pytest.mark.parametrize("seed", range(12))
def test_what_the_audience_of_a_topic_may_not_read_changes_nothing(
    sessions: Sessions, topic: dict[str, Any], add_request: Add, add_document: Add, seed: int
) -> None:
    rolls, keys = random.Random(seed), topic["keys"]  # noqa: S311 - the same cases each time
    before = brief(found(sessions, topic["team"]))
    with sessions() as session:
        ageing = [(row.changes, row.answers) for row in session.query(TopicAge)]
        guides = [
            (each.heading.key, each.problems, each.shown, each.helped)
            for each in document_health(session, member(topic["team"]), topic["team"])
        ]
    hidden = rolls.random() < 0.5
    audience = () if not hidden else (EVERYONE,)
    secret = add_request("secret", answer=TWENTY, team="hr", audience=audience, at=RECENT)
    paper = add_document("Secret", TEN, audience=audience or ("team:hr",), hidden=hidden, team="hr", at=RECENT)
    with sessions.begin() as session:
        session.get_one(HelpRequest, secret).hidden = hidden
        for item in (f"request:{secret}", f"document:{paper}"):
            for question in rolls.sample(keys[:6], 4):
                match = rolls.choice((0.3, 0.6, 0.95))
                session.add(TopicAnswer(topic_id=topic["id"], question=question, item=item, match=match))
        session.add(Replacement(item=keys[0], by=f"document:{paper}", marked_at=RECENT))
        for item in rolls.sample(keys, 3):
            session.add(RequestAttempt(request_id=secret, item=item, position=rolls.randrange(100), opened=True))
        session.add(Event(kind="used", item=keys[7], day=RECENT.date(), request_id=secret))
        guide = int(keys[6].partition(":")[2])
        for n in range(2):
            session.add(
                DocumentVersion(
                    document_id=guide, saved_at=RECENT, title="Draft", body=str(n), text_digest=str(n),
                    audience=["person:1"],
                )
            )  # fmt: skip
    assert brief(found(sessions, topic["team"])) == before
    with sessions() as session:
        assert [(row.changes, row.answers) for row in session.query(TopicAge)] == ageing
        assert [
            (each.heading.key, each.problems, each.shown, each.helped)
            for each in document_health(session, member(topic["team"]), topic["team"])
        ] == guides
