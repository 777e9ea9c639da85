"""The tables of what the source of an item says beside its texts."""

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, and_, select
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

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


MERGED_INTO = aliased(HelpRequest)
"""The request that another one was merged into, where both are joined by `is_merged_into`."""


def is_merged_into() -> ColumnElement[bool]:
    """The condition that the source of a request has merged it into the request `MERGED_INTO`."""
    return and_(MERGED_INTO.source == HelpRequest.source, MERGED_INTO.external_id == RequestDetails.merged_into)


MERGED_REQUESTS = select(RequestDetails.request_id).where(RequestDetails.merged_into.is_not(None))
"""The requests that their source has merged into another one, which have no answer of their own."""
