"""What each kind of record states, field by field, in the form in which the database stores it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from indexer.loading.merge import DELETED, Stated, digest_of_handle
from indexer.sources.records import (
    AnswerRecord,
    DeletedRecord,
    DocumentRecord,
    LinkRecord,
    PersonNameRecord,
    PersonRecord,
    QuestionRecord,
    Record,
    ReplyRecord,
    RequestRecord,
    TeamRecord,
)
from recommender.database.foreign_tables import address_digest
from recommender.database.import_tables import digest, record_key
from recommender.database.tables import OPEN, RESOLVED, HelpRequest

Outcome = tuple[str, datetime | None, str | None, list[str]]
"""What came of a request: its status, when it was resolved, with which words, and the ids of the accepted replies.
These belong together, since what a person does here changes several of them."""
TEAM_CONTACT = ("phone", "hours", "hours_fi", "hours_sv", "private_matters")
PERSON_FIELDS = ("name", "role", "languages", "left_on", "away_until", "kind")

_KINDS: dict[type, str] = {
    TeamRecord: "team",
    PersonRecord: "person",
    PersonNameRecord: "person",
    RequestRecord: "request",
    QuestionRecord: "request",
    DocumentRecord: "document",
}


@dataclass(frozen=True)
class Known:
    """The handles of the teams and people that are in the database, and of the teams that the source says are
    restricted; and of the people who were erased and are not there."""

    teams: frozenset[str]
    people: frozenset[str]
    restricted: frozenset[str]
    erased: frozenset[str] = frozenset()

    def person(self, handle: str | None) -> str:
        """The digest of a person whom a record names."""
        return digest_of_handle(handle, handle in self.people, handle in self.erased)


def identity(record: Record) -> tuple[str, str]:
    """(kind, id) of what a record is about, for an admin and for `key_of`."""
    kind = _KINDS.get(type(record))
    if kind is not None:
        return kind, record.id  # type: ignore[union-attr]
    match record:
        case DeletedRecord():
            return record.type, record.id
        case AnswerRecord():
            return "answer", record.reply.id
        case LinkRecord():
            return "link", f"{record.from_request} {record.to_request}"
    raise TypeError(type(record).__name__)


def key_of(record: Record) -> str:
    """The key of a record in the table of imported records."""
    kind, *identifiers = name_of(record)
    return record_key(kind, *identifiers)


def name_of(record: Record) -> tuple[str, ...]:
    """(kind, id) of a record, and of an answer (kind, id of its request, id): no other record of its source has it."""
    kind, identifier = identity(record)
    return (kind, record.request, identifier) if isinstance(record, AnswerRecord) else (kind, identifier)


def handles_in(record: Record) -> tuple[set[str], set[str]]:
    """(teams, people) that a record refers to, by their handles."""
    teams: set[str | None] = set()
    people: set[str | None] = set()
    match record:
        case PersonRecord():
            teams.update(record.teams)
        case RequestRecord():
            teams.add(record.team)
            people.update([record.asked_by, *(reply.author for reply in record.replies)])
        case DocumentRecord():
            teams.add(record.team)
            people.add(record.owner)
        case QuestionRecord():
            teams.add(record.team)
        case _:
            pass
    return {handle for handle in teams if handle}, {handle for handle in people if handle}


def people_in(record: Record) -> set[str]:
    """The people whom a request, reply or document names, also as readers, by their ids in the source."""
    if isinstance(record, QuestionRecord | AnswerRecord):
        named = record.asked_by if isinstance(record, QuestionRecord) else record.reply.author
        return {named} - {None}  # type: ignore[return-value]
    if not isinstance(record, RequestRecord | DocumentRecord):
        return set()
    readers = (token.partition(":") for token in record.audience or ())
    return handles_in(record)[1] | {name for kind, _colon, name in readers if kind == "person"}


def stated_by(record: Record, known: Known) -> Stated | None:
    """What a record states; None for a link, of which nothing is remembered."""
    match record:
        case TeamRecord():
            given = record.model_fields_set & {"restricted", "name_sv", *TEAM_CONTACT} | {"name", "name_fi"}
            return {name: digest(getattr(record, name)) for name in sorted(given)}
        case PersonRecord():
            return _person(record, known)
        case PersonNameRecord():
            return {"name": digest(record.name)}
        case RequestRecord():
            return _request(record, known)
        case QuestionRecord():
            names = ("title", "body", "tags", "asked_by", "created_at", "accepted_reply")
            stated: Stated = {name: digest(getattr(record, name)) for name in names}
            also = {name: digest(getattr(record, name)) for name in ("team", "language") if getattr(record, name)}
            return stated | also
        case AnswerRecord():
            # people of such a source are added when they are first named, so that all of them are listed
            return _reply(record.reply, digest(record.reply.author))
        case DocumentRecord():
            return _document(record, known)
        case DeletedRecord():
            return {DELETED: digest(True)}
        case LinkRecord():
            return None


def outcome(record: RequestRecord) -> Outcome:
    """What came of a request as its record says: internal notes are no answers, and what was merged is over."""
    resolved_at, replies = record.resolved_at, [reply for reply in record.replies if not reply.internal]
    is_open = record.status == OPEN and record.merged_into is None
    if not is_open and resolved_at is None:
        resolved_at = max((reply.created_at for reply in replies), default=record.created_at)
    accepted = sorted(reply.id for reply in replies if reply.accepted)
    return OPEN if is_open else RESOLVED, resolved_at, record.resolution, accepted


def outcome_here(row: HelpRequest) -> Outcome:
    """The same of a request in the database. A reply that was written here goes by its number there."""
    accepted = [reply.external_id or f"here:{reply.id}" for reply in row.replies if reply.accepted]
    return row.status, row.resolved_at, row.resolution, sorted(accepted)


def _person(record: PersonRecord, known: Known) -> Stated:
    given = record.model_fields_set | {"name"}
    stated = {name: digest(getattr(record, name)) for name in PERSON_FIELDS if name in given}
    if "teams" in given:
        stated["teams"] = digest(sorted(known.teams.intersection(record.teams)))
    return stated | ({"address": digest(address_digest(record.email))} if record.email else {})


def _request(record: RequestRecord, known: Known) -> Stated:
    stated: Stated = {
        name: digest(getattr(record, name)) for name in ("title", "body", "tags", "created_at", "url", "anonymous")
    }
    stated["team"] = digest(record.team)
    stated["asked_by"] = known.person(record.asked_by)
    stated["audience"] = _audience(record.audience, record.team in known.restricted)
    stated["status"] = digest(outcome(record))
    public = [reply for reply in record.replies if not reply.internal]
    stated["replies"] = {reply.id: _reply(reply, known.person(reply.author)) for reply in public}
    internal = [reply for reply in record.replies if reply.internal and record.team is not None]
    stated["notes"] = {reply.id: _reply(reply, known.person(reply.author)) for reply in internal}
    stated |= {name: digest(getattr(record, name)) for name in ("merged_into", "attachments", "properties")}
    return stated | ({"language": digest(record.language)} if record.language else {})


def _document(record: DocumentRecord, known: Known) -> Stated:
    stated: Stated = {name: digest(getattr(record, name)) for name in ("title", "body", "verified_on", "url")}
    stated["updated_at"] = digest(record.updated_at)
    stated["team"] = digest(record.team)
    stated["owner"] = known.person(record.owner)
    restricted = record.audience is None and record.team in known.restricted
    stated["audience"] = _audience(None if restricted else record.audience or ("everyone",), restricted)
    stated["attachments"] = digest(record.attachments)
    return stated | ({"language": digest(record.language)} if record.language else {})


def _reply(reply: ReplyRecord, author: str) -> dict[str, Any]:
    stated = {name: digest(getattr(reply, name)) for name in ("body", "created_at", "score")}
    return stated | {"author": author}


def _audience(audience: Sequence[str] | None, restricted: bool) -> str:
    """An audience that is left out is that of the team, as far as the source says: what an admin sets here for new
    requests of a team is no change in the source."""
    return digest(["default", restricted] if audience is None else sorted(set(audience)))
