"""people/preferences.py: what a person has set is saved, changed and erased without changing anybody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Event, FirstSuggestion, Person, PersonSettings, PersonTopic
from recommender.knowledge import outcomes
from recommender.knowledge.outcomes import declined_on
from recommender.people.availability import count_first
from recommender.people.preferences import Preferences, erase, first_on, load_preferences, save_preferences, topics

NOTHING = Preferences(None, False, None, None, (), (), ())


@pytest.fixture
def people(sessions: sessionmaker[Session], add_person: Callable[..., int]) -> tuple[int, int]:
    """Aino and Matti, both with preferences."""
    aino, matti = add_person("aino"), add_person("matti")
    with sessions.begin() as session:
        for person_id, deputy_id in ((aino, matti), (matti, aino)):
            person, deputy = session.get_one(Person, person_id), session.get_one(Person, deputy_id)
            preferences = Preferences(date(2026, 6, 1), False, 3, deputy, ("fi", "en"), ("vpn", "printer"), ("salary",))
            save_preferences(session, person, preferences)
            count_first(session, person_id, date(2026, 5, 20))
            outcomes.record(session, outcomes.EventKind.NOT_MY_TOPIC, "request:1", subject_id=person_id)
        outcomes.record(session, outcomes.EventKind.USED, "request:1")
    return aino, matti


def test_saved_preferences_are_loaded(sessions: sessionmaker[Session], people: tuple[int, int]) -> None:
    with sessions() as session:
        aino, matti = (session.get_one(Person, number) for number in people)
        assert load_preferences(session, aino) == Preferences(
            date(2026, 6, 1), False, 3, matti, ("fi", "en"), ("vpn", "printer"), ("salary",)
        )
        assert first_on(session, aino) == {date(2026, 5, 20): 1}
        assert list(declined_on(session, aino.id)) == ["request:1"]


def test_a_person_who_has_set_nothing_has_the_defaults(
    sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    number = add_person("kaisa")
    with sessions() as session:
        assert load_preferences(session, session.get_one(Person, number)) == NOTHING
        assert not session.new


def test_a_topic_that_stays_keeps_its_day_and_an_omitted_one_is_deleted(
    sessions: sessionmaker[Session], people: tuple[int, int]
) -> None:
    with sessions.begin() as session:
        aino = session.get_one(Person, people[0])
        topics(session, aino)[0].created_on = date(2020, 1, 1)
        save_preferences(
            session, aino, replace(load_preferences(session, aino), muted=("coffee", "vpn"), stated=("vpn",))
        )
    with sessions() as session:
        aino, matti = (session.get_one(Person, number) for number in people)
        stored = {(row.kind, row.topic, row.created_on == date(2020, 1, 1)) for row in topics(session, aino)}
        assert stored == {("muted", "vpn", True), ("muted", "coffee", False), ("stated", "vpn", False)}
        assert load_preferences(session, matti).muted == ("vpn", "printer")


def test_erasing_deletes_all_of_a_person_pauses_them_and_changes_nobody_else(
    sessions: sessionmaker[Session], people: tuple[int, int]
) -> None:
    with sessions.begin() as session:
        erase(session, session.get_one(Person, people[0]))
    with sessions() as session:
        aino, matti = (session.get_one(Person, number) for number in people)
        assert load_preferences(session, aino) == replace(
            NOTHING, paused=True, languages=("fi", "en"), away_until=date(2026, 6, 1)
        )
        assert first_on(session, aino) == declined_on(session, aino.id) == {}
        assert load_preferences(session, matti).deputy is aino and load_preferences(session, matti).capacity == 3
        assert list(first_on(session, matti).values()) == [1] and list(declined_on(session, matti.id)) == ["request:1"]
        assert session.query(Event).filter_by(kind="used").count() == 1


def test_deleting_a_person_deletes_their_preferences_and_their_role_as_deputy(
    sessions: sessionmaker[Session], people: tuple[int, int]
) -> None:
    aino, matti = people
    with sessions.begin() as session:
        session.delete(session.get_one(Person, aino))
    with sessions() as session:
        for table in (PersonSettings, PersonTopic, FirstSuggestion):
            assert {row.person_id for row in session.query(table)} == {matti}
        assert load_preferences(session, session.get_one(Person, matti)).deputy is None
