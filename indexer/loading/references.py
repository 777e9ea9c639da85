"""What a record names: the teams, people and requests that are in the database already."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from recommender.database.tables import HelpRequest, Person, Team


class BadRecord(Exception):
    """A record that refers to something that is not there. The message is for the admin."""


class References:
    """Finds rows by the names that one source's records give them."""

    def __init__(self, session: Session, source: str) -> None:
        self._session = session
        self._source = source

    def request(self, external_id: str) -> HelpRequest | None:
        """The source's request with this id, its replies and audience loaded; None when there is none."""
        query = select(HelpRequest).where(HelpRequest.source == self._source, HelpRequest.external_id == external_id)
        with self._session.no_autoflush:
            return self._session.scalar(
                query.options(selectinload(HelpRequest.replies), selectinload(HelpRequest.audience))
            )

    def team(self, handle: str | None, where: str) -> Team | None:
        """The team a field names; BadRecord when there is none."""
        if handle is None:
            return None
        team = self._session.scalar(select(Team).where(Team.handle == handle))
        if team is None:
            raise BadRecord(f"{where}: there is no team {handle!r}. Put the team's line before this one")
        return team

    def person_id(self, handle: str | None, where: str) -> int | None:
        """Id of the person a field names; BadRecord when there is none."""
        if handle is None:
            return None
        found = self._session.scalar(select(Person.id).where(Person.handle == handle))
        if found is None:
            raise BadRecord(f"{where}: there is no person {handle!r}. Put the person's line before this one")
        return found

    def stub_id(self, handle: str | None) -> int | None:
        """Id of a person known by id only, made on first sight; the name comes later."""
        if handle is None:
            return None
        with self._session.no_autoflush:
            found = self._session.scalar(select(Person.id).where(Person.handle == handle))
        if found is not None:
            return found
        person = Person(handle=handle, name=handle)
        self._session.add(person)
        self._session.flush()
        return person.id

    def tokens(self, audience: Iterable[str]) -> set[str]:
        """Reader tokens as the database holds them: people by id, teams checked."""
        tokens = set()
        for token in audience:
            kind, _, name = token.partition(":")
            if kind == "person":
                tokens.add(f"person:{self.person_id(name, 'audience')}")
            else:
                if kind == "team":
                    self.team(name, "audience")
                tokens.add(token)
        return tokens
