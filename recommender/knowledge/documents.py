"""The life of a document: written or drafted from a request, published, verified, due for review.

Functions change rows of the session they are given and leave the commit to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from recommender.access import EVERYONE, Reader, may_edit, request_audience
from recommender.corpus import answer_of
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Team, utc_now
from recommender.datatypes import Kind, item_key
from recommender.errors import Conflict, NotAllowed
from recommender.knowledge import outcomes

REVIEW_DAYS = (90, 180, 365)
_HEADINGS = {"fi": ("Kysymys", "Vastaus")}


@dataclass(frozen=True)
class Content:
    """What an editor decides about a document. `everyone` lets everyone read it once it is published, else the owner,
    the team and whom an import named."""

    title: str
    body: str
    language: str
    team: Team
    owner: Person | None
    everyone: bool
    review_days: int | None
    draft: bool


@dataclass(frozen=True)
class Kept:
    """A document one looks after, with what asks for attention: when its review is due, and how many flags it has."""

    document: Document
    due_on: date | None
    due: bool
    flags: int


def write(session: Session, reader: Reader, content: Content, source: HelpRequest | None = None) -> Document:
    """A new document, perhaps drafted from a request. Allowed to the agents of its team (NotAllowed)."""
    if content.team.id not in reader.serves_teams:
        raise NotAllowed("Only the agents of a team write its documents.")
    document = Document(written_at=utc_now(), drafted_from_id=source.id if source else None, audience=[])
    session.add(document)
    _fill(document, content)
    session.flush()
    return document


def edit(session: Session, document: Document, reader: Reader, content: Content, seen: datetime) -> None:
    """Change a document as it was at `seen` (its `updated_at`). Allowed to its owner and its team's agents, to move it
    also to that team's agents (NotAllowed); Conflict when somebody else has changed it since."""
    if not may_edit(document, reader):
        raise NotAllowed("Only the owner of a document and its team's agents can change it.")
    if content.team.id not in reader.serves_teams | {document.team_id}:
        raise NotAllowed("A document is moved by the agents of the team it goes to.")
    now = utc_now()
    # one statement, so that of two at once only one finds it as it was
    found = session.execute(
        update(Document)
        .where(Document.id == document.id, Document.updated_at == seen)
        .values(updated_at=now)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[object]", found).rowcount != 1:
        raise Conflict("Somebody else has changed this document meanwhile.")
    if (document.title, document.body) != (content.title, content.body):
        document.written_at = now
    _fill(document, content)
    document.updated_at = now
    session.flush()


def verify(session: Session, document: Document, reader: Reader, person: Person) -> None:
    """Say that it is right as of today, which settles its flags. Allowed to its owner and its team's agents
    (NotAllowed)."""
    if not may_edit(document, reader):
        raise NotAllowed("Only the owner of a document and its team's agents can verify it.")
    document.verified_on, document.verified_by = utc_now().date(), person
    outcomes.settle_flags(session, item_key(Kind.DOCUMENT, document.id))
    session.flush()


def hide(session: Session, document: Document, reader: Reader, hidden: bool) -> None:
    """Take it out of every surface, or bring it back. Allowed to its owner and its team's agents (NotAllowed)."""
    if not may_edit(document, reader):
        raise NotAllowed("Only the owner of a document and its team's agents can hide it.")
    document.hidden = hidden
    session.flush()


def draft_text(request: HelpRequest) -> str:
    """What a resolved request says, as the beginning of a document in Markdown."""
    asked, answered = _HEADINGS.get(request.language, ("Question", "Answer"))
    answer = answer_of(request.resolution, request.replies, request.asked_by_id)
    parts = [(asked, request.body.strip()), (answered, answer.strip())]
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in parts if text)


def widens(request: HelpRequest | None, everyone: bool) -> bool:
    """True when a document for everyone would come from a request that is not."""
    return everyone and request is not None and EVERYONE not in request_audience(request)


def due_on(document: Document) -> date | None:
    """The day its review is due: so many days after it was verified, or written when it never was."""
    if document.review_days is None:
        return None
    return (document.verified_on or document.written_at.date()) + timedelta(days=document.review_days)


def kept(session: Session, reader: Reader, today: date) -> list[Kept]:
    """What the reader looks after (owns, or as an agent of its team while nobody owns it): what is due or flagged
    first, then drafts, then the rest by name, hidden ones last."""
    orphaned = Document.owner_id.is_(None) | Document.owner.has(Person.left_on <= today)
    query = (
        select(Document)
        .where(
            or_(Document.owner_id == reader.person_id, Document.team_id.in_(sorted(reader.serves_teams)) & orphaned),
        )
        .options(joinedload(Document.owner), selectinload(Document.audience))
    )
    rows = list(session.scalars(query))
    usage = outcomes.usage(session, [item_key(Kind.DOCUMENT, row.id) for row in rows])
    found = [_kept(row, usage[item_key(Kind.DOCUMENT, row.id)].flags, today) for row in rows]
    calm = [
        (one.document.hidden, not (one.due or one.flags), not one.document.draft, one.document.title.casefold())
        for one in found
    ]
    return [one for _key, one in sorted(zip(calm, found, strict=True), key=lambda pair: pair[0])]


def possible_owners(session: Session, team: Team) -> Sequence[Person]:
    """Who may keep a team's documents: its members who have not left, by name."""
    query = select(Person).where(Person.teams.any(Team.id == team.id), Person.left_on.is_(None))
    return session.scalars(query.order_by(Person.name)).all()


def _kept(document: Document, flags: int, today: date) -> Kept:
    due = due_on(document)
    return Kept(document, due, due is not None and due <= today and not document.draft, flags)


def _fill(document: Document, content: Content) -> None:
    document.title, document.body, document.language = content.title, content.body, content.language
    document.team, document.owner = content.team, content.owner
    document.review_days, document.draft = content.review_days, content.draft
    others = [row for row in document.audience if row.token != EVERYONE]
    known = [row for row in document.audience if row.token == EVERYONE]
    document.audience = others + (known or [DocumentAudience(token=EVERYONE)] if content.everyone else [])
