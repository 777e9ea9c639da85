"""Writes what a record says beside its texts: the request it was merged into, names of files, values by their names."""

from sqlalchemy import select

from indexer.loading.writing import Writing, update
from indexer.sources.records import DocumentRecord, RequestRecord
from recommender.database.details_tables import DocumentDetails, RequestDetails
from recommender.database.tables import Document, HelpRequest, RequestLink
from recommender.sentences.sentence import Sentence

CIRCLE = Sentence(
    "requests that are merged into each other in a circle were left unmerged: correct where one of them leads"
)
_MERGED = "duplicate"


def put_request_details(writing: Writing, row: HelpRequest, record: RequestRecord, source: str) -> None:
    """Set what a request's record says beside its texts."""
    details = writing.session.get(RequestDetails, row.id) if row.id else None
    if details is None:
        details = RequestDetails(merged_into=None, attachments=[], properties={})
    writing.set(details, "attachments", list(record.attachments), editable=False)
    writing.set(details, "properties", dict(record.properties), editable=False)
    _put_merge(writing, row, details, record, source)
    if details.request_id is None and (details.merged_into or details.attachments or details.properties):
        details.request = row
        writing.session.add(details)


def put_document_details(writing: Writing, row: Document, record: DocumentRecord) -> None:
    """Set the names of the files that are attached to a document."""
    details = writing.session.get(DocumentDetails, row.id) if row.id else None
    if details is None:
        details = DocumentDetails(attachments=[])
    writing.set(details, "attachments", list(record.attachments), editable=False)
    if details.document_id is None and details.attachments:
        details.document = row
        writing.session.add(details)


def link_merged(writing: Writing, row: HelpRequest, source: str) -> None:
    """Link a stored request to the one that it was merged into, and those that were merged into it before it came."""
    session = writing.session
    into = session.scalar(select(RequestDetails.merged_into).where(RequestDetails.request_id == row.id))
    target = writing.references.request_id(into) if into else None
    named = select(RequestDetails.request_id).join(HelpRequest).where(RequestDetails.merged_into == row.external_id)
    pairs = [(row.id, target)] if target is not None else []
    pairs += [(waiting, row.id) for waiting in session.scalars(named.where(HelpRequest.source == source))]
    for first, second in pairs:
        session.merge(RequestLink(from_id=first, to_id=second, kind=_MERGED))


def _put_merge(writing: Writing, row: HelpRequest, details: RequestDetails, record: RequestRecord, source: str) -> None:
    before, into = details.merged_into, record.merged_into
    if not writing.merge.takes("merged_into", before, editable=False) or before == into:
        return
    if into is not None and _leads_to(writing, into, record.id, source):
        writing.changes.append((CIRCLE, record.id))
        into = None
    old = writing.references.request_id(before) if before else None
    link = writing.session.get(RequestLink, (row.id, old, _MERGED)) if old is not None and row.id else None
    if link is not None:
        writing.session.delete(link)
    update(details, merged_into=into)


def _leads_to(writing: Writing, start: str, end: str, source: str) -> bool:
    """True when the request `start` is `end`, or was merged into it, directly or through others."""
    seen: set[str] = set()
    following: str | None = start
    while following is not None and following not in seen and following != end:
        seen.add(following)
        where = (HelpRequest.source == source) & (HelpRequest.external_id == following)
        following = writing.session.scalar(select(RequestDetails.merged_into).join(HelpRequest).where(where))
    return following == end
