"""The tables of what the source of an item says beside its texts."""

from sqlalchemy import JSON, ForeignKey, String, and_, select
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from recommender.database.reading import IDS, one_of
from recommender.database.tables import Base, Document, HelpRequest


class RequestDetails(Base):
    """What the source of a request says beside its texts: the id there of the request that it was `merged_into`, the
    names of its attached files, and other values by their names (`properties`), such as the priority."""

    __tablename__ = "request_details"

    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    merged_into: Mapped[str | None] = mapped_column(String(200), index=True)
    attachments: Mapped[list[str]] = mapped_column(JSON, default=list)
    properties: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)

    request: Mapped[HelpRequest] = relationship()


class DocumentDetails(Base):
    """The names of the files that are attached to a document in its source."""

    __tablename__ = "document_details"

    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    attachments: Mapped[list[str]] = mapped_column(JSON, default=list)

    document: Mapped[Document] = relationship()


_TARGET = aliased(HelpRequest)
DETAILS_OF_REQUESTS = (
    select(RequestDetails.request_id, RequestDetails.attachments, RequestDetails.merged_into, _TARGET.id)
    .join(HelpRequest, HelpRequest.id == RequestDetails.request_id)
    .outerjoin(_TARGET, and_(_TARGET.source == HelpRequest.source, _TARGET.external_id == RequestDetails.merged_into))
    .where(one_of(RequestDetails.request_id, IDS))
)
"""Of the requests with these `ids`: the names of their files, the id in their source of the request that they were
merged into, and its id here (None when it is not here)."""
DETAILS_OF_DOCUMENTS = select(DocumentDetails.document_id, DocumentDetails.attachments).where(
    one_of(DocumentDetails.document_id, IDS)
)
"""The names of the files of the documents with these `ids`."""
MERGED_REQUESTS = select(RequestDetails.request_id).where(RequestDetails.merged_into.is_not(None))
"""The requests that their source has merged into another one, which have no answer of their own."""
