"""People change or withdraw their own request and their own replies.

What was said before stays in the history, which the author and the agents who handle the request may read, and nobody
else: it may have been changed because others should not read it. The search has only what is said now. The functions
change rows of the session and leave the commit to the caller.
"""

from typing import cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import Reader, knows_asker, may_handle
from recommender.database.handles import visible
from recommender.database.request_tables import EarlierText, WithdrawnRequest
from recommender.database.storing import insert_or_keep
from recommender.database.tables import SENT_HERE, HelpRequest, Reply, utc_now
from recommender.datatypes import Kind, item_key
from recommender.errors import Conflict, NotAllowed
from recommender.knowledge.requests import LONGEST_TITLE
from recommender.notifications import telling

_CHANGED = "This was changed meanwhile. Look at it again."


def may_rewrite(request: HelpRequest, reader: Reader) -> bool:
    """True for the asker of a request that was sent in Kollega; an imported one is changed where it comes from."""
    return reader.person_id is not None and request.asked_by_id == reader.person_id and request.source == SENT_HERE


def may_rewrite_reply(reply: Reply, reader: Reader) -> bool:
    """True for the author of a reply that was written in Kollega."""
    own = reader.person_id is not None and reply.author_id == reader.person_id
    return own and reply.external_id is None


def history_of(session: Session, request: HelpRequest, reader: Reader) -> list[EarlierText]:
    """What was said before, oldest first: all of it for those who handle the request, else what the reader has written
    themselves. What an anonymous asker wrote is left out for agents who may not know them."""
    query = select(EarlierText).where(EarlierText.request_id == request.id).order_by(EarlierText.id)
    texts = session.scalars(query)
    if not may_handle(request, reader):
        return [text for text in texts if reader.person_id is not None and text.author_id == reader.person_id]
    return [text for text in texts if text.author_id != request.asked_by_id or knows_asker(request, reader)]


def rewrite_request(session: Session, request: HelpRequest, reader: Reader, title: str, body: str, before: str) -> None:
    """Change what a request asks. `before` is the body that the writer has seen. Raises NotAllowed for others than the
    asker, Conflict when it was changed meanwhile."""
    _must(may_rewrite(request, reader))
    title = visible(title)[:LONGEST_TITLE]
    if (title, body) == (request.title, request.body):
        return  # also when the same form is sent twice
    if _lines(request.body) != _lines(before):
        raise Conflict(_CHANGED)
    keep(session, request, request.asked_by_id, request.title, request.body)
    request.title, request.body, request.updated_at = title, body, utc_now()
    session.flush()


def rewrite_reply(session: Session, reply: Reply, reader: Reader, body: str, before: str) -> None:
    """Change a reply. Raises as `rewrite_request` does."""
    _must(may_rewrite_reply(reply, reader))
    if body == reply.body:
        return
    if _lines(reply.body) != _lines(before):
        raise Conflict(_CHANGED)
    keep(session, reply.request, reply.author_id, None, reply.body, reply)
    reply.body = body
    reply.updated_at = reply.request.updated_at = utc_now()
    session.flush()
    telling.tell_reply(session, reply)  # whom it mentions only now


def withdraw_reply(session: Session, reply: Reply, reader: Reader) -> None:
    """Take a reply back. Raises NotAllowed for others than its author, Conflict while it is the solution."""
    _must(may_rewrite_reply(reply, reader))
    request = reply.request
    keep(session, request, reply.author_id, None, reply.body, reply, withdrawn=True)
    # a single statement: somebody may resolve the request with this reply at the same moment
    withdrawn = delete(Reply).where(Reply.id == reply.id, Reply.accepted.is_(False))
    deleted = session.execute(withdrawn.execution_options(synchronize_session=False))
    if cast("CursorResult[object]", deleted).rowcount != 1:
        raise Conflict("This reply is the solution. Open the request again first.")
    session.expunge(reply)
    session.expire(request, ["replies"])
    request.updated_at = utc_now()
    session.flush()


def withdraw_request(session: Session, request: HelpRequest, reader: Reader) -> None:
    """Take a request back: it is hidden from everybody but the asker and those who handle it. Raises NotAllowed for
    others than the asker."""
    _must(may_rewrite(request, reader))
    request.hidden, request.updated_at = True, utc_now()
    insert_or_keep(session, WithdrawnRequest, {"request_id": request.id})
    who = audit.actor(session, None if request.anonymous else reader.person_id)
    audit.record(session, who, "request.withdrawn", item_key(Kind.REQUEST, request.id), {})


def send_again(session: Session, request: HelpRequest, reader: Reader) -> None:
    """Undo a withdrawal. Raises NotAllowed for others than the asker; nothing happens when it was not withdrawn."""
    _must(may_rewrite(request, reader))
    if (mark := session.get(WithdrawnRequest, request.id)) is not None:
        session.delete(mark)
        request.hidden, request.updated_at = False, utc_now()
        session.flush()
        who = audit.actor(session, None if request.anonymous else reader.person_id)
        audit.record(session, who, "request.sent_again", item_key(Kind.REQUEST, request.id), {})


def keep(
    session: Session, request: HelpRequest, author_id: int | None, title: str | None, body: str,
    reply: Reply | None = None, withdrawn: bool = False,
) -> None:  # fmt: skip
    """Store what a request, or one of its replies, says before that is changed or taken back."""
    session.add(
        EarlierText(
            request_id=request.id,
            reply_id=reply.id if reply else None,
            author_id=author_id,
            title=title,
            body=body,
            withdrawn=withdrawn,
            changed_at=utc_now(),
        )
    )
    session.flush()


def _must(allowed: bool) -> None:
    if not allowed:
        raise NotAllowed("Only the person who wrote this can change it.")


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()
