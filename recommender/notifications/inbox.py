"""The inbox: a person's notifications as they may see them now, how many are unread, and marking them as read.

What its reader may no longer read, or what is hidden, is in no list and no count. Functions leave the commit to the
caller.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.sql.base import ExecutableOption

from recommender.access import (
    EVERYONE,
    Reader,
    document_audience,
    knows_asker,
    readable_documents,
    readable_requests,
    request_audience,
)
from recommender.database.tables import Document, HelpRequest, Person, Reply, Team, utc_now
from recommender.database.told_tables import Notification
from recommender.datatypes import Kind, item_key
from recommender.notifications.kinds import FLAG

Row = TypeVar("Row", HelpRequest, Document, Reply, Person)
_READ_KEPT, _KEPT = timedelta(days=90), timedelta(days=365)  # judgements: a quarter to find it again, a year unread


@dataclass(frozen=True)
class Entry:
    """A notification as one reader may see it. `actor` is None when nobody did it or the reader may not know who.
    `private` is True for an item of a restricted team that not everyone may read: of that, mails tell nothing.
    `by_day` is True when only the day is known, not the time."""

    number: int
    kind: str
    item: HelpRequest | Document
    reply: Reply | None
    actor: Person | None
    at: datetime
    read: bool
    private: bool
    by_day: bool

    @property
    def key(self) -> str:
        """The key of the item."""
        return item_key(Kind.REQUEST if isinstance(self.item, HelpRequest) else Kind.DOCUMENT, self.item.id)

    @property
    def team(self) -> Team | None:
        """The team of the item."""
        return self.item.team

    @property
    def text(self) -> str:
        """What was written: the reply, or the question of a request that is new to the reader."""
        if self.reply is not None:
            return self.reply.body
        return self.item.body if isinstance(self.item, HelpRequest) else ""


def entries(session: Session, reader: Reader, *, first: int, most: int) -> list[Entry]:
    """The reader's notifications, newest first: at most `most` of them after the first `first`."""
    query = select(Notification).where(*_of(reader)).order_by(Notification.id.desc()).offset(first).limit(most)
    return _entries(session, reader, list(session.scalars(query)))


def entries_of_mail(session: Session, reader: Reader, mail_id: int, without: Collection[str]) -> list[Entry]:
    """What is still to be told in a mail, oldest first: what is unread and not of the kinds in `without`."""
    query = select(Notification).where(
        *_of(reader), Notification.mail_id == mail_id, Notification.read_at.is_(None), Notification.kind.not_in(without)
    )
    return _entries(session, reader, list(session.scalars(query.order_by(Notification.id))))


def count(session: Session, reader: Reader, unread_only: bool = False) -> int:
    """How many notifications the reader has, or how many that they have not read."""
    where = [*_of(reader), *([Notification.read_at.is_(None)] if unread_only else [])]
    return session.scalar(select(func.count()).select_from(Notification).where(*where)) or 0


def unread(reader: Reader) -> Select[Any]:
    """The notifications that the reader has not read."""
    return select(Notification.id).where(*_of(reader), Notification.read_at.is_(None))


def own_requests_with_unread(reader: Reader) -> Select[Any]:
    """The reader's own requests that have something that they have not read."""
    own = exists().where(
        HelpRequest.id == Notification.request_id,
        HelpRequest.asked_by_id == reader.person_id,
        HelpRequest.hidden.is_(False),
    )
    where = Notification.person_id == reader.person_id, Notification.read_at.is_(None), own
    return select(Notification.request_id).where(*where).distinct()


def mark_read(session: Session, reader: Reader, number: int | None = None) -> None:
    """Mark one notification of the reader as read, or all of them."""
    _mark(session, Notification.person_id == reader.person_id, *([] if number is None else [Notification.id == number]))


def has_unread_of(session: Session, person_id: int, item: HelpRequest | Document) -> bool:
    """True when the person has an unread notification of an item."""
    where = Notification.person_id == person_id, Notification.read_at.is_(None), _about(item)
    return session.scalar(select(Notification.id).where(*where).limit(1)) is not None


def mark_item_read(session: Session, person_id: int, item: HelpRequest | Document) -> None:
    """Mark all notifications that the person has of an item as read."""
    _mark(session, Notification.person_id == person_id, _about(item))


def forget_old(session: Session, now: datetime) -> None:
    """Delete notifications that were read 90 days ago, and those that nobody has read for a year."""
    old = or_(Notification.read_at < now - _READ_KEPT, Notification.at < now - _KEPT)
    session.execute(delete(Notification).where(old).execution_options(synchronize_session=False))


def _mark(session: Session, *where: ColumnElement[bool]) -> None:
    unread_ones = update(Notification).where(*where, Notification.read_at.is_(None))
    session.execute(unread_ones.values(read_at=utc_now()).execution_options(synchronize_session=False))


def _about(item: HelpRequest | Document) -> ColumnElement[bool]:
    if isinstance(item, HelpRequest):
        return Notification.request_id == item.id
    return Notification.document_id == item.id


def _of(reader: Reader) -> tuple[ColumnElement[bool], ...]:
    """The conditions for the notifications of a reader, of items that they may read now."""
    request = exists().where(
        HelpRequest.id == Notification.request_id, HelpRequest.hidden.is_(False), readable_requests(reader)
    )
    document = exists().where(
        Document.id == Notification.document_id, Document.hidden.is_(False), readable_documents(reader)
    )
    return Notification.person_id == reader.person_id, or_(request, document)


def _entries(session: Session, reader: Reader, rows: list[Notification]) -> list[Entry]:
    requests = _by_id(session, HelpRequest, {row.request_id for row in rows}, selectinload(HelpRequest.audience))
    documents = _by_id(session, Document, {row.document_id for row in rows}, selectinload(Document.audience))
    replies = _by_id(session, Reply, {row.reply_id for row in rows})
    people = _by_id(session, Person, {row.actor_id for row in rows})
    shown = []
    for row in rows:
        item: HelpRequest | Document = requests[row.request_id] if row.request_id else documents[row.document_id]
        actor = people.get(row.actor_id)
        if isinstance(item, HelpRequest) and row.actor_id == item.asked_by_id and not knows_asker(item, reader):
            actor = None
        private, by_day, read = _is_private(item), row.kind == FLAG, row.read_at is not None
        reply = replies.get(row.reply_id)
        shown.append(Entry(row.id, row.kind, item, reply, actor, row.at, read, private, by_day))
    return shown


def _is_private(item: HelpRequest | Document) -> bool:
    audience = request_audience(item) if isinstance(item, HelpRequest) else document_audience(item)
    return EVERYONE not in audience and item.team is not None and item.team.restricted


def _by_id(
    session: Session, table: type[Row], numbers: Collection[int | None], *options: ExecutableOption
) -> dict[int | None, Row]:
    query = select(table).where(table.id.in_(sorted({number for number in numbers if number is not None})))
    return {row.id: row for row in session.scalars(query.options(*options))}
