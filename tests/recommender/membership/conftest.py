"""Fixtures for the tests of who belongs to the organisation: a database session."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import Person

Add = Callable[..., Person]


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def add(session: Session, add_person: Callable[..., int]) -> Add:
    """Adds a person who may sign in."""

    def added(handle: str, role: str = "staff", *teams: str) -> Person:
        session.commit()  # so that another connection can write
        person = session.get_one(Person, add_person(handle, role, *teams))
        accounts.open_account(session, person)
        session.commit()
        return person

    return added
