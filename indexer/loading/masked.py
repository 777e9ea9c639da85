"""Masks personal data in the texts of records, before they are compared and stored. Names of people stay."""

from collections import Counter
from dataclasses import replace
from typing import TypeVar

from indexer.sources.records import (
    LONGEST_TITLE,
    AnswerRecord,
    DocumentRecord,
    Located,
    QuestionRecord,
    ReplyRecord,
    RequestRecord,
)
from indexer.texts.masking import KINDS, MaskingRules, mask

_CHANGE = "personal data masked"
_TEXTS = ("title", "body", "resolution")
_Masked = TypeVar("_Masked", RequestRecord, QuestionRecord, DocumentRecord, ReplyRecord)


def masked(located: Located, rules: MaskingRules) -> Located:
    """The record with the personal data in its texts masked, and with a change for each that was."""
    record = located.record
    counts: Counter[str] = Counter()
    match record:
        case RequestRecord():
            record = _masked(record, rules, counts)
            if replies := _changed_replies(record.replies, rules, counts):
                record = record.model_copy(update={"replies": replies})
        case QuestionRecord():
            record = _masked(record, rules, counts)
        case DocumentRecord():
            record = _masked(record, rules, counts)
        case AnswerRecord():
            record = record.model_copy(update={"reply": _masked(record.reply, rules, counts)})
        case _:
            pass
    if not counts:
        return located
    changes = tuple((_CHANGE, KINDS[kind]) for kind in counts.elements())
    return replace(located, record=record, changes=(*located.changes, *changes))


def _masked(record: _Masked, rules: MaskingRules, counts: Counter[str]) -> _Masked:
    update = {}
    for name in _TEXTS:
        if text := getattr(record, name, None):
            update[name], found = mask(text, rules)
            if name == "title":
                update[name] = update[name][:LONGEST_TITLE]
            counts += found
    return record.model_copy(update=update) if any(getattr(record, name) != update[name] for name in update) else record


def _changed_replies(
    replies: tuple[ReplyRecord, ...], rules: MaskingRules, counts: Counter[str]
) -> tuple[ReplyRecord, ...]:
    """The replies when one of them has changed; empty when none has."""
    changed = tuple(_masked(reply, rules, counts) for reply in replies)
    return changed if any(new is not old for new, old in zip(changed, replies, strict=True)) else ()
