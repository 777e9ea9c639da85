"""The table of files that people have attached. The files themselves are in the home (`knowledge/file_store.py`)."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, and_, exists, false, select
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.reading import IDS, one_of
from recommender.database.tables import Base, Document, HelpRequest, Reply, utc_now

NOT_CHECKED, PASSED, REFUSED, FAILED = "not_checked", "passed", "refused", "failed"
"""What the check that an admin has set said of a file: nothing yet; it may be opened; it may not; the check did not
finish, and is made again."""


class Attachment(Base):
    """A file attached to a request, to one of its replies (`request_id` and `reply_id`) or to a document. While none of
    them is set, it was uploaded for a form that has not been sent yet, and only the uploader sees it.

    `name` is what people see, and never a path; `kind` is the type found in the content (`pdf`); `digest` (SHA-256)
    names the file on disk. `text` is what search reads of the file: None until `watch` has looked, and empty when there
    is none.
    """

    __tablename__ = "attachments"
    __table_args__ = (Index("ix_attachments_uploaded", "uploaded_by_id", "added_at"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), index=True)
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("replies.id", ondelete="CASCADE"), index=True)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    uploaded_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(150))
    kind: Mapped[str] = mapped_column(String(8))
    size: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(16), default=NOT_CHECKED)
    text: Mapped[str | None] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


# The files whose name and text are searchable: `watch` has read them, and the check has not refused them since.
_SEARCHABLE = and_(Attachment.text.is_not(None), Attachment.state.in_((NOT_CHECKED, PASSED)))
FILES_OF_REQUESTS = (
    select(Attachment.request_id, Attachment.name, Attachment.text, Reply.accepted.label("answers"))
    .outerjoin(Reply, Reply.id == Attachment.reply_id)
    .where(one_of(Attachment.request_id, IDS), _SEARCHABLE)
    .order_by(Attachment.id)
)
"""The searchable files of the requests with these `ids`, and whether they belong to the reply that solved it."""
FILES_OF_DOCUMENTS = (
    select(Attachment.document_id, Attachment.name, Attachment.text, false().label("answers"))
    .where(one_of(Attachment.document_id, IDS), _SEARCHABLE)
    .order_by(Attachment.id)
)
"""The same of documents."""
REQUEST_HAS_FILES = exists().where(Attachment.request_id == HelpRequest.id)
DOCUMENT_HAS_FILES = exists().where(Attachment.document_id == Document.id)
"""Whether a row has files at all: most have none, and need no statement for them."""
