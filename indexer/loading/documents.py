"""Writes the records of documents."""

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from indexer.loading.audiences import (
    IMPORT,
    default_audience,
    document_readers,
    merge_audience,
    merge_team,
    readers_when_published,
    record_audience,
    takes_person,
)
from indexer.loading.details import put_document_details
from indexer.loading.writing import Writing, replace_audience, update
from indexer.sources.records import DocumentRecord
from recommender import audit
from recommender.access import document_audience
from recommender.database.tables import Document, DocumentAudience, HelpRequest


def put_document(writing: Writing, record: DocumentRecord, source: str) -> Document:
    """Write a document. Raises BadRecord and DeletedHere."""
    references = writing.references
    team = references.team(record.team, "team")
    owner_id = references.person_if_listed(record.owner, "owner", writing.changes)
    private = writing.prepared.restricted or (team is not None and team.restricted)
    audience = default_audience(private) if record.audience is None else record.audience
    wanted = references.tokens(audience, writing.changes)
    query = select(Document).where(Document.source == source, Document.external_id == record.id)
    row = writing.session.scalar(query.options(selectinload(Document.audience)).with_for_update(of=Document))
    if row is None:
        writing.must_be_new("document", source, record.id)
        row = Document(source=source, external_id=record.id, audience=[], language="")
        update(row, team=team, team_id=team.id if team else None, owner_id=owner_id)
        replace_audience(row, DocumentAudience, wanted)
        writing.session.add(row)
    else:
        _merge_readers(writing, row, record, wanted, owner_id)
    _merge_text(writing, row, record)
    writing.set(row, "updated_at", record.updated_at, "written_at")
    writing.set(row, "verified_on", record.verified_on)
    writing.set(row, "url", record.url, editable=False)
    put_document_details(writing, row, record)
    return row


def _merge_readers(
    writing: Writing, row: Document, record: DocumentRecord, wanted: set[str], owner_id: int | None
) -> None:
    """Owner, team and audience of a document that is there already, and what the audit log says about them."""
    references, merge = writing.references, writing.merge
    team, owner = row.team, row.owner_id
    readers, published = document_readers(row, references.person), readers_when_published(row, references.person)
    then = references.person(owner_id) if owner_id is not None else None
    if takes_person(row, "owner", row.owner, then, merge, readers):
        row.owner, row.owner_id = then, owner_id
    merge_team(row, references.team(record.team, "team"), merge, readers)
    tokens = merge_audience(row, wanted, True, merge, published)
    if tokens is not None:
        replace_audience(row, DocumentAudience, tokens)
    subject = f"document:{row.id}"
    handles = (team.handle if team else None, row.team.handle if row.team else None)
    audit.record_change(writing.session, IMPORT, "document.team", subject, *handles)
    audit.record_change(writing.session, IMPORT, "document.owner", subject, owner, row.owner_id)
    record_audience(writing.session, subject, readers, document_audience(row))


def _merge_text(writing: Writing, row: Document, record: DocumentRecord) -> None:
    writing.set(row, "title", record.title)
    writing.set(row, "body", record.body)
    put_language(writing, row, record.language)


def put_language(writing: Writing, row: HelpRequest | Document, stated: str | None) -> None:
    """The language that a record states; else the one that was found, when the text was taken."""
    merge, found = writing.merge, writing.prepared.language
    if stated is not None:
        writing.set(row, "language", stated)
    elif found is not None and (merge.new or {"title", "body"}.intersection(merge.taken)):
        update(row, language=found)
