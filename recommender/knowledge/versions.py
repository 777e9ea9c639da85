"""What documents said before: stored at each save, read by those who could read it then, and removed for good.

A version has the audience that its document had when it was saved. Who reads a version must be in that audience and in
the one that the same text had last, besides being able to read the document now: so neither a draft nor a text that was
narrowed later is ever read by more people than before.

The functions change rows of the session and leave the commit to the caller.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, Text, cast, delete, select, update
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import EVERYONE, Reader, document_audience, may_edit, may_read
from recommender.database.documents_tables import DocumentVersion
from recommender.database.tables import Document
from recommender.datatypes import Kind, item_key
from recommender.errors import NotAllowed


@dataclass(frozen=True)
class History:
    """The versions of a document that a reader may read, newest first."""

    versions: Sequence[DocumentVersion]

    def find(self, version_id: int) -> DocumentVersion | None:
        """The version with this id; None when there is none, or the reader may not read it."""
        return next((version for version in self.versions if version.id == version_id), None)

    def before(self, version: DocumentVersion) -> DocumentVersion | None:
        """The version before this one that the reader may read; None for the first."""
        return next((other for other in self.versions if other.id < version.id), None)


def store(session: Session, document: Document, person_id: int | None, at: datetime) -> None:
    """Store what a document says and who may read it now, unless the newest version says the same."""
    audience, text = sorted(document_audience(document)), digest(document.title, document.body)
    newest = session.scalar(_of(document).order_by(DocumentVersion.id.desc()).limit(1))
    if newest and (newest.text_digest, newest.audience) == (text, audience):
        return
    session.add(
        DocumentVersion(
            document_id=document.id,
            saved_at=max(at, newest.saved_at) if newest else at,
            saved_by_id=person_id,
            title=document.title,
            body=document.body,
            text_digest=text,
            audience=audience,
        )
    )
    session.flush()


def history(session: Session, document: Document, reader: Reader) -> History:
    """The versions of a document that a reader may read; the caller has made sure that they may read the document."""
    rows = session.scalars(_of(document).order_by(DocumentVersion.id)).all()
    last = {row.text_digest: row.audience for row in rows}  # of the newest version with each text
    readable = [
        row
        for row in rows
        if may_read(frozenset(row.audience), reader) and may_read(frozenset(last[row.text_digest]), reader)
    ]
    return History(readable[::-1])


def digest(title: str, body: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(f"{title}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()


def widens(version: DocumentVersion | None, everyone: bool) -> bool:
    """True when everyone could read a document with the text of a version which not everyone could read."""
    return everyone and version is not None and EVERYONE not in version.audience


def remove(session: Session, document: Document, reader: Reader, version: DocumentVersion) -> None:
    """Delete a version, with all others that have the same text, for good: it may contain what nobody should read any
    more. Raises NotAllowed unless the reader may edit the document."""
    if not may_edit(document, reader):
        raise NotAllowed("Only the owner of a document and its team's agents can remove what it said before.")
    same = DocumentVersion.text_digest == version.text_digest
    session.execute(delete(DocumentVersion).where(DocumentVersion.document_id == document.id, same))
    audit.record(
        session,
        audit.actor(session, reader.person_id),
        "document.version_removed",
        item_key(Kind.DOCUMENT, document.id),
    )


def forget_person(session: Session, person_id: int) -> None:
    """Take a person out of all versions: who saved them, and who could read them."""
    saved = update(DocumentVersion).where(DocumentVersion.saved_by_id == person_id)
    session.execute(saved.values(saved_by_id=None))
    token = f"person:{person_id}"
    for row in session.scalars(select(DocumentVersion).where(_AUDIENCE.contains(f'"{token}"'))):
        row.audience = [other for other in row.audience if other != token]
    session.flush()


_AUDIENCE = cast(DocumentVersion.audience, Text)


def _of(document: Document) -> Select[DocumentVersion]:
    return select(DocumentVersion).where(DocumentVersion.document_id == document.id)
