"""Cleans records by what they alone say: times in the future, personal data, the language of the text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from indexer.loading.future import without_future
from indexer.loading.masked import masked
from indexer.sources.records import DocumentRecord, Located, QuestionRecord, Record, RequestRecord
from indexer.texts.masking import MaskingRules
from indexer.texts.prose import DetectAll, detected


@dataclass(frozen=True)
class Cleaned(Located):
    """A record that was cleaned already, with the language of its text where the record does not state it."""

    language: str | None = None


def cleaned(batch: Sequence[Located], now: datetime, mask: MaskingRules, detect_all: DetectAll) -> list[Located]:
    """The records without future times and personal data, and with the languages of their texts."""
    clean = [masked(without_future(located, now), mask) for located in batch]
    texts = [text for located in clean if (text := text_without_language(located.record)) is not None]
    languages = iter(detected(texts, detect_all) if texts else ())
    return [
        _with_language(located, None if text_without_language(located.record) is None else next(languages))
        for located in clean
    ]


def text_without_language(record: Record | None) -> tuple[str, str] | None:
    """The title and body of a record that does not state their language; None for any other record."""
    if isinstance(record, RequestRecord | QuestionRecord | DocumentRecord) and not record.language:
        return record.title, record.body
    return None


def _with_language(located: Located, language: str | None) -> Cleaned:
    return Cleaned(
        located.file, located.line, located.record, located.problem, located.changes, located.is_last, located.unread,
        language,
    )  # fmt: skip
