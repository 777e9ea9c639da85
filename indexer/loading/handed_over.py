"""Takes what was answered elsewhere to a request that was sent on from here: its public replies and its solution."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.writing import Writing
from indexer.sources.records import ReplyRecord, RequestRecord
from recommender.database.handover_tables import Handover
from recommender.database.tables import OPEN, RESOLVED, HelpRequest, Reply
from recommender.notifications import telling


def handed_over(session: Session, source: str, external_id: str) -> Handover | None:
    """What became of the request here whose ticket in this source has this id; None when there is none."""
    return session.scalar(select(Handover).where(Handover.source == source, Handover.external_id == external_id))


def put_handed_over(writing: Writing, handover: Handover, record: RequestRecord, source: str) -> HelpRequest:
    """Add the replies that were written there, take their changes, and solve the request once it is solved there.

    Title, text, asker and readers stay those of the request here. What its asker wrote there is a reply too, but no
    solution; the ticket's own text is this request's and is left out. A request that somebody has solved or opened
    again here after that stays so.
    """
    references, row = writing.references, handover.request
    public = [reply for reply in record.replies if not reply.internal]
    authors = [references.person_if_listed(reply.author, "author", writing.changes) for reply in public]
    if any([_put_reply(writing, row, reply, author, source) for reply, author in zip(public, authors, strict=True)]):
        writing.merge.taken.append("replies")
        writing.is_written = True
    writing.session.flush()
    accepted = [reply.id for reply in record.replies if reply.accepted and not reply.internal]
    solution = _reply_of(row, source, accepted[-1]) if accepted else None
    newly_solved, handover.was_solved = record.status != OPEN and not handover.was_solved, record.status != OPEN
    if not newly_solved or row.status != OPEN:
        return row
    if solution is None and record.resolution:
        solution = Reply(
            request=row, body=record.resolution, created_at=record.resolved_at or record.created_at, accepted=False,
            score=0, external_id=f"{source}:resolution:{record.id}"[:200],
        )  # fmt: skip
        writing.session.add(solution)
        writing.session.flush()
    writing.merge.taken.append("status")
    writing.is_written = True
    row.status, row.resolved_at = RESOLVED, record.resolved_at or record.created_at
    for candidate in row.replies:
        candidate.accepted = candidate is solution
    writing.session.flush()
    if solution is not None:
        telling.tell_resolution(writing.session, row, solution, solution.author_id)
    return row


def _put_reply(writing: Writing, row: HelpRequest, record: ReplyRecord, author: int | None, source: str) -> bool:
    """Write one reply; True when it is new or has changed."""
    reply = _reply_of(row, source, record.id)
    if reply is not None:
        changed = reply.body != record.body
        if changed:
            reply.body = record.body
        return changed
    reply = Reply(
        request=row, author_id=author, body=record.body, created_at=record.created_at, accepted=False, score=0,
        external_id=_key(source, record.id),
    )  # fmt: skip
    writing.session.add(reply)
    writing.session.flush()
    if row.status == OPEN:
        telling.tell_reply(writing.session, reply)
    return True


def _reply_of(row: HelpRequest, source: str, identifier: str) -> Reply | None:
    return next((reply for reply in row.replies if reply.external_id == _key(source, identifier)), None)


def _key(source: str, identifier: str) -> str:
    return f"{source}:{identifier}"[:200]
