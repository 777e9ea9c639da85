"""The queries for what stamps of items and sums of blocks are made of (`stamps.py`)."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import Integer, String, case, cast, func, literal_column, select
from sqlalchemy.orm import Session

from recommender.access import EVERYONE
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS
from recommender.database import dialects
from recommender.database.attachment_tables import Attachment
from recommender.database.details_tables import MERGED_INTO, DocumentDetails, RequestDetails, is_merged_into
from recommender.database.tables import (
    RESOLVED,
    Document,
    DocumentAudience,
    HelpRequest,
    Reply,
    RequestAudience,
    Team,
)
from recommender.datatypes import Kind

Bounds = tuple[int, int]
"""The first and the last id of items."""


def summed(session: Session, size: int) -> Iterator[tuple[Kind, Any, Any]]:
    """(kind; the table whose rows are all counted first, and then the sum and the latest of the times of their last
    changes, or None; a query for the blocks of `size` ids of this kind, and what is summed up of them)."""
    time = dialects.of(session.get_bind()).microseconds

    def of_times(kind: Kind, table: Any, column: Any, *values: Any) -> tuple[Kind, Any, Any]:
        times = func.sum(time(table.updated_at)), func.max(table.updated_at)
        return kind, None if column.nullable else table, grouped(column, *times, *values)

    grouped = partial(_by_block, size)

    def number(condition: Any) -> Any:
        return func.sum(cast(condition, Integer))

    yield of_times(
        Kind.REQUEST, HelpRequest, HelpRequest.id, number(HelpRequest.hidden),
        number(HelpRequest.status == RESOLVED), func.sum(HelpRequest.asked_by_id), func.sum(HelpRequest.team_id),
    )  # fmt: skip
    yield of_times(
        Kind.DOCUMENT, Document, Document.id, number(Document.hidden),
        number(Document.draft), func.sum(Document.owner_id), func.sum(Document.team_id),
    )  # fmt: skip
    for kind, table, column in (
        (Kind.REQUEST, Reply, Reply.request_id), (Kind.REQUEST, RequestAudience, RequestAudience.request_id),
        (Kind.REQUEST, Attachment, Attachment.request_id), (Kind.DOCUMENT, Attachment, Attachment.document_id),
        (Kind.DOCUMENT, DocumentAudience, DocumentAudience.document_id),
    ):  # fmt: skip
        yield of_times(kind, table, column)
    names = cast(RequestDetails.attachments, String) + func.coalesce(RequestDetails.merged_into, "")
    yield Kind.REQUEST, None, grouped(RequestDetails.request_id, func.aggregate_strings(names, ","))
    names = cast(DocumentDetails.attachments, String)
    yield Kind.DOCUMENT, None, grouped(DocumentDetails.document_id, func.aggregate_strings(names, ","))


def merged(size: int) -> tuple[Kind, Any, Any]:
    """The same of the requests into which those of a block were merged, as the last of them."""
    rows = _by_block(size, RequestDetails.request_id, func.sum(MERGED_INTO.id)).select_from(RequestDetails)
    of_request = HelpRequest.id == RequestDetails.request_id
    only_merged = RequestDetails.merged_into.is_not(None)
    return Kind.REQUEST, None, rows.join(HelpRequest, of_request).join(MERGED_INTO, is_merged_into()).where(only_merged)


def _by_block(size: int, column: Any, *values: Any) -> Any:
    block = (column // literal_column(str(size), Integer)).label("block")
    return select(block, func.count(), *values).where(column.is_not(None)).group_by(block)


def requests(session: Session, bounds: Bounds | None) -> Any:
    """The query for the requests with such ids: (id, whether everybody may read it, what its stamp is made of)."""
    time = dialects.of(session.get_bind()).microseconds
    replies, readers, files = (
        _grouped(session, table, column, bounds)
        for table, column in (
            (Reply, Reply.request_id), (RequestAudience, RequestAudience.request_id),
            (Attachment, Attachment.request_id),
        )
    )  # fmt: skip
    everyone = _public(RequestAudience.request_id, RequestAudience.token, bounds)
    return (
        select(
            HelpRequest.id, case((HelpRequest.status == RESOLVED, everyone.c.request_id.is_not(None)), else_=False),
            time(HelpRequest.updated_at), HelpRequest.status, HelpRequest.asked_by_id, Team.handle,
            *_counts(replies, readers, files), cast(RequestDetails.attachments, String),
            RequestDetails.merged_into, MERGED_INTO.id,
        )
        .select_from(HelpRequest)
        .outerjoin(Team, Team.id == HelpRequest.team_id)
        .outerjoin(everyone, everyone.c.request_id == HelpRequest.id)
        .outerjoin(replies, replies.c.item == HelpRequest.id)
        .outerjoin(readers, readers.c.item == HelpRequest.id)
        .outerjoin(files, files.c.item == HelpRequest.id)
        .outerjoin(RequestDetails, RequestDetails.request_id == HelpRequest.id)
        .outerjoin(MERGED_INTO, is_merged_into())
        .where(SEARCHABLE_REQUESTS, _within(HelpRequest.id, bounds))
    )  # fmt: skip


def documents(session: Session, bounds: Bounds | None) -> Any:
    """The same for documents."""
    time = dialects.of(session.get_bind()).microseconds
    readers = _grouped(session, DocumentAudience, DocumentAudience.document_id, bounds)
    files = _grouped(session, Attachment, Attachment.document_id, bounds)
    everyone = _public(DocumentAudience.document_id, DocumentAudience.token, bounds)
    return (
        select(
            Document.id, everyone.c.document_id.is_not(None), time(Document.updated_at), Document.owner_id, Team.handle,
            *_counts(readers, files), cast(DocumentDetails.attachments, String),
        )
        .select_from(Document)
        .outerjoin(Team, Team.id == Document.team_id)
        .outerjoin(everyone, everyone.c.document_id == Document.id)
        .outerjoin(readers, readers.c.item == Document.id)
        .outerjoin(files, files.c.item == Document.id)
        .outerjoin(DocumentDetails, DocumentDetails.document_id == Document.id)
        .where(SEARCHABLE_DOCUMENTS, _within(Document.id, bounds))
    )  # fmt: skip


def _within(column: Any, bounds: Bounds | None) -> Any:
    return column.is_not(None) if bounds is None else column.between(*bounds)


def _public(column: Any, token: Any, bounds: Bounds | None) -> Any:
    return select(column).where(token == EVERYONE, _within(column, bounds)).subquery()


def _grouped(session: Session, table: Any, column: Any, bounds: Bounds | None) -> Any:
    """For each item: how many rows of a table it has, and the sum of the times of their last changes."""
    time = dialects.of(session.get_bind()).microseconds(table.updated_at)
    rows = select(column.label("item"), func.count().label("rows"), func.sum(time).label("times"))
    return rows.where(_within(column, bounds)).group_by(column).subquery()


def _counts(*groups: Any) -> list[Any]:
    return [column for group in groups for column in (group.c.rows, group.c.times)]
