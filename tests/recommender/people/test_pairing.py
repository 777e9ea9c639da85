"""people/pairing.py: who watches whom, and who is told."""

from collections.abc import Callable, Sequence
from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, EVERYONE, reader_of
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import DONE, PAIR, STARTED, TransferAct
from recommender.database.tables import Person
from recommender.people.pairing import watchers
from recommender.recommender import Recommender

Add = Callable[..., int]


def _pairing(session: Session, items: Sequence[str], audience: str = EVERYONE, state: str = STARTED) -> int:
    """A topic of these items in which eero watches aino. Returns aino's id."""
    topic = TopicRow(audience=audience, name_fi="tulostin", name_en="printer", made_on=date(2026, 1, 1))
    session.add(topic)
    session.flush()
    aino, eero = (session.query(Person).filter_by(handle=handle).one().id for handle in ("aino", "eero"))
    session.add_all(TopicItem(topic_id=topic.id, item=item) for item in items)
    session.add(
        TransferAct(
            topic_id=topic.id, kind=PAIR, state=state, person_id=aino, colleague_id=eero, minutes=30,
            loss_before=1.0, loss_after=0.5, started_at=datetime(2026, 1, 1),
        )
    )  # fmt: skip
    session.flush()
    return int(aino)


@pytest.fixture
def people(add_person: Add) -> None:
    for handle in ("aino", "eero"):
        add_person(handle, "agent", "it")


def test_a_question_near_the_topic_of_a_pairing_is_watched(sessions: sessionmaker[Session], people: None) -> None:
    with sessions() as session:
        aino = _pairing(session, ["request:1", "request:2"])
        assert watchers(session, ["request:1", "request:9"], ANYONE) == {aino: "Eero"}
        assert watchers(session, ["request:9"], ANYONE) == watchers(session, [], ANYONE) == {}


def test_a_question_that_is_nearer_to_another_topic_is_not(sessions: sessionmaker[Session], people: None) -> None:
    with sessions() as session:
        _pairing(session, ["request:1"])
        _pairing(session, ["request:2", "request:3"], state=DONE)
        assert watchers(session, ["request:1", "request:2", "request:3"], ANYONE) == {}


def test_a_pairing_is_known_to_those_who_see_its_topic_while_it_goes_on(
    sessions: sessionmaker[Session], people: None
) -> None:
    with sessions() as session:
        _pairing(session, ["request:1"], state=DONE)
        aino = _pairing(session, ["request:1"], audience="team:it")
        of_team = reader_of(session.get_one(Person, aino))
        assert watchers(session, ["request:1"], ANYONE) == {}
        assert watchers(session, ["request:1"], of_team) == {aino: "Eero"}


def test_the_one_who_is_watched_comes_first_and_agents_see_who_watches(
    sessions: sessionmaker[Session], people: None, add_request: Add, open_recommender: Callable[[], Recommender]
) -> None:
    items = [f"request:{add_request('printer jams', answer='Pull it.', by='helmi')}" for _ in range(3)]
    items.append(f"request:{add_request('printer jams', answer='Pull the paper.', by='aino')}")
    recommender = open_recommender()
    with sessions() as session:
        agent = reader_of(session.query(Person).filter_by(handle="eero").one())
        assert recommender.recommend("printer jams", agent, session).experts[0].handle == "helmi"
        _pairing(session, items)
        first = recommender.recommend("printer jams", agent, session).experts[0]
        assert (first.handle, first.watched_by) == ("aino", "Eero")
        first = recommender.recommend("printer jams", ANYONE, session).experts[0]
        assert (first.handle, first.watched_by) == ("aino", None)
