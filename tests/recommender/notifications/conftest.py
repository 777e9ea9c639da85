"""People of two teams, a shared and a private request, and what each of them is told."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import Reader, reader_of
from recommender.database.tables import HelpRequest, Person, Team
from recommender.knowledge import requests
from recommender.notifications import inbox

PEOPLE = (
    ("minna", "staff"), ("otto", "agent", "it"), ("ilse", "agent", "it"), ("vera", "agent", "hr"), ("lasse", "staff"),
)  # fmt: skip


@pytest.fixture
def session(sessions: sessionmaker[Session], add_person: Callable[..., int]) -> Iterator[Session]:
    """A session in which PEOPLE are known, and the teams it and hr (restricted)."""
    for handle, role, *teams in PEOPLE:
        add_person(handle, role, *teams, restricted=["hr"])
    with sessions() as opened:
        yield opened


class Office:
    """Short names for what the tests do: who somebody is, and what they find in their inbox."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def person(self, handle: str) -> Person:
        return self.session.query(Person).filter_by(handle=handle).one()

    def reader(self, handle: str) -> Reader:
        return reader_of(self.person(handle))

    def team(self, handle: str) -> Team:
        return self.session.query(Team).filter_by(handle=handle).one()

    def ask(self, handle: str, title: str = "VPN drops", team: str = "it", shared: bool = True) -> HelpRequest:
        return requests.file_request(
            self.session, self.person(handle), title, "Since today.", "en", self.team(team), shared=shared
        )

    def told(self, handle: str) -> list[tuple[str, str]]:
        """(kind, handle of the actor) of what a person finds in their inbox, oldest first."""
        found = inbox.entries(self.session, self.reader(handle), first=0, most=100)
        assert len(found) == inbox.count(self.session, self.reader(handle))
        return [(entry.kind, entry.actor.handle if entry.actor else "") for entry in reversed(found)]

    def everybody_told(self) -> dict[str, list[tuple[str, str]]]:
        """The same of everybody who finds something."""
        return {handle: told for handle, *_ in PEOPLE if (told := self.told(handle))}


@pytest.fixture
def office(session: Session) -> Office:
    return Office(session)
