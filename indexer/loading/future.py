"""Mends records with times in the future, which a wrong clock or a slip of the pen has given them.

Such an item would be the newest one for years. What can be known from the other times of the record is put in place of
such a time. Where nothing is known it stays, and is told.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from indexer.sources.records import (
    AnswerRecord,
    Change,
    DocumentRecord,
    Located,
    QuestionRecord,
    ReplyRecord,
    RequestRecord,
)
from recommender.sentences.sentence import Sentence

SLACK = timedelta(days=1)
"""How far a clock may be ahead, and a time without its zone be wrong: a judgement."""
KEPT = Sentence(
    "times in the future were kept, since nothing in the record says when it was: correct them in the source"
)
MENDED = Sentence("times in the future were replaced by others of their record: correct them in the source")


def without_future(located: Located, now: datetime) -> Located:
    """The record without times later than tomorrow, as far as it says what they could be, and what was changed."""
    latest, changes = now + SLACK, list(located.changes)
    match located.record:
        case RequestRecord() as record if _latest(record) > latest:
            return replace(located, record=_request(record, latest, changes), changes=tuple(changes))
        case DocumentRecord() as record if _latest_of(record) > latest:
            return replace(located, record=_document(record, latest, changes), changes=tuple(changes))
        case QuestionRecord() as record if record.created_at > latest:
            return replace(located, changes=(*changes, (KEPT, f"created_at {record.created_at:%Y-%m-%d}")))
        case AnswerRecord() as record if record.reply.created_at > latest:
            return replace(located, changes=(*changes, (KEPT, f"created_at {record.reply.created_at:%Y-%m-%d}")))
    return located


def _latest(record: RequestRecord) -> datetime:
    times = [record.created_at, *(reply.created_at for reply in record.replies)]
    return max(times if record.resolved_at is None else [*times, record.resolved_at])


def _latest_of(record: DocumentRecord) -> datetime:
    day = record.verified_on
    return record.updated_at if day is None else max(record.updated_at, datetime.combine(day, time.min))


def _request(record: RequestRecord, latest: datetime, changes: list[Change]) -> RequestRecord:
    values: dict[str, Any] = {}
    if record.resolved_at is not None and record.resolved_at > latest:
        values["resolved_at"] = None
        changes.append((MENDED, f"resolved_at {record.resolved_at:%Y-%m-%d}"))
    begun = record.created_at
    if begun > latest:
        known = [reply.created_at for reply in record.replies]
        known += [record.resolved_at] if record.resolved_at is not None else []
        begun = _first((each for each in known if each <= latest), "created_at", begun, changes)
        values["created_at"] = begun
    values["replies"] = tuple(_replies(record.replies, begun, latest, changes))
    return record.model_copy(update=values)


def _replies(
    replies: Iterable[ReplyRecord], before: datetime, latest: datetime, changes: list[Change]
) -> Iterable[ReplyRecord]:
    """The replies; one with a time in the future gets that of what comes before it."""
    for reply in replies:
        if reply.created_at > latest:
            changes.append((MENDED, f"created_at {reply.created_at:%Y-%m-%d}"))
            reply = reply.model_copy(update={"created_at": before})
        before = reply.created_at
        yield reply


def _document(record: DocumentRecord, latest: datetime, changes: list[Change]) -> DocumentRecord:
    values: dict[str, Any] = {}
    verified = None if record.verified_on is None else datetime.combine(record.verified_on, time.min)
    if verified is not None and verified > latest:
        values["verified_on"] = verified = None
        changes.append((MENDED, f"verified_on {record.verified_on}"))
    if record.updated_at > latest:
        values["updated_at"] = _first([verified] if verified else [], "updated_at", record.updated_at, changes)
    return record.model_copy(update=values)


def _first(times: Iterable[datetime], field: str, wrong: datetime, changes: list[Change]) -> datetime:
    """The first of the times; the wrong one when there is none."""
    found = min(times, default=None)
    changes.append((KEPT if found is None else MENDED, f"{field} {wrong:%Y-%m-%d}"))
    return wrong if found is None else found
