"""The teams, people and requests that a record refers to, looked up in the database."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from indexer.loading.stated import handles_in
from indexer.sources.records import AnswerRecord, Change, QuestionRecord, Record, RequestRecord
from recommender.database.import_tables import ImportedRecord, digest, record_key
from recommender.database.tables import HelpRequest, Person, Team
from recommender.knowledge.erasure import was_erased
from recommender.sentences.sentence import Sentence

TEAMS_LEFT_OUT = Sentence("teams of a person without a team line before the record were left out")
_ERASED_READERS = Sentence("people in an audience who were erased here were left out")
WITHOUT_A_PERSON = {
    "asker": Sentence("askers without a person line before the record were left out"),
    "author": Sentence("authors without a person line before the record were left out"),
    "owner": Sentence("owners without a person line before the record were left out"),
}
"""Told of people who are not here, by what they are of a record."""


class BadRecord(Exception):
    """A record that refers to something that is not in the database. The message is for the admin."""


class DeletedHere(Exception):
    """A record of something that was imported before and deleted here since."""


class References:
    """Finds rows by the names that one source's records give them. What `records` refer to is looked up together, so
    that each of them needs fewer queries."""

    def __init__(self, session: Session, source: str, run: str, records: Sequence[Record] = ()) -> None:
        self._session, self._source, self._run = session, source, run
        teams, people, requests = _named(records)
        found = session.scalars(select(Team).where(Team.handle.in_(teams))) if teams else ()
        self._teams = {team.handle: team for team in found}
        known = session.execute(select(Person.handle, Person.id).where(Person.handle.in_(people))) if people else ()
        self._people: dict[str, int] = {handle: identifier for handle, identifier in known}
        self._requests: dict[str | None, HelpRequest] = {}
        if requests:
            where = HelpRequest.external_id.in_(requests)
            self._requests = {row.external_id: row for row in session.scalars(self._query().where(where))}

    def _query(self) -> Select[HelpRequest]:
        """The source's requests with their replies and audience."""
        query = select(HelpRequest).where(HelpRequest.source == self._source)
        loaded = query.options(selectinload(HelpRequest.replies), selectinload(HelpRequest.audience))
        return loaded.with_for_update(of=HelpRequest)

    def request(self, external_id: str) -> HelpRequest | None:
        """The source's request with this id, with its replies and audience; None when there is none."""
        if external_id in self._requests:
            return self._requests[external_id]
        with self._session.no_autoflush:
            return self._session.scalar(self._query().where(HelpRequest.external_id == external_id))

    def request_id(self, external_id: str) -> int | None:
        """Id of the source's request with this id; None when there is none."""
        where = (HelpRequest.source == self._source) & (HelpRequest.external_id == external_id)
        return self._session.scalar(select(HelpRequest.id).where(where))

    def team(self, handle: str | None, where: str) -> Team | None:
        """The team that the field `where` names; None for None. Raises BadRecord when there is none."""
        if handle is None:
            return None
        team = self._teams.get(handle) or self._session.scalar(select(Team).where(Team.handle == handle))
        if team is None:
            raise BadRecord(
                Sentence(
                    "%(field)s: there is no team '%(team)s'. Correct its name, put the team's line before this one, or "
                    "make it with: kollega team add %(team)s --name NAME",
                    field=where,
                    team=handle,
                )
            )
        return team

    def teams_if_listed(self, handles: Iterable[str], changes: list[Change]) -> list[Team]:
        """The teams with these handles; those that do not exist are left out, each with a change."""
        found: list[Team] = []
        for handle in handles:
            team = self._session.scalar(select(Team).where(Team.handle == handle))
            if team is None:
                changes.append((TEAMS_LEFT_OUT, handle))
            else:
                found.append(team)
        return found

    def person_if_listed(self, handle: str | None, where: str, changes: list[Change]) -> int | None:
        """Id of the person that the field `where` names; None, and a change, when there is none."""
        if handle is None or handle in self._people:
            return None if handle is None else self._people[handle]
        identifier = self._session.scalar(select(Person.id).where(Person.handle == handle))
        if identifier is None:
            changes.append((WITHOUT_A_PERSON[where], handle))
        return identifier

    def stub_id(self, handle: str | None) -> int | None:
        """Id of the person with this handle, who is created when there is none; the name comes in a later record. None
        for somebody who was imported before and deleted here."""
        if handle is None or handle in self._people:
            return None if handle is None else self._people[handle]
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
            changes.append((_ERASED_READERS, handle))
        elif identifier is None:
            raise BadRecord(
                Sentence("audience: there is no person '%(name)s'. Put the person's line before this one", name=handle)
            )
        return identifier


def _named(records: Sequence[Record]) -> tuple[list[str], list[str], list[str]]:
    """The teams, people and requests that records refer to, or are about, by their names."""
    teams: set[str] = set()
    people: set[str | None] = set()
    requests: set[str] = set()
    for record in records:
        named = handles_in(record)
        teams |= named[0]
        people |= named[1]
        match record:
            case RequestRecord():
                requests.add(record.id)
            case QuestionRecord():
                requests.add(record.id)
                people.add(record.asked_by)
            case AnswerRecord():
                requests.add(record.request)
                people.add(record.reply.author)
    return sorted(teams), sorted(name for name in people if name is not None), sorted(requests)
