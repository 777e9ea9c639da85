"""Somebody leaves: what hangs on them, and one act that says so, hands over their work and ends their access. It can be
undone, except that sessions and tokens stay ended.

What is counted for an admin is what that admin may read. The act is done for everything, so that nothing of a team that
the admin is not in is forgotten; whoever takes over gets only what they may read anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recommender import access, accounts, audit
from recommender.access import Reader
from recommender.accounts import sessions, tokens
from recommender.database.account_tables import Account
from recommender.database.audit_table import AuditEntry
from recommender.database.days import current_day
from recommender.database.foreign_tables import ForeignPerson
from recommender.database.import_tables import ImportedRecord, record_key
from recommender.database.person_kind import PERSON
from recommender.database.storing import flush_and_expire, take
from recommender.database.tables import OPEN, Document, HelpRequest, Person, Team, utc_now
from recommender.errors import AccountError
from recommender.insights.risk import risk, wishes
from recommender.insights.topics.topic import Topic
from recommender.knowledge.documents import due_on
from recommender.membership import people
from recommender.notifications import telling

LEAVING, UNDONE = "person.leaving", "person.leaving_undone"


@dataclass(frozen=True)
class Plan:
    """What is to be done: the first day on which they do not work here (None: that stays as it is), who gets their open
    requests and their documents (None: the queue, and their team), whether these are handed over at all, and whether
    the account is disabled at once."""

    left_on: date | None = None
    hand_requests: bool = False
    requests_to: Person | None = None
    hand_documents: bool = False
    documents_to: Person | None = None
    end_access: bool = False


@dataclass(frozen=True)
class Hanging:
    """What hangs on a person: `due` of the documents they own are due for a review. `topics` would find no answer to a
    fifth of their questions or more without them. `sources` know them, and may say who works here too."""

    requests: int
    documents: int
    due: int
    topics: tuple[Topic, ...]
    tokens: int
    sessions: int
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Handed:
    """How many open requests go to whom they are handed, and how many to the queue; how many documents go to their new
    owner, to their team, and stay, because nobody else may read them."""

    requests: int = 0
    to_queue: int = 0
    documents: int = 0
    to_team: int = 0
    staying: int = 0


def hanging(session: Session, person: Person, reader: Reader | None, idle_days: float) -> Hanging:
    """What hangs on a person, as far as this reader may read it; everything for None, as for commands."""
    documents = _documents(session, person, reader)
    today = current_day()
    due = sum((day := due_on(document)) is not None and day <= today for document in documents)
    risks = risk.all_risks(session) if reader is None else risk.topic_risks(session, reader)
    topics = tuple(
        each.topic
        for each in risks
        for knower in each.knowers
        if knower.person_id == person.id and each.answerable - knower.answerable_without >= wishes.LEAST_LOST
    )
    return Hanging(
        len(_requests(session, person, reader)), len(documents), due, topics, len(tokens.of(session, person.id)),
        len(sessions.of(session, person.id, idle_days)), _sources(session, person),
    )  # fmt: skip


def preview(session: Session, person: Person, plan: Plan, reader: Reader | None) -> Handed:
    """What `leave` would hand over, as far as this reader may read it."""
    to_whom = [_takes(plan.requests_to, request) for request in _requests(session, person, reader)]
    owners = [_new_owner(document, plan.documents_to) for document in _documents(session, person, reader)]
    moved = sum(to_whom) if plan.hand_requests else 0
    to_queue = len(to_whom) - moved if plan.hand_requests else 0
    if not plan.hand_documents:
        return Handed(moved, to_queue)
    given = sum(plan.documents_to is not None and owner == plan.documents_to.id for owner in owners)
    staying = sum(owner == person.id for owner in owners)
    return Handed(moved, to_queue, given, len(owners) - given - staying, staying)


def leave(session: Session, person: Person, plan: Plan, by: int | None = None) -> None:
    """Do what the plan says. Raises AccountError for the last admin, and for somebody who cannot take anything over."""
    for successor in (plan.requests_to, plan.documents_to):
        if successor is not None:
            _must_be_here(session, successor, person)
    account = session.get(Account, person.id)
    was_disabled = account is not None and account.disabled
    before = person.left_on
    if plan.left_on is not None:
        people.set_left(session, person, plan.left_on, by)
    if plan.end_access:
        accounts.disable(session, person, by)
    requests = _hand_requests(session, person, plan.requests_to, by) if plan.hand_requests else {}
    documents = _hand_documents(session, person, plan.documents_to) if plan.hand_documents else {}
    details: dict[str, Any] = {
        "left_on": None if before is None else before.isoformat(), "sets_day": plan.left_on is not None,
        "disabled": plan.end_access and not was_disabled, "requests": requests, "documents": documents,
    }  # fmt: skip
    audit.record(session, audit.actor(session, by), LEAVING, f"person:{person.id}", details)


def may_undo(session: Session, person: Person) -> bool:
    """True when the last thing that was done here about the leaving of this person can be undone."""
    return _last(session, person) is not None


def undo(session: Session, person: Person, by: int | None = None) -> tuple[int, int]:
    """Take the last `leave` of a person back: their last day, their account, and the requests and documents, each where
    it is still as it left it. Returns how many requests and documents. Raises AccountError when there is nothing to
    undo."""
    entry = _last(session, person)
    if entry is None or entry.details is None:
        raise AccountError(f"Nothing is known of a leaving of {person.handle} that could be undone.", "undo")
    done = entry.details
    if done["sets_day"] and not _has_happened_since(session, person, entry, "person.left_on"):
        people.set_left(session, person, date.fromisoformat(done["left_on"]) if done["left_on"] else None, by)
    if done["disabled"] and not _has_happened_since(session, person, entry, "account.disabled", "account.enabled"):
        accounts.enable(session, person, by)
    now = utc_now()
    back = [0, 0]
    for number, holder in done["requests"].items():
        still = HelpRequest.assigned_to_id.is_not_distinct_from(holder)
        open_one = HelpRequest.id == int(number), HelpRequest.status == OPEN
        back[0] += take(session, HelpRequest, *open_one, still, assigned_to_id=person.id, updated_at=now)
    for number, owner in done["documents"].items():
        still = Document.owner_id.is_not_distinct_from(owner)
        back[1] += take(session, Document, Document.id == int(number), still, owner_id=person.id, updated_at=now)
    flush_and_expire(session)
    audit.record(session, audit.actor(session, by), UNDONE, f"person:{person.id}", {"entry": entry.id})
    return back[0], back[1]


def possible_successors(session: Session, person: Person) -> Sequence[Person]:
    """Who may take over from a person: the other members of their teams who work here, by name."""
    teams = [team.id for team in person.teams]
    query = select(Person).where(Person.teams.any(Team.id.in_(teams)), Person.id != person.id, Person.kind == PERSON)
    found = session.scalars(query.order_by(Person.name, Person.id))
    return [each for each in found if _is_here(session, each)]


def _requests(session: Session, person: Person, reader: Reader | None) -> Sequence[HelpRequest]:
    query = select(HelpRequest).where(HelpRequest.assigned_to_id == person.id, HelpRequest.status == OPEN)
    if reader is not None:
        query = query.where(HelpRequest.hidden.is_(False), access.readable_requests(reader))
    return session.scalars(query.order_by(HelpRequest.id)).all()


def _documents(session: Session, person: Person, reader: Reader | None) -> Sequence[Document]:
    query = select(Document).where(Document.owner_id == person.id)
    if reader is not None:
        query = query.where(Document.hidden.is_(False), access.readable_documents(reader))
    return session.scalars(query.order_by(Document.id)).all()


def _sources(session: Session, person: Person) -> tuple[str, ...]:
    """The sources that know this person, by their user name or by another id."""
    named = select(ImportedRecord.source).where(ImportedRecord.key == record_key("person", person.handle))
    foreign = select(ForeignPerson.source).where(ForeignPerson.person_id == person.id, ForeignPerson.source != "")
    return tuple(sorted({*session.scalars(named), *session.scalars(foreign)}))


def _takes(successor: Person | None, request: HelpRequest) -> bool:
    """True when a request can be assigned to a person: they are in the team that handles it."""
    return successor is not None and request.team_id in {team.id for team in successor.teams}


def _new_owner(document: Document, successor: Person | None) -> int | None:
    """Who owns a document afterwards: the successor, if they may read it without that; else nobody, if a team maintains
    it; else who owns it now, since nobody else may read it."""
    stored = [] if document.draft else [row.token for row in document.audience]
    audience = access.audience_of(stored, None, document.team.handle if document.team else None)
    if successor is not None and access.may_read(audience, access.reader_of(successor)):
        return successor.id
    return None if document.team_id is not None else document.owner_id


def _hand_requests(session: Session, person: Person, successor: Person | None, by: int | None) -> dict[str, int | None]:
    """Hand the open requests over; who has each now, by its id."""
    handed: dict[str, int | None] = {}
    for request in _requests(session, person, None):
        holder = successor.id if successor is not None and _takes(successor, request) else None
        mine = HelpRequest.id == request.id, HelpRequest.status == OPEN, HelpRequest.assigned_to_id == person.id
        if take(session, HelpRequest, *mine, assigned_to_id=holder, updated_at=utc_now()):
            session.refresh(request)
            telling.tell_assignment(session, request, by)
            handed[str(request.id)] = holder
    return handed


def _hand_documents(session: Session, person: Person, successor: Person | None) -> dict[str, int | None]:
    """Hand the documents over; who owns each now, by its id."""
    handed: dict[str, int | None] = {}
    for document in _documents(session, person, None):
        owner = _new_owner(document, successor)
        mine = Document.id == document.id, Document.owner_id == person.id
        if owner != person.id and take(session, Document, *mine, owner_id=owner, updated_at=utc_now()):
            session.refresh(document)
            handed[str(document.id)] = owner
    return handed


def _must_be_here(session: Session, successor: Person, person: Person) -> None:
    if successor.id == person.id or not _is_here(session, successor):
        raise AccountError(
            f"{successor.handle} cannot take anything over: name a colleague who works here.", "successor"
        )


def _is_here(session: Session, person: Person) -> bool:
    return people.is_here(person, session.get(Account, person.id))


def _last(session: Session, person: Person) -> AuditEntry | None:
    """The last entry about the leaving of a person; None when there is none, or it was undone."""
    about = AuditEntry.subject == f"person:{person.id}", AuditEntry.action.in_((LEAVING, UNDONE))
    newest = select(func.max(AuditEntry.id)).where(*about).scalar_subquery()
    entry = session.scalar(select(AuditEntry).where(AuditEntry.id == newest))
    return entry if entry is not None and entry.action == LEAVING and entry.details is not None else None


def _has_happened_since(session: Session, person: Person, entry: AuditEntry, *actions: str) -> bool:
    """True when somebody did one of these to the person after this entry: for another reason, which still holds."""
    later = AuditEntry.subject == f"person:{person.id}", AuditEntry.id > entry.id, AuditEntry.action.in_(actions)
    return session.scalar(select(AuditEntry.id).where(*later).limit(1)) is not None
