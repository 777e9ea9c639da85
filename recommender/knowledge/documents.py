"""What can be done with a document: write it, edit, verify, hide, review. Functions with a `reader` check whether this
person may do that, by the rules of access.py.

The functions change rows of the session and leave the commit to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, or_, select, update
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import EVERYONE, Reader, document_audience, may_edit, request_audience
from recommender.corpus import answer_of
from recommender.database.days import day_of
from recommender.database.handles import visible
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Team, utc_now
from recommender.datatypes import Kind, item_key
from recommender.errors import Conflict, NotAllowed
from recommender.knowledge import outcomes, related, versions

REVIEW_DAYS = (90, 180, 365)  # days between reviews that the page offers: a judgement
_HEADINGS = {"fi": ("Kysymys", "Vastaus"), "sv": ("Fråga", "Svar")}


@dataclass(frozen=True)
class Content:
    """What an editor sets in a document. With `everyone` everyone may read it once it is published, else only its
    owner and its team; with `named` also the other readers that it has been given (`named_readers`). `review_days` is
    the time between two reviews, `original` the document that this one is a translation of."""

    title: str
    body: str
    language: str
    team: Team
    owner: Person | None
    everyone: bool
    review_days: int | None
    draft: bool
    named: bool = False
    original: Document | None = None


def write(session: Session, reader: Reader, content: Content, source: HelpRequest | None = None) -> Document:
    """A new document; `source` is the request that it was drafted from. Raises NotAllowed unless the reader is an agent
    of its team."""
    if content.team.id not in reader.serves_teams:
        raise NotAllowed("Only the agents of a team can write its documents.")
    document = Document(written_at=utc_now(), drafted_from_id=source.id if source else None, audience=[])
    session.add(document)
    _fill(document, content)
    session.flush()
    related.set_original(session, document, content.original)
    versions.store(session, document, reader.person_id, document.written_at)
    details = {"audience": sorted(document_audience(document)), "draft": document.draft}
    if source is not None:
        details["from"] = item_key(Kind.REQUEST, source.id)
    _record(session, reader, "written", document, details)
    return document


def edit(session: Session, document: Document, reader: Reader, content: Content, seen: datetime) -> None:
    """Change a document. `seen` is its `updated_at` when the editor read it.

    Raises NotAllowed unless the reader is its owner or an agent of its team (a move also needs an agent of the new
    team), and Conflict when somebody else has changed it since `seen`.
    """
    if not may_edit(document, reader):
        raise NotAllowed("Only the owner of a document and its team's agents can change it.")
    if content.team.id not in reader.serves_teams | {document.team_id}:
        raise NotAllowed("Only the agents of the new team can move a document to it.")
    now = utc_now()
    _claim(session, document, seen, now)
    session.refresh(document, ["audience"])
    versions.store(session, document, None, document.written_at)  # what an import has changed since the last save
    if (document.title, document.body) != (content.title, content.body):
        document.written_at = now
    before, readers = _state(document), document_audience(document)
    _fill(document, content)
    document.updated_at = now
    session.flush()
    related.set_original(session, document, content.original)
    versions.store(session, document, reader.person_id, now)
    who, key = audit.actor(session, reader.person_id), item_key(Kind.DOCUMENT, document.id)
    for name, value in _state(document).items():
        audit.record_change(session, who, f"document.{name}", key, before[name], value)
    audit.record_audience(session, who, key, readers, document_audience(document))


def verify(
    session: Session, document: Document, reader: Reader, person: Person, seen: datetime, last_flag: int
) -> None:
    """Mark a document as correct as of today, which also settles its flags up to the one with the id `last_flag`.
    `seen` is its `updated_at` when the person read it.

    Raises NotAllowed unless the reader is its owner or an agent of its team, and Conflict when somebody else has
    changed it since `seen`: nobody can say that a text is right that they have not read.
    """
    if not may_edit(document, reader):
        raise NotAllowed("Only the owner of a document and its team's agents can verify it.")
    now = utc_now()
    _claim(session, document, seen, now)
    document.verified_on, document.verified_by, document.updated_at = day_of(now), person, now
    outcomes.settle_flags(session, item_key(Kind.DOCUMENT, document.id), last_flag)
    session.flush()
    _record(session, reader, "verified", document)


def hide(session: Session, document: Document, reader: Reader, hidden: bool) -> None:
    """Hide a document everywhere, or show it again. Raises NotAllowed unless the reader is its owner or an agent of its
    team."""
    if not may_edit(document, reader):
        raise NotAllowed("Only the owner of a document and its team's agents can hide it.")
    if document.hidden == hidden:
        return
    document.hidden = hidden
    session.flush()
    _record(session, reader, "hidden" if hidden else "shown", document, None if hidden else {"widened": True})


def named_readers(document: Document) -> frozenset[str]:
    """The tokens of the readers that a document has been given one by one, by an import: other teams and people."""
    return frozenset(row.token for row in document.audience if row.token != EVERYONE)


def draft_text(request: HelpRequest) -> str:
    """The first draft of a document in Markdown: question and answer of a resolved request."""
    question_heading, answer_heading = _HEADINGS.get(request.language, ("Question", "Answer"))
    answer = answer_of(request.resolution, request.replies, request.asked_by_id)
    parts = [(question_heading, request.body.strip()), (answer_heading, answer.strip())]
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in parts if text)


def widens(request: HelpRequest | None, everyone: bool) -> bool:
    """True when everyone could read a document that was drafted from a request which not everyone may read."""
    return everyone and request is not None and EVERYONE not in request_audience(request)


def due_on(document: Document) -> date | None:
    """The day its review is due: `review_days` after it was verified, or written if it was never verified. None when it
    needs no review."""
    if document.review_days is None:
        return None
    return (document.verified_on or day_of(document.written_at)) + timedelta(days=document.review_days)


def is_maintained_by(reader: Reader, today: date) -> ColumnElement[bool]:
    """Documents that a reader maintains: those they own and, for agents, those of their team without an owner who is
    still here."""
    orphaned = Document.owner_id.is_(None) | Document.owner.has(Person.left_on <= today)
    return or_(Document.owner_id == reader.person_id, Document.team_id.in_(sorted(reader.serves_teams)) & orphaned)


def _state(document: Document) -> dict[str, object]:
    """What the audit log says of a document when it changes, beside its audience."""
    return {
        "draft": document.draft,
        "team": document.team.handle if document.team else None,
        "owner": f"person:{document.owner_id}" if document.owner_id else None,
    }


def _record(
    session: Session, reader: Reader, what: str, document: Document, details: dict[str, Any] | None = None
) -> None:
    who = audit.actor(session, reader.person_id)
    audit.record(session, who, f"document.{what}", item_key(Kind.DOCUMENT, document.id), details)


def possible_owners(session: Session, team: Team) -> Sequence[Person]:
    """Who may own a team's documents: its members who have not left, by name."""
    query = select(Person).where(Person.teams.any(Team.id == team.id), Person.left_on.is_(None))
    return session.scalars(query.order_by(Person.name)).all()


def _claim(session: Session, document: Document, seen: datetime, now: datetime) -> None:
    """Change the time of a document from `seen` to `now`; Conflict when somebody else has changed it since. A single
    statement, so that only one of two simultaneous editors finds the document unchanged."""
    updated = session.execute(
        update(Document)
        .where(Document.id == document.id, Document.updated_at == seen)
        .values(updated_at=now)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[object]", updated).rowcount != 1:
        raise Conflict("Somebody else has changed this document meanwhile.")


def _fill(document: Document, content: Content) -> None:
    document.title, document.body, document.language = visible(content.title), content.body, content.language
    document.team, document.owner = content.team, content.owner
    document.review_days, document.draft = content.review_days, content.draft
    stored = [row for row in document.audience if row.token == EVERYONE]
    named = [row for row in document.audience if row.token != EVERYONE] if content.named else []
    document.audience = (stored or [DocumentAudience(token=EVERYONE)]) if content.everyone else named
