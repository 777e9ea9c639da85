"""What stands beside a document: the requests that it has answered, and its translations, as far as a reader may read
them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_documents, readable_requests
from recommender.database.documents_tables import DocumentTranslation
from recommender.database.storing import insert_or_update
from recommender.database.tables import Document, Event, HelpRequest
from recommender.datatypes import Kind, item_key
from recommender.knowledge.outcomes import EventKind

MOST_ANSWERED = 20  # requests that are listed: a judgement


@dataclass(frozen=True)
class Answered:
    """The newest requests that were answered with a document, at most MOST_ANSWERED, and how many there are in all.
    Only requests that the reader may read are listed and counted."""

    requests: Sequence[HelpRequest]
    total: int


@dataclass(frozen=True)
class Translation:
    """Another language's version of a document; `changed_later` when it was changed after the document was last changed
    or verified, and `behind` when it is the other way round. Only one that is a translation of the other can be behind
    it; between two translations neither is True."""

    document: Document
    is_original: bool
    changed_later: bool
    behind: bool


def answered(session: Session, document: Document, reader: Reader) -> Answered:
    """The requests in which an agent has used a document to answer, newest first."""
    key = item_key(Kind.DOCUMENT, document.id)
    used_in = select(Event.request_id).where(Event.item == key, Event.kind == EventKind.USED)
    where = (HelpRequest.id.in_(used_in), HelpRequest.hidden.is_(False), readable_requests(reader))
    total = session.scalar(select(func.count()).select_from(HelpRequest).where(*where)) or 0
    newest = func.coalesce(HelpRequest.resolved_at, HelpRequest.created_at).desc()
    query = select(HelpRequest).where(*where).order_by(newest, HelpRequest.id.desc()).limit(MOST_ANSWERED)
    return Answered(session.scalars(query).all(), total)


def translations(session: Session, document: Document, reader: Reader) -> list[Translation]:
    """The original and the translations of a document that a reader may read, the original first, then by language.
    Drafts and hidden documents are left out."""
    own = session.get(DocumentTranslation, document.id)
    original = own.original_id if own else document.id
    siblings = select(DocumentTranslation.document_id).where(DocumentTranslation.original_id == original)
    query = select(Document).where(
        or_(Document.id == original, Document.id.in_(siblings)),
        Document.id != document.id,
        Document.hidden.is_(False),
        Document.draft.is_(False),
        readable_documents(reader),
    )
    found = [
        Translation(
            other,
            is_original=other.id == original,
            changed_later=other.id == original and other.written_at > _confirmed(document),
            behind=document.id == original and document.written_at > _confirmed(other),
        )
        for other in session.scalars(query)
    ]
    return sorted(found, key=lambda each: (not each.is_original, each.document.language, each.document.id))


def original_of(session: Session, document: Document) -> int | None:
    """The id of the document that this one is a translation of; None for none. Whether the reader may read it is
    decided where it is loaded."""
    mark = session.get(DocumentTranslation, document.id)
    return mark.original_id if mark else None


def set_original(session: Session, document: Document, original: Document | None) -> None:
    """Mark a document as a translation of another one, or of none. Of a translation its original is taken, and what was
    a translation of this document becomes one of that original: there are no chains."""
    session.execute(delete(DocumentTranslation).where(DocumentTranslation.document_id == document.id))
    if original is None:
        return
    number = original_of(session, original) or original.id
    if number == document.id:  # it becomes a translation of what was its own translation
        session.execute(delete(DocumentTranslation).where(DocumentTranslation.document_id == original.id))
        number = original.id
    for mark in session.scalars(select(DocumentTranslation).where(DocumentTranslation.original_id == document.id)):
        mark.original_id = number
    insert_or_update(session, DocumentTranslation, {"document_id": document.id}, {"original_id": number})


def _confirmed(document: Document) -> datetime:
    """When somebody last changed or verified a document: the end of the day on which it was verified."""
    if document.verified_on is None:
        return document.written_at
    return max(document.written_at, datetime.combine(document.verified_on, time.max))
