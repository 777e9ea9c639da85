"""Masks personal data in the texts of records, before they are compared and stored. Names of people stay."""

from collections import Counter
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel

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
from recommender.sentences.sentence import Sentence

_CHANGE = Sentence("personal data masked")
_TEXTS: dict[type[BaseModel], tuple[str, ...]] = {
    RequestRecord: ("title", "body", "resolution"),
    QuestionRecord: ("title", "body"),
    DocumentRecord: ("title", "body"),
    ReplyRecord: ("body",),
}
_Masked = TypeVar("_Masked", RequestRecord, QuestionRecord, DocumentRecord, ReplyRecord)


def masked(located: Located, rules: MaskingRules) -> Located:
    """The record with the personal data in its texts masked, and with a change for each that was."""
    record, counts = located.record, Counter[str]()
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
            if (reply := _masked(record.reply, rules, counts)) is not record.reply:
                record = record.model_copy(update={"reply": reply})
        case _:
            pass
    if not counts:
        return located
    changes = tuple((_CHANGE, KINDS[kind]) for kind in counts.elements())
    return replace(located, record=record, changes=(*located.changes, *changes))


def _masked(record: _Masked, rules: MaskingRules, counts: Counter[str]) -> _Masked:
    update: dict[str, str] = {}
    for name in _TEXTS[type(record)]:
        if text := getattr(record, name):
            masked_text, found = mask(text, rules)
            if found:
                update[name] = masked_text[:LONGEST_TITLE] if name == "title" else masked_text
                counts.update(found)
    return record.model_copy(update=update) if update else record


def _changed_replies(
    replies: tuple[ReplyRecord, ...], rules: MaskingRules, counts: Counter[str]
) -> tuple[ReplyRecord, ...]:
    """The replies when one of them has changed; empty when none has."""
    changed = tuple(_masked(reply, rules, counts) for reply in replies)
    return changed if any(new is not old for new, old in zip(changed, replies, strict=True)) else ()
