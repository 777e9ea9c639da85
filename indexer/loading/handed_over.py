"""Takes what was answered elsewhere to a request that was sent on from here: its public replies and its solution."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.audiences import record_audience, request_readers
from indexer.loading.references import DeletedHere
from indexer.loading.writing import Writing, note, replace_audience, update
from indexer.sources.records import ReplyRecord, RequestRecord
from recommender.access import EVERYONE, request_audience
from recommender.database.handover_tables import Handover, HandoverReply
from recommender.database.import_tables import digest
from recommender.database.tables import OPEN, RESOLVED, HelpRequest, Reply, RequestAudience
from recommender.knowledge.erasure import HANDOVER, was_erased
from recommender.knowledge.requests import is_shared_further
from recommender.notifications import telling
from recommender.outbox.handover import SENT, key_in, succeed_reply

_FIRST_WORDS = 8  # of a reply, by which it is known: a judgement
_COMPARED = 80  # characters of titles, which systems cut at different lengths: a judgement


def handed_over(session: Session, source: str, record: RequestRecord) -> Handover | None:
    """What became of the request here whose ticket in this source the record is; None when there is none. A ticket that
    was made a moment ago, and whose id we have not noted yet, is known by what was sent; its id is noted then. A mail
    is known by its Message-ID. Raises DeletedHere when the request that was mailed was deleted here."""
    if key := key_in(record.id):
        return _mailed(session, source, record, key)
    known = select(Handover).where(Handover.source == source, Handover.external_id == record.id)
    found = session.scalar(known)
    if found is None:
        found = next((each for each in unnoted(session, source) if is_ticket_of(each, record)), None)
        if found is not None:
            found.source, found.external_id = source, record.id
    return found


def _mailed(session: Session, source: str, record: RequestRecord, key: str) -> Handover | None:
    found = session.scalar(select(Handover).where(Handover.key == key))
    if found is None and was_erased(session, HANDOVER, key):
        raise DeletedHere
    if found is not None and found.source is None:
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
    _keep_private(writing, handover, record)
    sent = _sent_from_here(writing.session, handover, record)
    row, public = handover.request, [reply for reply in record.replies if not reply.internal]
    before = writing.merge.said_before("replies") or {}
    for reply in public:
        if reply.id not in sent:
            _put_reply(writing, row, reply, source, before)
    _take_away(writing, row, record, source, before)
    writing.is_written = bool(writing.merge.taken)
    writing.session.flush()
    accepted = [reply.id for reply in public if reply.accepted]
    solution = _not_by_asker(row, [reply.id for reply in public], accepted[-1], source, sent) if accepted else None
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


def _keep_private(writing: Writing, handover: Handover, record: RequestRecord) -> None:
    """Keep a request to its asker and team while others may not read its ticket: a rule says so, or its readers there
    are no longer those whom it had at first. Nobody is let in here."""
    there = list(record.readers_there or ())
    if handover.readers_there is None:
        handover.readers_there = [record.group] if record.group else there  # one may have been made private already
    audience = record.audience or ()
    narrowed = bool(audience) or there != handover.readers_there
    is_private = EVERYONE not in audience and record.readers_there is not None and narrowed
    handover.is_private_there = is_private
    row = handover.request
    if is_private and is_shared_further(row):
        before = request_readers(row, writing.references.person)
        replace_audience(row, RequestAudience, ())
        nameless = {f"person:{row.asked_by_id}"} if row.anonymous else set()
        record_audience(writing.session, f"request:{row.id}", before, request_audience(row), nameless)
        note(writing.merge, "audience", taken=True)


def _sent_from_here(session: Session, handover: Handover, record: RequestRecord) -> dict[str, Reply]:
    """The replies of a ticket that were written here and sent there, by their ids there. One that was sent a moment ago
    is known by its first words and the address at its end; its id is noted then."""
    rows = list(session.scalars(select(HandoverReply).where(HandoverReply.request_id == handover.request_id)))
    for row in rows:
        if row.external_id is None and row.attempts > 0:
            found = next((each for each in record.replies if _is_comment_of(row, each)), None)
            if found is not None:
                succeed_reply(row, found.id)
    known = {row.external_id: row.reply for row in rows if row.external_id is not None}
    return {each.id: known[each.id] for each in record.replies if each.id in known}


def _is_comment_of(row: HandoverReply, record: ReplyRecord) -> bool:
    if key_in(record.id):  # the Message-ID of a mail
        return record.id.startswith(f"{row.handover.key}-r{row.reply_id}@")
    beginnings = [re.findall(r"\w+", text)[:_FIRST_WORDS] for text in (row.reply.body, record.body)]
    address = rf"/requests/{row.request_id}#reply-{row.reply_id}(?!\d)[^\n]*\Z"
    return beginnings[0] == beginnings[1][: len(beginnings[0])] and bool(re.search(address, record.body.strip()))


def _not_by_asker(
    row: HelpRequest, identifiers: Sequence[str], accepted: str, source: str, sent: Mapping[str, Reply]
) -> Reply | None:
    """The accepted reply, or the last one before it when the asker has written it."""
    for identifier in reversed(identifiers[: identifiers.index(accepted) + 1]):
        reply = sent.get(identifier) or _reply_of(row, source, identifier)
        if reply is not None and (reply.author_id is None or reply.author_id != row.asked_by_id):
            return reply
    return None


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
