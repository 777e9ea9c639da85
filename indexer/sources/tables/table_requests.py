"""Makes a request of a row: its state, its answer and what was written in between."""

import hashlib
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from indexer.sources.records import Change, ReplyRecord, RequestRecord
from indexer.sources.tables.comments import Comment, comments_of
from indexer.sources.tables.dates import read_time_of
from indexer.sources.tables.row_reader import RowReader
from indexer.sources.tables.rows import Row
from recommender.database.handles import visible
from recommender.sentences.sentence import Sentence

_UNKNOWN_STATE = Sentence("words of the status that the mapping does not have were read as open")
_LONGEST_PROPERTY = 300  # characters: a judgement
_LATE = timedelta(minutes=5)
"""How much later than its resolving a reply may be and still be what solved it, since exports round times."""


def request_of(reader: RowReader, row: Row, changes: list[Change]) -> RequestRecord:
    """The request of a row. Raises ValueError."""
    cells, one = row.cells, reader.columns.one
    body = reader.text(cells, "body")
    title = reader.title(cells, body)
    created, resolved, updated = (reader.time(one(cells, role), changes) for role in ("created", "resolved", "updated"))
    first = reader.or_file_time(created or resolved or updated, changes)
    identifier = reader.identifier(cells, title, one(cells, "created"), one(cells, "asker"))
    asker = reader.person(cells, "asker")
    state = _state(reader, cells, changes, resolved)
    replies = _replies(reader, cells, first, resolved)
    answer = reader.text(cells, "answer")
    if answer and answer != body:
        replies.append(
            ReplyRecord(
                id="answer", author=reader.person(cells, "agent"), body=answer, created_at=resolved or updated or first,
                accepted=state == "resolved",
            )
        )  # fmt: skip
    elif state == "resolved":
        replies = _with_an_answer(replies, asker, resolved)
    has_answer = any(reply.accepted for reply in replies)
    status: Literal["open", "resolved", "closed"]
    status = "open" if state == "open" else "resolved" if has_answer else "closed"
    return RequestRecord(
        id=identifier,
        title=title,
        body=body if body != title else "",
        status=status,
        language=reader.language(cells),
        tags=reader.listed(cells, "tags"),
        asked_by=asker,
        created_at=min(first, resolved) if resolved and not created else first,
        resolved_at=resolved if status != "open" else None,
        url=one(cells, "url") or None,
        replies=tuple(replies),
        merged_into=one(cells, "duplicate_of") or None if state == "cancelled" else None,
        group=one(cells, "group") or None,
        readers_there=reader.readers(cells),
        attachments=_files(reader, cells),
        properties=_properties(reader, cells),
    )


def _state(reader: RowReader, cells: list[str], changes: list[Change], resolved: datetime | None) -> str:
    """open, resolved or cancelled."""
    words = reader.states
    outcome = words.get(reader.columns.one(cells, "outcome").casefold())
    written = reader.columns.one(cells, "status")
    if outcome == "cancelled":
        return "cancelled"
    if "status" not in reader.columns.places:
        ended = reader.columns.one(cells, "answer") or resolved or outcome == "resolved"
        return "resolved" if ended else "open"
    state = words.get(written.casefold())
    if state is None and written:
        changes.append((_UNKNOWN_STATE, written[:40]))
    return state or "open"


def _replies(reader: RowReader, cells: list[str], first: datetime, resolved: datetime | None) -> list[ReplyRecord]:
    """What was written later, in the order of the times."""
    replies: dict[str, ReplyRecord] = {}
    for role, is_internal in (("comments", False), ("notes", True)):
        for cell in reader.columns.several(cells, role):
            for comment in comments_of(cell, partial(is_time, reader), is_internal):
                reply = _reply(reader, comment, resolved or first)
                replies.setdefault(reply.id, reply)
    return sorted((reply for reply in replies.values() if reply.body), key=lambda reply: reply.created_at)


def _reply(reader: RowReader, comment: Comment, otherwise: datetime) -> ReplyRecord:
    written = f"{comment.time}\n{comment.author}\n{comment.text}"
    is_id = comment.author and " " not in comment.author
    return ReplyRecord(
        id=hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()[:16],
        author=reader.people.handle("", "", comment.author) if is_id else reader.people.handle(comment.author),
        body=reader.markdown(comment.text),
        created_at=read_time_of(comment.time, reader.order, reader.zone) or otherwise if comment.time else otherwise,
        internal=comment.is_internal,
    )


def _with_an_answer(replies: list[ReplyRecord], asker: str | None, resolved: datetime | None) -> list[ReplyRecord]:
    """With the last reply of somebody else than the asker before the request was resolved as the accepted one."""
    for place in reversed(range(len(replies))):
        reply = replies[place]
        in_time = resolved is None or reply.created_at <= resolved + _LATE
        if not reply.internal and in_time and (asker is None or reply.author != asker):
            replies[place] = reply.model_copy(update={"accepted": True})
            break
    return replies


def _properties(reader: RowReader, cells: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for place in reader.columns.places.get("properties", ()):
        if text := cells[place].strip():
            heading = reader.columns.headings[place]
            found[heading] = f"{found[heading]}, {text}" if heading in found else text
    return {heading: text[:_LONGEST_PROPERTY] for heading, text in found.items()}


def _files(reader: RowReader, cells: list[str]) -> tuple[str, ...]:
    """The names of attached files. A cell of Jira is `time;author;name;address`."""
    parts = [text.split(";") for text in reader.columns.several(cells, "attachments")]
    if parts and all(len(part) >= 4 and is_time(reader, part[0]) for part in parts):
        return tuple(visible(part[2].strip())[:200] for part in parts if part[2].strip())
    return reader.listed(cells, "attachments")


def is_time(reader: RowReader, text: str) -> bool:
    """True for a time as it is written in this reader."""
    return read_time_of(text, reader.order) is not None
