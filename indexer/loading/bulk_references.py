"""The teams and people that many records refer to, looked up together."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.many_rows import insert_rows, insert_with_ids
from indexer.loading.references import WITHOUT_A_PERSON
from indexer.loading.stated import handles_in
from indexer.sources.records import AnswerRecord, Change, DocumentRecord, QuestionRecord, Record, RequestRecord
from recommender.database.import_tables import ImportedRecord, digest, record_key
from recommender.database.person_kind import guess_kind
from recommender.database.tables import Person, Team
from recommender.knowledge.erasure import PERSON, erased_among


class BulkReferences:
    """What `references.References` finds one by one, for the records of one source that are written together."""

    def __init__(self, session: Session, source: str, run: str, records: Sequence[Record]) -> None:
        self._session, self._source, self._run = session, source, run
        teams: set[str] = set()
        people: dict[str, None] = {}
        for record in records:
            named = handles_in(record)
            teams |= named[0] | {name for name in _readers(record, "team")}
            people |= dict.fromkeys([*named[1], *_readers(record, "person"), *_stubs(record)])
        rows = session.execute(select(Team.handle, Team.id, Team.restricted).where(Team.handle.in_(sorted(teams))))
        self._teams = {handle: (identifier, restricted) for handle, identifier, restricted in rows}
        self._people = _ids(session, people)

    def are_known(self, record: Record) -> bool:
        """True when the teams of a record and of its audience, and the people of its audience, are here."""
        team = getattr(record, "team", None)
        if team is not None and team not in self._teams:
            return False
        readers = _readers(record, "person")
        return all(name in self._teams for name in _readers(record, "team")) and all(
            name in self._people for name in readers
        )

    def team(self, handle: str | None) -> int | None:
        """Id of a team."""
        return None if handle is None else self._teams[handle][0]

    def is_restricted(self, handle: str | None) -> bool:
        """True for a restricted team."""
        return handle is not None and self._teams[handle][1]

    def person_if_listed(self, handle: str | None, where: str, changes: list[Change]) -> int | None:
        """Id of the person that the field `where` names; None, and a change, when there is none."""
        if handle is None:
            return None
        if handle not in self._people:
            changes.append((WITHOUT_A_PERSON[where], handle))
        return self._people.get(handle)

    def tokens(self, audience: Iterable[str], _changes: list[Change]) -> set[str]:
        """An audience as the database stores it, people by id."""
        parts = ((token, *token.partition(":")) for token in audience)
        return {f"person:{self._people[name]}" if kind == "person" else token for token, kind, _colon, name in parts}

    def person_or_none(self, handle: str | None) -> int | None:
        """Id of the person with this handle; None when there is none, also after `add_stubs`."""
        return None if handle is None else self._people.get(handle)

    def add_stubs(self, records: Iterable[Record]) -> None:
        """Add the people whom questions and answers name and who are not here, except those who were imported before
        and deleted here."""
        named = dict.fromkeys(handle for record in records for handle in _stubs(record) if handle not in self._people)
        if not named:
            return
        keys = {handle: record_key("person", handle) for handle in named}
        known = select(ImportedRecord.key).where(ImportedRecord.key.in_(keys.values()))
        gone = {*self._session.scalars(known)}
        erased = {name[-1] for name in erased_among(self._session, [(PERSON, handle) for handle in named])}
        new = [handle for handle in named if keys[handle] not in gone and handle not in erased]
        rows = [{"handle": handle, "name": handle, "kind": guess_kind(handle, handle)} for handle in new]
        ids = insert_with_ids(self._session, Person.__table__, rows, "handle")
        self._people |= dict(zip(new, ids, strict=True))
        said = [
            {"key": keys[handle], "source": self._source, "fields": {"name": digest(handle)}, "run": self._run}
            for handle in new
        ]
        insert_rows(self._session, ImportedRecord.__table__, said)


def _ids(session: Session, handles: Iterable[str]) -> dict[str, int]:
    named = sorted(handles)
    if not named:
        return {}
    query = select(Person.handle, Person.id).where(Person.handle.in_(named))
    return {handle: identifier for handle, identifier in session.execute(query)}


def _readers(record: Record, kind: str) -> list[str]:
    """The handles of the readers of this kind, "team" or "person", whom the audience of a record names."""
    if not isinstance(record, RequestRecord | DocumentRecord) or not record.audience:
        return []
    return [token.partition(":")[2] for token in record.audience if token.startswith(f"{kind}:")]


def _stubs(record: Record) -> list[str]:
    match record:
        case QuestionRecord() if record.asked_by is not None:
            return [record.asked_by]
        case AnswerRecord() if record.reply.author is not None:
            return [record.reply.author]
    return []
