"""Takes what was answered elsewhere to a request that was sent on from here: its public replies and its solution."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.writing import Writing, note, update
from indexer.sources.records import ReplyRecord, RequestRecord
from recommender.database.handover_tables import Handover
from recommender.database.import_tables import digest
from recommender.database.tables import OPEN, RESOLVED, HelpRequest, Reply
from recommender.notifications import telling
from recommender.outbox.handover import SENT

_COMPARED = 80  # characters of titles, which systems cut at different lengths: a judgement


def handed_over(session: Session, source: str, record: RequestRecord) -> Handover | None:
    """What became of the request here whose ticket in this source the record is; None when there is none. A ticket that
    was made a moment ago, and whose id we have not noted yet, is known by what was sent; its id is noted then."""
    known = select(Handover).where(Handover.source == source, Handover.external_id == record.id)
    found = session.scalar(known)
    if found is None:
        found = next((each for each in unnoted(session, source) if is_ticket_of(each, record)), None)
        if found is not None:
            found.source, found.external_id = source, record.id
    return found


def unnoted(session: Session, source: str) -> list[Handover]:
    """The requests that a ticket may have been made of in this source, of which we do not know the id."""
    query = select(Handover).where(Handover.target == source, Handover.external_id.is_(None))
    return list(session.scalars(query.where(Handover.state != SENT, Handover.attempts > 0)))


def is_ticket_of(handover: Handover, record: RequestRecord) -> bool:
    """True for a ticket with the title of a request, and the address of its page in the text."""
    titles = [" ".join(title.split())[:_COMPARED] for title in (handover.request.title, record.title)]
    named = re.search(rf"/requests/{handover.request_id}(?!\d)", record.body) is not None
    return named and titles[0] == titles[1]


def put_handed_over(writing: Writing, handover: Handover, record: RequestRecord, source: str) -> HelpRequest:
    """Add the replies that were written there, take their changes, and solve the request once it is solved there.

    Title, text, asker and readers stay those of the request here. What its asker wrote there is a reply too, but no
    solution; the ticket's own text is this request's and is left out. A request that somebody has solved or opened
    again here after that stays so, and so do replies that were changed or deleted here.
    """
    row, public = handover.request, [reply for reply in record.replies if not reply.internal]
    before = writing.merge.said_before("replies") or {}
    for reply in public:
        _put_reply(writing, row, reply, source, before)
    _take_away(writing, row, record, source, before)
    writing.is_written = bool(writing.merge.taken)
    writing.session.flush()
    accepted = [reply.id for reply in public if reply.accepted]
    solution = _reply_of(row, source, accepted[-1]) if accepted else None
    newly_solved, handover.was_solved = record.status != OPEN and not handover.was_solved, record.status != OPEN
    if not newly_solved or row.status != OPEN:
        return row
    if solution is None and record.resolution:
        solution = _put_resolution(writing, row, record, source)
    note(writing.merge, "status", taken=True)
    writing.is_written = True
    row.status, row.resolved_at = RESOLVED, record.resolved_at or record.created_at
    for candidate in row.replies:
        candidate.accepted = candidate is solution
    writing.session.flush()
    if solution is not None:
        telling.tell_resolution(writing.session, row, solution, solution.author_id)
    return row


def _put_reply(writing: Writing, row: HelpRequest, record: ReplyRecord, source: str, before: Mapping[str, Any]) -> None:
    author = writing.references.person_if_listed(record.author, "author", writing.changes)
    reply, part = _reply_of(row, source, record.id), writing.merge.part("replies", record.id)
    if reply is not None:
        if part.takes("body", reply.body, editable=False):
            update(reply, body=record.body)
        note(writing.merge, "replies", taken=bool(part.taken), kept=bool(part.kept))
        return
    if record.id in before:
        return  # deleted here
    reply = _add_reply(writing, row, record.id, record.body, record.created_at, source)
    reply.author_id = author
    writing.session.flush()
    if row.status == OPEN:
        telling.tell_reply(writing.session, reply)
    note(writing.merge, "replies", taken=True)


def _take_away(
    writing: Writing, row: HelpRequest, record: RequestRecord, source: str, before: Mapping[str, Any]
) -> None:
    """Remove the replies that have become internal there; and those that were deleted there, unless they have solved
    the request or were changed here."""
    internal, public = ({reply.id for reply in record.replies if reply.internal is kind} for kind in (True, False))
    for identifier, said in before.items():
        reply = None if identifier in public else _reply_of(row, source, identifier)
        if reply is None:
            continue
        keeps = identifier not in internal and (reply.accepted or said.get("body") != digest(reply.body))
        note(writing.merge, "replies", taken=not keeps, kept=keeps)
        if not keeps:
            row.replies.remove(reply)


def _put_resolution(writing: Writing, row: HelpRequest, record: RequestRecord, source: str) -> Reply:
    """The reply with the words of the ticket's field for a solution: the one of an earlier time, or a new one."""
    name, at, words = f"resolution:{record.id}", record.resolved_at or record.created_at, record.resolution or ""
    reply = _reply_of(row, source, name) or _add_reply(writing, row, name, words, at, source)
    update(reply, body=words, created_at=at)
    writing.session.flush()
    return reply


def _add_reply(writing: Writing, row: HelpRequest, name: str, body: str, at: datetime, source: str) -> Reply:
    external_id = _key(source, name)
    reply = Reply(request=row, body=body, created_at=at, accepted=False, score=0, external_id=external_id)
    writing.session.add(reply)
    return reply


def _reply_of(row: HelpRequest, source: str, identifier: str) -> Reply | None:
    return next((reply for reply in row.replies if reply.external_id == _key(source, identifier)), None)


def _key(source: str, identifier: str) -> str:
    return f"{source}:{identifier}"[:200]
