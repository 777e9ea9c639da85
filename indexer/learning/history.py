"""Past questions with the people who answered them. Each is asked again for the person who asked it, among the items
that existed at that time.

The ranking of colleagues is fitted to them. Requests that were sent in Kollega are left out, since their askers and
agents saw suggestions of colleagues: Kollega must not learn from its own suggestions.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from recommender.access import ANYONE, Reader, reader_of
from recommender.database.person_kind import SERVICE
from recommender.database.tables import RESOLVED, SENT_HERE, Document, HelpRequest, Person
from recommender.datatypes import Kind, item_key
from recommender.people.evidence import Trace
from recommender.people.experts import load_people
from recommender.recommender import Recommender

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True)
class PastQuestion:
    """A past request: when and by whom it was asked, who answered it, and the traces of that time."""

    key: str
    at: datetime
    asker: int | None
    answered: frozenset[int]
    traces: Sequence[Trace]
    language: str

    @property
    def excluded(self) -> frozenset[int]:
        """The ids of people who cannot be suggested: the asker."""
        return frozenset() if self.asker is None else frozenset({self.asker})


def past_questions(
    recommender: Recommender,
    session: Session,
    most: int | None = None,
    before: datetime | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Iterator[PastQuestion]:
    """Imported requests that somebody answered, oldest first: those created before the time `before`, and of these the
    newest `most`; all when these are None."""
    rows = session.execute(
        select(HelpRequest)
        .where(HelpRequest.status == RESOLVED, HelpRequest.hidden.is_(False), HelpRequest.source != SENT_HERE)
        .where(HelpRequest.replies.any())
        .options(selectinload(HelpRequest.replies))
        .order_by(HelpRequest.created_at, HelpRequest.id)
    )
    services = frozenset(session.scalars(select(Person.id).where(Person.kind == SERVICE)))
    requests = [PastRequest.of(row, services) for row in rows.scalars() if before is None or row.created_at < before]
    session.expunge_all()
    requests = [request for request in requests if request.answered][-(most or len(requests)) :]
    created = _creation_times(session)
    for number, request in enumerate(requests):
        among = frozenset(key for key, at in created if at < request.at)
        reader = reader_then(session, request.asker)
        nearby = recommender.evidence(request.text, reader, session, request.at, among)
        yield PastQuestion(request.key, request.at, request.asker, request.answered, nearby.traces, nearby.language)
        session.expunge_all()
        progress(number + 1, len(requests))


@dataclass(frozen=True)
class PastRequest:
    """What is needed of a request to ask it again. `answered` are the people who replied, without the asker and
    without services."""

    key: str
    text: str
    at: datetime
    asker: int | None
    answered: frozenset[int]

    @classmethod
    def of(cls, row: HelpRequest, services: Collection[int]) -> "PastRequest":
        """From a row with its replies, and the ids of services."""
        authors = {reply.author_id for reply in row.replies if reply.author_id is not None}
        others = frozenset(authors - {row.asked_by_id, *services})
        return cls(item_key(Kind.REQUEST, row.id), f"{row.title}\n{row.body}", row.created_at, row.asked_by_id, others)


def _creation_times(session: Session) -> list[tuple[str, datetime]]:
    """(key, creation time) of every item."""
    requests = session.execute(select(HelpRequest.id, HelpRequest.created_at))
    documents = session.execute(select(Document.id, Document.written_at))
    return [(item_key(Kind.REQUEST, number), at) for number, at in requests] + [
        (item_key(Kind.DOCUMENT, number), at) for number, at in documents
    ]


def reader_then(session: Session, asker: int | None) -> Reader:
    """The reader who asked a past question, with what they may read today."""
    person = load_people(session, {asker}).get(asker) if asker is not None else None
    return reader_of(person) if person else ANYONE
