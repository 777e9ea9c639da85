"""Lets those read whom the rules of sources.toml name now, also where more people can read then: an admin asks for it.

A run of a source never does that by itself. So what came in before there was a rule for its readers stays for its team,
until somebody has it widened.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.audiences import IMPORT, Readers, document_readers, record_audience, request_readers
from indexer.loading.writing import replace_audience
from indexer.sources.records import DocumentRecord, RequestRecord
from recommender.access import document_audience, request_audience
from recommender.audit import PRUNED
from recommender.database import dialects
from recommender.database.audit_table import AuditEntry
from recommender.database.foreign_tables import person_named
from recommender.database.storing import in_chunks
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, RequestAudience, Team, utc_now
from recommender.sentences.sentence import Sentence, joined

Item = tuple[str, str]
"""(kind, id in the source) of a request or document."""
_AT_ONCE = 200  # items that are looked at in one transaction: a judgement


@dataclass
class Widened:
    """Which items more people may read, with their readers before and after, and how many stayed as they are: their
    readers were set here, or the entries of the audit log that would tell have been deleted."""

    lines: list[str] = field(default_factory=list)
    set_here: int = 0
    unknown: int = 0

    def __str__(self) -> str:
        said = [Sentence("items that more people may read: %(num)s", num=len(self.lines))]
        if self.set_here:
            said.append(Sentence("left, because their readers were set in Kollega: %(num)s", num=self.set_here))
        if self.unknown:
            unknown = Sentence("left, because the audit log no longer tells who set them: %(num)s", num=self.unknown)
            said.append(unknown)
        return joined(said, "; ")


def readers_by_rules(record: object) -> tuple[str, ...]:
    """The tokens that rules give the readers of a record; none when they give none, or it has readers of its own."""
    if isinstance(record, RequestRecord | DocumentRecord) and record.readers_there is not None:
        return record.audience or ()
    return ()


def widen(source: str, wanted: Mapping[Item, tuple[str, ...]], sessions: sessionmaker[Session]) -> Widened:
    """Let those read the items of a source who are `wanted`, where they may not read yet and nobody has set the readers
    here. Each change is in the audit log. Nothing is narrowed: the run before has done that."""
    result = Widened()
    for part in in_chunks(sorted(wanted), _AT_ONCE):
        with sessions.begin() as session:
            dialects.of(session.get_bind()).begin_writing(session.connection())
            log_begins = _beginning_of_the_log(session)
            known = {tokens: _known(session, tokens) for tokens in {wanted[item] for item in part}}
            for kind, row in _rows(session, source, part):
                _widen(session, kind, row, known[wanted[kind, row.external_id]], log_begins, result)
    return result


def _rows(session: Session, source: str, items: Sequence[Item]) -> Iterator[tuple[str, Any]]:
    for kind, table in (("request", HelpRequest), ("document", Document)):
        ids = [identifier for each, identifier in items if each == kind]
        where = (table.source == source) & table.external_id.in_(ids)
        for row in session.scalars(select(table).where(where).with_for_update(of=table)):
            yield kind, row


def _widen(
    session: Session, kind: str, row: Any, wanted: set[str], log_begins: datetime | None, result: Widened
) -> None:
    def person(identifier: int) -> Person | None:
        return session.get(Person, identifier)

    before = request_readers(row, person) if kind == "request" else document_readers(row, person)
    missing = {token for token in wanted if not before.include(token)}
    if not missing:
        return
    subject = f"{kind}:{row.id}"
    if _was_set_here(session, subject):
        result.set_here += 1
        return
    if log_begins is not None and _may_be_older(row, log_begins):
        result.unknown += 1
        return
    replace_audience(row, RequestAudience if kind == "request" else DocumentAudience, _tokens(row) | missing)
    row.updated_at = utc_now()
    session.flush()
    nameless = {f"person:{row.asked_by_id}"} if kind == "request" and row.anonymous else set()
    after = request_audience(row) if kind == "request" else document_audience(row)
    record_audience(session, subject, Readers(before.tokens, person), after, nameless)
    was, now = (_named(session, set(tokens) - nameless) for tokens in (before.tokens, after))
    result.lines.append(f"{kind} {row.external_id}: {was} -> {now}")


def _tokens(row: Any) -> set[str]:
    return {entry.token for entry in row.audience}


def _named(session: Session, tokens: set[str]) -> str:
    """The tokens for an admin, people by their handle."""
    people = {int(token.removeprefix("person:")) for token in tokens if token.startswith("person:")}
    handles = session.scalars(select(Person.handle).where(Person.id.in_(people)))
    others = {token for token in tokens if not token.startswith("person:")}
    return ", ".join(sorted(others | {f"person:{handle}" for handle in handles})) or "nobody"


def _known(session: Session, tokens: tuple[str, ...]) -> set[str]:
    """The tokens as the database has them: people by their id. Teams and people that are not here are left out."""
    found: set[str] = set()
    for token in tokens:
        kind, _, handle = token.partition(":")
        if kind == "person":
            person = person_named(session, handle)
            found |= {f"person:{person.id}"} if person is not None else set()
        elif kind != "team" or session.scalar(select(Team.id).where(Team.handle == handle)) is not None:
            found.add(token)
    return found


def _was_set_here(session: Session, subject: str) -> bool:
    """True when somebody has set the readers here."""
    action = f"{subject.partition(':')[0]}.audience"
    about = select(AuditEntry.id).where(AuditEntry.subject == subject, AuditEntry.action == action)
    return session.scalar(about.where(AuditEntry.via != IMPORT.via).limit(1)) is not None


def _beginning_of_the_log(session: Session) -> datetime | None:
    """The time of the oldest entry of the audit log, when older ones have been deleted; else None."""
    if session.scalar(select(AuditEntry.id).where(AuditEntry.action == PRUNED).limit(1)) is None:
        return None
    return session.scalar(select(func.min(AuditEntry.at)))


def _may_be_older(row: Any, log_begins: datetime) -> bool:
    """True when somebody may have set the readers before the oldest entry that is left."""
    since = getattr(row, "created_at", None)  # a document has none
    return since is None or bool(since < log_begins)
