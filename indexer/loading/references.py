"""The teams, people and requests that a record refers to, looked up in the database."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from indexer.sources.records import Change
from recommender.database.tables import HelpRequest, Person, Team


class BadRecord(Exception):
    """A record that refers to something that is not in the database. The message is for the admin."""


class References:
    """Finds rows by the names that one source's records give them."""

    def __init__(self, session: Session, source: str) -> None:
        self._session = session
        self._source = source

    def request(self, external_id: str) -> HelpRequest | None:
        """The source's request with this id, with its replies and audience; None when there is none."""
        query = select(HelpRequest).where(HelpRequest.source == self._source, HelpRequest.external_id == external_id)
        with self._session.no_autoflush:
            return self._session.scalar(
                query.options(selectinload(HelpRequest.replies), selectinload(HelpRequest.audience))
            )

    def team(self, handle: str | None, where: str) -> Team | None:
        """The team that the field `where` names; None for None. Raises BadRecord when there is none."""
        if handle is None:
            return None
        team = self._session.scalar(select(Team).where(Team.handle == handle))
        if team is None:
            raise BadRecord(f"{where}: there is no team {handle!r}. Put the team's line before this one")
        return team

    def teams_if_listed(self, handles: Iterable[str], changes: list[Change]) -> list[Team]:
        """The teams with these handles; those that do not exist are left out, each with a change."""
        found: list[Team] = []
        for handle in handles:
            team = self._session.scalar(select(Team).where(Team.handle == handle))
            if team is None:
                changes.append(("teams of a person without a team line before the record were left out", handle))
            else:
                found.append(team)
        return found

    def person_id(self, handle: str | None, where: str) -> int | None:
        """Id of the person that the field `where` names; None for None. Raises BadRecord when there is none."""
        if handle is None:
            return None
        identifier = self._session.scalar(select(Person.id).where(Person.handle == handle))
        if identifier is None:
            raise BadRecord(f"{where}: there is no person {handle!r}. Put the person's line before this one")
        return identifier

    def person_if_listed(self, handle: str | None, where: str, changes: list[Change]) -> int | None:
        """Id of the person that the field `where` names; None, and a change, when there is none."""
        if handle is None:
            return None
        identifier = self._session.scalar(select(Person.id).where(Person.handle == handle))
        if identifier is None:
            changes.append((f"{where}s without a person line before the record were left out", handle))
        return identifier

    def stub_id(self, handle: str | None) -> int | None:
        """Id of the person with this handle, who is created when there is none; the name comes in a later record."""
        if handle is None:
            return None
        with self._session.no_autoflush:
            identifier = self._session.scalar(select(Person.id).where(Person.handle == handle))
        if identifier is not None:
            return identifier
        person = Person(handle=handle, name=handle)
        self._session.add(person)
        self._session.flush()
        return person.id

    def tokens(self, audience: Iterable[str]) -> set[str]:
        """An audience as the database stores it, people by id. Raises BadRecord for an unknown person or team."""
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
