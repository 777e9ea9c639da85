"""insights/risk/holders.py: who here stands for an answer."""

from collections.abc import Callable
from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from recommender.database.insight_tables import TopicRow
from recommender.database.risk_tables import DONE, PAIR, STARTED, TransferAct, TransferActItem
from recommender.database.tables import Document, Event, HelpRequest, Person, Reply
from recommender.insights.risk.holders import Holders, holders_of

NOW = datetime(2026, 6, 1, 9)
Add = Callable[..., int]


def _holders(session: Session, *keys: str) -> Holders:
    session.flush()
    return holders_of(session, keys, ANYONE, NOW)


def _person(session: Session, handle: str) -> Person:
    return session.query(Person).filter_by(handle=handle).one()


@pytest.fixture
def key(add_request: Add) -> str:
    """A request that aino answered."""
    return f"request:{add_request('printer jams', by='aino')}"


def _reply(session: Session, key: str, by: str, *, accepted: bool = False, score: int = 0) -> None:
    if not session.query(Person).filter_by(handle=by).first():
        session.add(Person(handle=by, name=by))
        session.flush()
    number = int(key.partition(":")[2])
    author = _person(session, by).id
    session.add(
        Reply(request_id=number, author_id=author, body="Or so.", created_at=NOW, accepted=accepted, score=score)
    )


def test_an_answer_counts_for_who_gave_it_and_not_for_who_only_replied(
    sessions: sessionmaker[Session], key: str
) -> None:
    with sessions() as session:
        _reply(session, key, "eero")
        _reply(session, key, "helmi", score=2)
        found = _holders(session, key)
        assert found.people(key) == {_person(session, "aino").id, _person(session, "helmi").id}
        assert found.counts_without(key, _person(session, "aino").id)


def test_replies_count_where_nothing_was_accepted(sessions: sessionmaker[Session], key: str) -> None:
    with sessions() as session:
        for reply in session.get_one(HelpRequest, int(key.partition(":")[2])).replies:
            reply.accepted = False
        aino = _person(session, "aino").id
        found = _holders(session, key)
        assert found.people(key) == {aino} and not found.counts_without(key, aino)


@pytest.mark.parametrize("reason", ["left", "service", "declined"])
def test_who_is_gone_knows_nothing(sessions: sessionmaker[Session], key: str, reason: str) -> None:
    with sessions() as session:
        person = _person(session, "aino")
        if reason == "left":
            person.left_on = date(2026, 6, 1)
        elif reason == "service":
            person.stated_kind = "service"
        else:
            session.add(Event(kind="not_my_topic", item=key, day=NOW.date(), subject_id=person.id, settled=False))
        assert not _holders(session, key).counts(key)


def test_a_person_whose_last_day_is_to_come_still_knows(sessions: sessionmaker[Session], key: str) -> None:
    with sessions() as session:
        _person(session, "aino").left_on = date(2026, 6, 2)
        assert _holders(session, key).counts(key)


def test_a_document_counts_while_it_is_verified_and_not_due(sessions: sessionmaker[Session], add_document: Add) -> None:
    at = datetime(2026, 3, 1)
    verified = f"document:{add_document('Toner', 'Open.', owner='aino', verified_by='eero', at=at)}"
    unverified = f"document:{add_document('Paper', 'Fill.', owner='aino', at=at)}"
    with sessions() as session:
        found = _holders(session, verified, unverified)
        assert found.people(verified) == {_person(session, "aino").id, _person(session, "eero").id}
        assert not found.counts(unverified)
        session.get_one(Document, int(verified.partition(":")[2])).review_days = 30
        assert not _holders(session, verified).counts(verified)


def test_a_flag_takes_a_document_out_until_it_is_settled(sessions: sessionmaker[Session], add_document: Add) -> None:
    key = f"document:{add_document('Toner', 'Open.', owner='aino', verified_by='aino')}"
    with sessions() as session:
        flag = Event(kind="flagged", item=key, day=NOW.date(), settled=False)
        session.add(flag)
        assert not _holders(session, key).counts(key)
        flag.settled = True
        assert _holders(session, key).counts(key)


def test_a_verified_document_without_people_is_the_teams_and_stays(
    sessions: sessionmaker[Session], add_document: Add
) -> None:
    number = add_document("Toner", "Open.")
    with sessions() as session:
        session.get_one(Document, number).verified_on = date(2026, 1, 5)
        found = _holders(session, f"document:{number}")
        assert found.of_team == {f"document:{number}"} and found.counts_without(f"document:{number}", 1)


def test_who_watched_a_colleague_knows_it_once_that_is_done(sessions: sessionmaker[Session], key: str) -> None:
    with sessions() as session:
        session.add(Person(handle="eero", name="Eero"))
        topic = TopicRow(audience="everyone", made_on=NOW.date())
        session.add(topic)
        session.flush()
        aino, eero = _person(session, "aino").id, _person(session, "eero").id
        act = TransferAct(
            topic_id=topic.id, kind=PAIR, state=STARTED, person_id=aino, colleague_id=eero, minutes=30,
            loss_before=1.0, loss_after=0.5, ended_at=NOW,
        )  # fmt: skip
        session.add(act)
        session.flush()
        session.add(TransferActItem(act_id=act.id, item=key))
        assert _holders(session, key).people(key) == {aino}
        act.state = DONE
        assert _holders(session, key).people(key) == {aino, eero}
