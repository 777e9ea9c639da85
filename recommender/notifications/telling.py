"""Writes notifications, in the transaction of what they tell. The caller commits.

Nobody is told of what they did themselves, of an item that they may not read, or after they have left. Who an anonymous
asker is, is left out when a notification is shown (`inbox.py`), not here.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from recommender.access import AGENTS, document_audience, may_read, reader_of, request_audience
from recommender.database.days import beginning, current_day, day_of
from recommender.database.person_kind import PERSON
from recommender.database.tables import Document, HelpRequest, Person, Reply, Team, utc_now
from recommender.database.told_tables import Notification, RequestFollow
from recommender.notifications import kinds

MOST_MENTIONS = 20  # people who can be mentioned in one reply: a judgement
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.S)
_MENTION = re.compile(r"(?<![\w@./])@([^\s/?#%@]{1,120})")


def tell_reply(session: Session, reply: Reply) -> None:
    """Tell of a new reply: whom it mentions, who takes part (the asker, whom the request is assigned to, who has
    replied before), and who follows the request. Each of them once. A second call for the same reply, after it was
    edited, tells only whom nobody has told of it yet."""
    request = reply.request
    recipients = dict.fromkeys(_following(session, request), kinds.FOLLOWED)
    recipients |= dict.fromkeys(_taking_part(session, request), kinds.REPLY)
    recipients |= dict.fromkeys(_mentioned(session, reply.body), kinds.MENTION)
    told = set(session.scalars(select(Notification.person_id).where(Notification.reply_id == reply.id)))
    recipients = {number: kind for number, kind in recipients.items() if number not in told}
    tell(session, recipients, request, by=reply.author_id, reply=reply)


def tell_resolution(session: Session, request: HelpRequest, solution: Reply, by: int | None) -> None:
    """Tell that a request was resolved: who takes part, who follows it, and who has the same problem. Whom nobody has
    mailed about the solution as a reply yet is not told of that too."""
    recipients = dict.fromkeys(_following(session, request), kinds.FOLLOWED)
    recipients |= dict.fromkeys(_following(session, request, me_too=True), kinds.ME_TOO)
    recipients |= dict.fromkeys(_taking_part(session, request), kinds.RESOLUTION)
    session.execute(
        delete(Notification).where(
            Notification.reply_id == solution.id,
            Notification.kind.in_((kinds.REPLY, kinds.FOLLOWED)),
            Notification.read_at.is_(None),
            Notification.mail_id.is_(None),
            Notification.person_id.in_(sorted(set(recipients) - {by})),
        )
    )
    tell(session, recipients, request, by=by, reply=solution)


def tell_reopened(session: Session, request: HelpRequest, by: int | None) -> None:
    """Tell who takes part that a request was opened again without a reply."""
    tell(session, dict.fromkeys(_taking_part(session, request), kinds.REOPENED), request, by=by)


def tell_assignment(session: Session, request: HelpRequest, by: int | None) -> None:
    """Tell the person whom a request is assigned to."""
    if request.assigned_to_id is not None:
        tell(session, {request.assigned_to_id: kinds.ASSIGNMENT}, request, by=by)


def tell_suggested(session: Session, request: HelpRequest, person: Person | None) -> None:
    """Tell a person, if there is one, that a question was sent to them because they were suggested."""
    if person is not None:
        tell(session, {person.id: kinds.SUGGESTED}, request, by=request.asked_by_id)


def tell_not_sent(session: Session, request: HelpRequest, reply: Reply | None = None) -> None:
    """Tell that something could not be sent on to where the team works: the asker and the agents of the team of a
    request, and of a reply its author."""
    people = {reply.author_id} if reply is not None else {request.asked_by_id, *_agents_of(session, request.team)}
    numbers = {number for number in people if number is not None}
    tell(session, dict.fromkeys(numbers, kinds.NOT_SENT), request, reply=reply)


def tell_flag(session: Session, item: Document | HelpRequest, by: int | None) -> None:
    """Tell who maintains an item that it was flagged: a document's owner, the person whose reply solved a request and
    whom it is assigned to; if there is none of these, the agents of its team. Who has not read an earlier flag of the
    item is not told again.

    Who flags an item is not stored, and of the time only the day is: so it is mailed on the next day at the earliest.
    """
    today = current_day()
    if isinstance(item, Document):
        people, same_item = {item.owner_id}, Notification.document_id == item.id
    else:
        people, same_item = {item.assigned_to_id}, Notification.request_id == item.id
        people |= {reply.author_id for reply in item.replies if reply.accepted}
    present = select(Person.id).where(Person.id.in_(people - {None}), _is_here(today))
    numbers = set(session.scalars(present)) or _agents_of(session, item.team)
    unread = Notification.kind == kinds.FLAG, Notification.read_at.is_(None), same_item
    waiting = set(session.scalars(select(Notification.person_id).where(*unread)))
    recipients = dict.fromkeys(numbers - waiting - {by}, kinds.FLAG)
    midnight = beginning(today)
    tell(session, recipients, item, at=midnight, mail_at=midnight + timedelta(days=1))


def tell_review(session: Session, document: Document, since: date) -> int:
    """Tell that a document is due for review, once for each time that it is due (`since`): its owner, else the agents
    of its team. Returns how many people were told."""
    told = select(Notification.id).where(
        Notification.kind == kinds.REVIEW,
        Notification.document_id == document.id,
        Notification.at >= beginning(since),
    )
    if session.scalar(told.limit(1)) is not None:
        return 0
    owner = document.owner
    here = owner is not None and not owner.has_left(current_day())
    numbers = {owner.id} if owner is not None and here else _agents_of(session, document.team)
    return tell(session, dict.fromkeys(numbers, kinds.REVIEW), document)


def tell(
    session: Session,
    recipients: Mapping[int, str],
    item: HelpRequest | Document,
    *,
    by: int | None = None,
    reply: Reply | None = None,
    at: datetime | None = None,
    mail_at: datetime | None = None,
) -> int:
    """Write a notification for each of `recipients` ({id of a person: kind}) about an item and perhaps one of its
    replies. `by` is the id of who did it, `at` when it happened (now), `mail_at` when it may be mailed at the earliest
    (at once). Returns how many were written."""
    session.flush()
    wanted, told, now = sorted(set(recipients) - {by}), 0, utc_now()
    if not wanted or item.hidden:
        return 0
    is_request = isinstance(item, HelpRequest)
    audience = request_audience(item) if isinstance(item, HelpRequest) else document_audience(item)
    for person in session.scalars(select(Person).where(Person.id.in_(wanted), _is_here(day_of(now)))):
        if may_read(audience, reader_of(person)):
            session.add(
                Notification(
                    person_id=person.id,
                    kind=recipients[person.id],
                    request_id=item.id if is_request else None,
                    document_id=None if is_request else item.id,
                    reply_id=reply.id if reply else None,
                    actor_id=by,
                    at=at or now,
                    mail_at=mail_at or now,
                )
            )
            told += 1
    session.flush()
    return told


def _is_here(today: date) -> ColumnElement[bool]:
    """The condition for people who can be told something."""
    return (Person.kind == PERSON) & Person.here_on(today)


def _taking_part(session: Session, request: HelpRequest) -> set[int]:
    authors = session.scalars(select(Reply.author_id).where(Reply.request_id == request.id).distinct())
    return {number for number in (*authors, request.asked_by_id, request.assigned_to_id) if number is not None}


def _following(session: Session, request: HelpRequest, me_too: bool = False) -> Iterable[int]:
    wanted = RequestFollow.me_too if me_too else RequestFollow.follows
    query = select(RequestFollow.person_id).where(RequestFollow.request_id == request.id, wanted)
    return session.scalars(query).all()


def _agents_of(session: Session, team: Team | None) -> set[int]:
    if team is None:
        return set()
    query = select(Person.id).where(Person.teams.any(Team.id == team.id), Person.role.in_(AGENTS))
    return set(session.scalars(query))


def _mentioned(session: Session, body: str) -> set[int]:
    """The ids of the people whom a text mentions as @handle, outside of code. What follows a handle without a space,
    such as a full stop, is no part of it, unless there is such a handle."""
    found: dict[str, list[str]] = {}
    for match in list(_MENTION.finditer(_CODE.sub(" ", body)))[:MOST_MENTIONS]:
        text = match[1]
        found[text] = [text, *(text[:end] for end in range(len(text) - 1, 0, -1) if not text[end].isalnum())]
    handles = {handle for candidates in found.values() for handle in candidates}
    if not handles:
        return set()
    lower = sorted({handle.lower() for handle in handles})
    same = or_(Person.handle.in_(sorted(handles)), func.lower(Person.handle).in_(lower))
    rows = session.execute(select(Person.handle, Person.id).where(same))
    by_handle = {handle.casefold(): number for handle, number in rows}
    longest = (next((c for c in candidates if c.casefold() in by_handle), None) for candidates in found.values())
    return {by_handle[handle.casefold()] for handle in longest if handle is not None}
