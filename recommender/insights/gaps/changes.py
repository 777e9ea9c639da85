"""What has changed in items: what replaced them, flags, edits of documents; and where documents were seen. All of it as
one reader may know it."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import Reader, may_read, readable_documents
from recommender.corpus import SEARCHABLE_DOCUMENTS, headings
from recommender.database.documents_tables import DocumentTranslation, DocumentVersion
from recommender.database.item_tables import Replacement
from recommender.database.tables import Document, Event
from recommender.datatypes import Kind, item_key
from recommender.knowledge import outcomes
from recommender.knowledge.outcomes import EventKind


def changes_of(session: Session, keys: Collection[str], reader: Reader) -> dict[str, list[tuple[str, datetime]]]:
    """(key, when) of each change of the items of `keys`, which the reader may read, by key: replaced by what the reader
    may read, marked as outdated, and documents whose text was changed."""
    found = defaultdict[str, list[tuple[str, datetime]]](list)
    marks = [row for row in session.execute(_REPLACEMENTS) if row[0] in keys]
    replacing = headings(session, {by for _item, by, _at in marks}, reader)
    for item, by, at in marks:
        if by in replacing:
            found[item].append((item, at))
    for flagged, day in session.execute(_FLAGS):
        if flagged is not None and flagged in keys:
            found[flagged].append((flagged, datetime.combine(day, time.min)))
    before: dict[int, str] = {}
    for document, at, digest, audience in session.execute(_VERSIONS):
        key = item_key(Kind.DOCUMENT, document)
        if key not in keys or not may_read(frozenset(audience), reader):
            continue
        if before.get(document, digest) != digest:
            found[key].append((key, at))
        before[document] = digest
    return found


def document_languages(session: Session, reader: Reader) -> dict[str, frozenset[str]]:
    """The languages in which each document that has translations exists, as far as the reader may read them."""
    rows = session.execute(
        select(Document.id, Document.language).where(SEARCHABLE_DOCUMENTS, readable_documents(reader))
    )
    language = {identifier: code for identifier, code in rows}
    groups = defaultdict[int, set[int]](set)
    for document, original in session.execute(_TRANSLATIONS):
        groups[original].update({document, original} & language.keys())
    return {
        item_key(Kind.DOCUMENT, document): frozenset(language[other] for other in group)
        for group in groups.values()
        for document in group
    }


def opened_or_used(session: Session, documents: Collection[str], reader: Reader) -> frozenset[str]:
    """Those of these documents that helped somebody or were opened, as far as the reader may know."""
    usage = outcomes.usage(session, documents, reader)
    return frozenset(key for key, seen in usage.items() if seen.used or seen.left or seen.unhelpful or seen.flags)


_REPLACEMENTS = select(Replacement.item, Replacement.by, Replacement.marked_at)
_FLAGS = select(Event.item, Event.day).where(Event.kind == EventKind.FLAGGED).distinct()
_VERSIONS = select(
    DocumentVersion.document_id, DocumentVersion.saved_at, DocumentVersion.text_digest, DocumentVersion.audience
).order_by(DocumentVersion.document_id, DocumentVersion.id)
_TRANSLATIONS = select(DocumentTranslation.document_id, DocumentTranslation.original_id)
