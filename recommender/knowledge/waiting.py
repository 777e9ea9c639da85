"""How much waits for a person, for the counters in the navigation: one query each. What they may not read does not
count."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, String, cast, distinct, func, literal, or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_requests
from recommender.database.request_tables import SnoozedRequest
from recommender.database.tables import OPEN, Document, Event, HelpRequest, Person, utc_now
from recommender.datatypes import Kind
from recommender.knowledge.outcomes import EventKind
from recommender.notifications import inbox


@dataclass(frozen=True)
class Waiting:
    """The person's own requests with something unread, the open requests of their teams and of no team, the flagged
    documents that they maintain, and their unread notifications."""

    requests: int = 0
    queue: int = 0
    flagged: int = 0
    unread: int = 0


def waiting(session: Session, reader: Reader, today: date) -> Waiting:
    """What waits for a person who has signed in."""
    return Waiting(
        inbox.unread_of_own_requests(session, reader),
        open_in_queue(session, reader) if reader.agent else 0,
        flagged_documents(session, reader, today),
        inbox.unread(session, reader),
    )


def in_queue(reader: Reader) -> list[ColumnElement[bool]]:
    """What a request must be to stand in an agent's queue: of one of their teams or of none, in any state."""
    return [
        HelpRequest.hidden.is_(False),
        readable_requests(reader),
        or_(HelpRequest.team_id.in_(sorted(reader.serves_teams)), HelpRequest.team_id.is_(None)),
    ]


def asleep() -> ColumnElement[bool]:
    """Whether a request is snoozed until later, and nothing has happened to it since."""
    mark = select(SnoozedRequest.request_id).where(
        SnoozedRequest.request_id == HelpRequest.id,
        SnoozedRequest.until > utc_now(),
        HelpRequest.updated_at <= SnoozedRequest.snoozed_at,
    )
    return mark.correlate(HelpRequest).exists()


def open_in_queue(session: Session, reader: Reader) -> int:
    """How many open requests are in an agent's queue and not snoozed."""
    query = (
        select(func.count()).select_from(HelpRequest).where(HelpRequest.status == OPEN, *in_queue(reader), ~asleep())
    )
    return session.scalar(query) or 0


def flagged_documents(session: Session, reader: Reader, today: date) -> int:
    """The documents with flags that nobody has settled, of those that the reader owns, and for agents of those of their
    teams whose owner has left."""
    without_owner = Document.owner_id.is_(None) | Document.owner.has(Person.left_on <= today)
    key = literal(f"{Kind.DOCUMENT}:").concat(cast(Document.id, String))
    query = (
        select(func.count(distinct(Document.id)))
        .join(Event, Event.item == key)
        .where(
            Event.kind == EventKind.FLAGGED,
            Event.settled.is_(False),
            Document.hidden.is_(False),
            or_(
                Document.owner_id == reader.person_id,
                Document.team_id.in_(sorted(reader.serves_teams)) & without_owner,
            ),
        )
    )
    return session.scalar(query) or 0
