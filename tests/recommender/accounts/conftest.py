"""Fixtures for the tests of accounts: a database session, and a person who may sign in."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import Person

PASSWORD = "Correct-horse 9"


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def aino(session: Session, add_person: Callable[..., int]) -> Person:
    """A person who may sign in with PASSWORD."""
    person = session.get_one(Person, add_person("aino"))
    accounts.set_password(session, person, PASSWORD)
    session.commit()
    return person
