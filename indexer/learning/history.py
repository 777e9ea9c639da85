"""Questions of the past with those who answered them, each asked again as it was then: of what was there, by its asker.

What a ranker of colleagues learns from. Requests that were sent here are left out, since colleagues were named to their
askers and to who handled them: nothing is learned from what was itself suggested.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from recommender.access import ANYONE, Reader, reader_of
from recommender.database.tables import RESOLVED, SENT_HERE, Document, HelpRequest
from recommender.datatypes import Kind, item_key
from recommender.people.evidence import Trace
from recommender.people.experts import load_people
from recommender.recommender import Recommender

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PastQuestion:
    """One request as a question: when it was asked and by whom, who answered, and the traces of the time."""

    key: str
    at: datetime
    asker: int | None
    answered: frozenset[int]
    traces: Sequence[Trace]
    language: str

    @property
    def excluded(self) -> frozenset[int]:
        """Who cannot be suggested: the asker."""
        return frozenset() if self.asker is None else frozenset({self.asker})


def past_questions(
    recommender: Recommender,
    session: Session,
    most: int | None = None,
    before: datetime | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Iterator[PastQuestion]:
    """The last `most` answered requests from elsewhere, or all of them, that were made before a moment; the oldest
    first."""
    rows = session.execute(
        select(HelpRequest)
        .where(HelpRequest.status == RESOLVED, HelpRequest.hidden.is_(False), HelpRequest.source != SENT_HERE)
        .where(HelpRequest.replies.any())
        .options(selectinload(HelpRequest.replies))
        .order_by(HelpRequest.created_at, HelpRequest.id)
    )
    asked = [_Asked.of(row) for row in rows.scalars() if before is None or row.created_at < before]
    session.expunge_all()
    asked = [each for each in asked if each.answered][-(most or len(asked)) :]
    made = _made(session)
    for number, each in enumerate(asked):
        among = frozenset(key for key, at in made if at < each.at)
        near = recommender.evidence(each.text, reader_then(session, each.asker), session, each.at, among)
        yield PastQuestion(each.key, each.at, each.asker, each.answered, near.traces, near.language)
        session.expunge_all()
        progress(number + 1, len(asked))


@dataclass(frozen=True)
class _Asked:
    key: str
    text: str
    at: datetime
    asker: int | None
    answered: frozenset[int]

    @classmethod
    def of(cls, row: HelpRequest) -> "_Asked":
        authors = {reply.author_id for reply in row.replies if reply.author_id is not None}
        others = frozenset(authors - {row.asked_by_id})
        return cls(item_key(Kind.REQUEST, row.id), f"{row.title}\n{row.body}", row.created_at, row.asked_by_id, others)


def _made(session: Session) -> list[tuple[str, datetime]]:
    """(key, when it was made) of every item."""
    requests = session.execute(select(HelpRequest.id, HelpRequest.created_at))
    documents = session.execute(select(Document.id, Document.written_at))
    return [(item_key(Kind.REQUEST, i), at) for i, at in requests] + [
        (item_key(Kind.DOCUMENT, i), at) for i, at in documents
    ]


def reader_then(session: Session, asker: int | None) -> Reader:
    """Whoever asked a question of the past, with what they may read today."""
    person = load_people(session, {asker}).get(asker) if asker is not None else None
    return reader_of(person) if person else ANYONE
