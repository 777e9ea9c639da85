"""storing.py: a row with a key is stored once, also when two store it at the same moment."""

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.storing import insert_or_keep, insert_or_update
from recommender.database.tables import Person
from recommender.database.told_tables import MailSettings

Sessions = sessionmaker[Session]


@pytest.fixture
def minna(sessions: Sessions) -> int:
    with sessions.begin() as session:
        person = Person(handle="minna", name="Minna")
        session.add(person)
        session.flush()
        return person.id


def test_the_second_values_replace_the_first_or_are_left_out(sessions: Sessions, minna: int) -> None:
    with sessions.begin() as session:
        key = {"person_id": minna}
        first = insert_or_update(session, MailSettings, key, {"daily_at": 7, "kinds": {"reply": "daily"}})
        assert (first.daily_at, first.kinds, first.language) == (7, {"reply": "daily"}, None)
        second = insert_or_update(session, MailSettings, key, {"daily_at": 9})
        assert second is first and (first.daily_at, first.kinds) == (9, {"reply": "daily"})
        kept = insert_or_keep(session, MailSettings, key, {"daily_at": 3})
        assert kept is first and first.daily_at == 9
    with sessions() as session:
        assert session.query(MailSettings).one().daily_at == 9


def test_what_was_changed_before_in_the_same_session_is_kept(sessions: Sessions, minna: int) -> None:
    with sessions.begin() as session:
        stored = insert_or_keep(session, MailSettings, {"person_id": minna}, {"kinds": {}})
        assert (stored.daily_at, stored.kinds) == (8, {})  # the usual hour
        stored.language = "fi"
        insert_or_update(session, MailSettings, {"person_id": minna}, {"daily_at": 9})
    with sessions() as session:
        row = session.query(MailSettings).one()
        assert (row.language, row.daily_at) == ("fi", 9)
