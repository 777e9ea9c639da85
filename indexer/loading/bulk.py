"""Writes many new requests, questions and documents at once, row for row as `rows.py` writes them one by one.

Only what is plain is written here: an item that is not in the database, was never imported and never erased, names
known teams, and has neither internal notes nor a merge. All else is left to `rows.py`, which knows all cases.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.audiences import default_audience
from indexer.loading.bulk_references import BulkReferences
from indexer.loading.handed_over import is_ticket_of, unnoted
from indexer.loading.many_rows import Row, among, insert_rows, insert_with_ids
from indexer.loading.merge import Merge
from indexer.loading.report import LoadReport
from indexer.loading.stated import identity, outcome
from indexer.loading.writing import Prepared
from indexer.sources.records import DocumentRecord, QuestionRecord, RequestRecord
from recommender.access import audience_of
from recommender.database.details_tables import DocumentDetails, RequestDetails
from recommender.database.handover_tables import Handover
from recommender.database.import_tables import ImportConflict, ImportedRecord, digest
from recommender.database.tables import (
    OPEN,
    Document,
    DocumentAudience,
    HelpRequest,
    Reply,
    RequestAudience,
)
from recommender.knowledge.erasure import erased_among
from recommender.outbox.handover import key_in

MOST_AT_ONCE = 400
"""Records that are written together, so that others wait for the lock a tenth of a second at most: a judgement."""
_OPEN: tuple[str, None, None, list[str]] = (OPEN, None, None, [])  # what came of a question so far


def write_new(session: Session, source: str, run: str, prepared: Sequence[Prepared], report: LoadReport) -> int:
    """Write the first records if they are of one kind, new and plain. Returns how many were written, may be 0."""
    kind = type(prepared[0].record)
    if not issubclass(kind, RequestRecord | QuestionRecord | DocumentRecord):
        return 0
    run_of_kind: list[Prepared] = []
    for each in prepared[:MOST_AT_ONCE]:
        if type(each.record) is not kind or not each.is_new:
            break
        run_of_kind.append(each)
    if not run_of_kind:
        return 0
    references = BulkReferences(session, source, run, [each.record for each in run_of_kind])
    table = Document if kind is DocumentRecord else HelpRequest
    taken = _taken(session, source, table, run_of_kind)
    plain: list[Prepared] = []
    for each in run_of_kind:
        if each.key in taken or not references.are_known(each.record) or not _is_plain(each.record):
            break
        plain.append(each)
    if plain:
        _Writer(session, source, run, references, report).write(plain)
    return len(plain)


def _is_plain(record: Any) -> bool:
    if not isinstance(record, RequestRecord):
        return True
    return record.merged_into is None and not any(reply.internal for reply in record.replies)


def _taken(session: Session, source: str, table: type[Any], prepared: Sequence[Prepared]) -> set[str]:
    """The keys of those records that are here, were here, or are waited for."""
    ids, keys = {_id(each): each.key for each in prepared}, [each.key for each in prepared]
    kind = identity(prepared[0].record)[0]
    here = select(table.external_id).where(table.source == source, table.external_id.in_(ids))
    taken = {ids[name] for name in session.scalars(here)}
    said = select(ImportedRecord.key).where(ImportedRecord.source == source, ImportedRecord.key.in_(keys))
    taken |= set(session.scalars(said))
    taken |= among(session, ImportConflict.key, ImportConflict.source == source, keys)
    taken |= {ids[name[2]] for name in erased_among(session, [(kind, source, name) for name in ids])}
    if table is HelpRequest:
        waiting = among(session, RequestDetails.merged_into, RequestDetails.merged_into.is_not(None), ids)
        sent_on = among(session, Handover.external_id, Handover.source == source, ids)
        taken |= {ids[name] for name in waiting | sent_on}
        taken |= {key for name, key in ids.items() if key_in(name)}
        sending = unnoted(session, source)
        records = [(each.key, each.record) for each in prepared if sending and isinstance(each.record, RequestRecord)]
        taken |= {key for key, record in records if any(is_ticket_of(each, record) for each in sending)}
    return taken


def _id(prepared: Prepared) -> str:
    return identity(prepared.record)[1]


class _Writer:
    """Writes plain records of one kind, with what they refer to."""

    def __init__(self, session: Session, source: str, run: str, references: BulkReferences, report: LoadReport) -> None:
        self._session, self._source, self._run = session, source, run
        self._references, self._report = references, report

    def write(self, prepared: Sequence[Prepared]) -> None:
        """Write the records, and count in the report what came of them."""
        changes: list[list[tuple[str, str]]] = [list(each.changes) for each in prepared]
        first = prepared[0].record
        self._references.add_stubs(each.record for each in prepared)
        rows = [self._row(each, told) for each, told in zip(prepared, changes, strict=True)]
        audiences = [self._tokens(each, told) for each, told in zip(prepared, changes, strict=True)]
        table = Document if isinstance(first, DocumentRecord) else HelpRequest
        ids = insert_with_ids(self._session, table.__table__, rows, "external_id")
        entries, column = (DocumentAudience, "document_id") if table is Document else (RequestAudience, "request_id")
        pairs = zip(ids, audiences, strict=True)
        self._insert(entries.__table__, [{column: row, "token": token} for row, tokens in pairs for token in tokens])
        if isinstance(first, RequestRecord):
            self._write_replies(prepared, ids, changes)
        self._write_details(prepared, ids)
        states = [
            {"key": each.key, "source": self._source, "fields": _fields(each), "run": self._run} for each in prepared
        ]
        self._insert(ImportedRecord.__table__, states)
        for each, row, tokens, told in zip(prepared, rows, audiences, changes, strict=True):
            self._count(each, row, tokens, told)

    def _row(self, prepared: Prepared, changes: list[tuple[str, str]]) -> Row:
        record, references = prepared.record, self._references
        common = {"source": self._source, "external_id": _id(prepared)}
        match record:
            case RequestRecord():
                status, resolved_at, resolution, _accepted = outcome(record)
                team = references.team(record.team)
                return common | {
                    "title": record.title, "body": record.body, "status": status, "tags": list(record.tags),
                    "language": record.language or prepared.language or "", "team_id": team,
                    "asked_by_id": references.person_if_listed(record.asked_by, "asker", changes),
                    "anonymous": record.anonymous, "name_known_to": [] if team is None else [team],
                    "created_at": record.created_at, "resolved_at": resolved_at, "resolution": resolution,
                    "url": record.url,
                }  # fmt: skip
            case QuestionRecord():
                return common | {
                    "title": record.title, "body": record.body, "status": OPEN, "tags": list(record.tags),
                    "language": record.language or prepared.language or "", "team_id": references.team(record.team),
                    "asked_by_id": references.person_or_none(record.asked_by), "created_at": record.created_at,
                    "accepted_external_id": record.accepted_reply,
                }  # fmt: skip
            case DocumentRecord():
                return common | {
                    "title": record.title, "body": record.body, "written_at": record.updated_at,
                    "language": record.language or prepared.language or "", "team_id": references.team(record.team),
                    "owner_id": references.person_if_listed(record.owner, "owner", changes),
                    "verified_on": record.verified_on, "url": record.url,
                }  # fmt: skip
        raise TypeError(type(record).__name__)

    def _tokens(self, prepared: Prepared, changes: list[tuple[str, str]]) -> list[str]:
        record = prepared.record
        if not isinstance(record, RequestRecord | DocumentRecord) or record.audience is None:
            private = prepared.restricted or self._references.is_restricted(getattr(record, "team", None))
            return list(default_audience(private))
        return sorted(self._references.tokens(record.audience, changes))

    def _write_replies(
        self, prepared: Sequence[Prepared], ids: Sequence[int], changes: Sequence[list[tuple[str, str]]]
    ) -> None:
        rows: list[Row] = []
        for each, row, told in zip(prepared, ids, changes, strict=True):
            if isinstance(each.record, RequestRecord):
                for reply in each.record.replies:
                    author = self._references.person_if_listed(reply.author, "author", told)
                    rows.append({
                        "request_id": row, "external_id": reply.id, "author_id": author, "body": reply.body,
                        "created_at": reply.created_at, "accepted": reply.accepted, "score": reply.score,
                    })  # fmt: skip
        self._insert(Reply.__table__, rows)

    def _write_details(self, prepared: Sequence[Prepared], ids: Sequence[int]) -> None:
        requests: list[Row] = []
        documents: list[Row] = []
        for each, row in zip(prepared, ids, strict=True):
            match each.record:
                case RequestRecord() as record if record.attachments or record.properties:
                    values = {"attachments": list(record.attachments), "properties": dict(record.properties)}
                    requests.append({"request_id": row, "merged_into": None, **values})
                case DocumentRecord() as record if record.attachments:
                    documents.append({"document_id": row, "attachments": list(record.attachments)})
        self._insert(RequestDetails.__table__, requests)
        self._insert(DocumentDetails.__table__, documents)

    def _insert(self, table: Any, rows: Sequence[Row]) -> None:
        insert_rows(self._session, table, rows)

    def _count(self, prepared: Prepared, row: Row, tokens: Iterable[str], changes: list[tuple[str, str]]) -> None:
        report, record = self._report, prepared.record
        merge = Merge(prepared.stated)
        merge.new = True
        kind = "document" if isinstance(record, DocumentRecord) else "request"
        person = row.get("owner_id") if kind == "document" else row.get("asked_by_id")
        team = None if row["team_id"] is None else getattr(record, "team", None)
        report.count_readers(kind, audience_of(list(tokens), person, team))
        report.count(prepared.place, identity(record), merge, changed=True)
        report.tell_all(prepared.place, changes)


def _fields(prepared: Prepared) -> dict[str, Any]:
    if isinstance(prepared.record, QuestionRecord):
        return {"status": digest(_OPEN)} | prepared.stated
    return prepared.stated
