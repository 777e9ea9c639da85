"""Removes what was deleted in its source, unless people have written or changed something of it here.

What was only read here goes: it leaves the pages, the search and the database, and comes back if its source brings it
back. What was changed here stays and is listed as a conflict; `kollega erase` deletes it all the same.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.audiences import IMPORT
from indexer.loading.merge import DELETED, is_same
from indexer.loading.stated import outcome_here
from indexer.loading.writing import Writing
from indexer.sources.records import DeletedRecord
from recommender.database.attachment_tables import Attachment
from recommender.database.import_tables import ImportedRecord, digest, record_key
from recommender.database.request_tables import InternalNote
from recommender.database.tables import Document, HelpRequest, Reply
from recommender.knowledge.erasure import remove_document, remove_request


def _find(writing: Writing, record: DeletedRecord, source: str) -> HelpRequest | Document | None:
    if record.type == "request":
        return writing.references.request(record.id)
    query = select(Document).where(Document.source == source, Document.external_id == record.id)
    return writing.session.scalar(query.with_for_update(of=Document))


def is_here(session: Session, source: str, record: DeletedRecord) -> bool:
    """True when the item that a record says was deleted is in the database."""
    table = HelpRequest if record.type == "request" else Document
    where = (table.source == source) & (table.external_id == record.id)
    return session.scalar(select(table.id).where(where)) is not None


def put_deleted(writing: Writing, record: DeletedRecord, source: str) -> HelpRequest | Document | None:
    """Remove an item. Returns it when it stays because it was changed here, and None when it is gone."""
    row = _find(writing, record, source)
    if row is None:
        return None
    state = writing.states.get(writing.prepared.key)
    said = dict(state.fields) if state else None
    changed = list(_changed_request(writing, row, said) if isinstance(row, HelpRequest) else _changed(row, said))
    if changed or _has_files(writing, row):
        if writing.merge.has_changed(DELETED):
            writing.merge.kept.append(DELETED)
        return row
    if isinstance(row, HelpRequest):
        remove_request(writing.session, row, IMPORT)
    else:
        remove_document(writing.session, row, IMPORT)
    writing.states.pop(writing.prepared.key, None)
    writing.removed = True
    return None


def _changed(row: Document, said: dict[str, Any] | None) -> Iterator[str]:
    """The fields of a document that are not what its source last said; all when that is not known."""
    now = {"title": row.title, "body": row.body, "verified_on": row.verified_on,
           "owner": row.owner.handle if row.owner else None}  # fmt: skip
    yield from (name for name, value in now.items() if said is None or not _is(said.get(name), value))


def _changed_request(writing: Writing, row: HelpRequest, said: dict[str, Any] | None) -> Iterator[str]:
    """The parts of a request that are not what its source last said; all when that is not known."""
    now = {"title": row.title, "body": row.body, "tags": list(row.tags), "status": outcome_here(row)}
    yield from (name for name, value in now.items() if said is None or not _is(said.get(name), value))
    if row.assigned_to_id is not None:
        yield "assigned_to"
    if said is not None and "team" in said and not _is(said["team"], row.team.handle if row.team else None):
        yield "team"
    if not all(_is_imported(writing, row, reply, said or {}) for reply in row.replies):
        yield "replies"
    notes = writing.session.scalars(select(InternalNote).where(InternalNote.request_id == row.id))
    known = (said or {}).get("notes", {})
    if not all(each.external_id and _is(known.get(each.external_id, {}).get("body"), each.body) for each in notes):
        yield "notes"


def _is_imported(writing: Writing, row: HelpRequest, reply: Reply, said: dict[str, Any]) -> bool:
    """True for a reply that says what its source said, with its request or as a record of its own."""
    if reply.external_id is None:
        return False
    known = said.get("replies", {}).get(reply.external_id)
    if known is None:
        key = record_key("answer", row.external_id or "", reply.external_id)
        state = writing.session.get(ImportedRecord, (key, row.source))
        known = state.fields if state else {}
    return _is(known.get("body"), reply.body)


def _has_files(writing: Writing, row: HelpRequest | Document) -> bool:
    column = Attachment.request_id if isinstance(row, HelpRequest) else Attachment.document_id
    return writing.session.scalar(select(Attachment.id).where(column == row.id).limit(1)) is not None


def _is(said: str | None, value: Any) -> bool:
    return is_same(said, digest(value))
