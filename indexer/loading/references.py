"""The teams, people and requests that a record refers to, looked up in the database."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from indexer.sources.records import Change
from recommender.database.import_tables import ImportedRecord, digest, record_key
from recommender.database.tables import HelpRequest, Person, Team
from recommender.knowledge.erasure import was_erased


class BadRecord(Exception):
    """A record that refers to something that is not in the database. The message is for the admin."""


class DeletedHere(Exception):
    """A record of something that was imported before and deleted here since."""


class References:
    """Finds rows by the names that one source's records give them."""

    def __init__(self, session: Session, source: str, run: str) -> None:
        self._session, self._source, self._run = session, source, run

    def request(self, external_id: str) -> HelpRequest | None:
        """The source's request with this id, with its replies and audience; None when there is none."""
        query = select(HelpRequest).where(HelpRequest.source == self._source, HelpRequest.external_id == external_id)
        with self._session.no_autoflush:
            return self._session.scalar(
                query.options(selectinload(HelpRequest.replies), selectinload(HelpRequest.audience)).with_for_update(
                    of=HelpRequest
                )
            )

    def request_id(self, external_id: str) -> int | None:
        """Id of the source's request with this id; None when there is none."""
        where = (HelpRequest.source == self._source) & (HelpRequest.external_id == external_id)
        return self._session.scalar(select(HelpRequest.id).where(where))

    def team(self, handle: str | None, where: str) -> Team | None:
        """The team that the field `where` names; None for None. Raises BadRecord when there is none."""
        if handle is None:
            return None
        team = self._session.scalar(select(Team).where(Team.handle == handle))
        if team is None:
            raise BadRecord(
                f"{where}: there is no team {handle!r}. Put the team's line before this one, or correct its name"
            )
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

    def person_if_listed(self, handle: str | None, where: str, changes: list[Change]) -> int | None:
        """Id of the person that the field `where` names; None, and a change, when there is none."""
        if handle is None:
            return None
        identifier = self._session.scalar(select(Person.id).where(Person.handle == handle))
        if identifier is None:
            changes.append((f"{where}s without a person line before the record were left out", handle))
        return identifier

    def stub_id(self, handle: str | None) -> int | None:
        """Id of the person with this handle, who is created when there is none; the name comes in a later record. None
        for somebody who was imported before and deleted here."""
        if handle is None:
            return None
        with self._session.no_autoflush:
            identifier = self._session.scalar(select(Person.id).where(Person.handle == handle))
            key = record_key("person", handle)
            known = select(ImportedRecord.key).where(ImportedRecord.key == key)
            if identifier is not None or self._session.scalar(known) is not None:
                return identifier
            if was_erased(self._session, "person", handle):
                return None
        person = Person(handle=handle, name=handle)
        said = ImportedRecord(key=key, source=self._source, fields={"name": digest(handle)}, run=self._run, earlier=[])
        self._session.add_all([person, said])
        self._session.flush()
        return person.id

    def person(self, identifier: int) -> Person | None:
        """The person with this id; None when there is none."""
        with self._session.no_autoflush:
            return self._session.get(Person, identifier)

    def tokens(self, audience: Iterable[str], changes: list[Change]) -> set[str]:
        """An audience as the database stores it, people by id. People who were erased here are left out, each with a
        change. Raises BadRecord for an unknown person or team."""
        tokens = set()
        for token in audience:
            kind, _, name = token.partition(":")
            if kind == "person":
                identifier = self._reader_id(name, changes)
                tokens |= set() if identifier is None else {f"person:{identifier}"}
            else:
                if kind == "team":
                    self.team(name, "audience")
                tokens.add(token)
        return tokens

    def _reader_id(self, handle: str, changes: list[Change]) -> int | None:
        identifier = self._session.scalar(select(Person.id).where(Person.handle == handle))
        if identifier is None and was_erased(self._session, "person", handle):
            changes.append(("people in an audience who were erased here were left out", handle))
        elif identifier is None:
            raise BadRecord(f"audience: there is no person {handle!r}. Put the person's line before this one")
        return identifier
