"""Reads the journal of ServiceNow as an export has it: one text with the entries, newest first, as people see them.

Each entry begins with a line such as `02.03.2026 09:40:00 - Ella Esimerkki (Additional comments)`. The form and the
zone of its time are those of whoever exported it; both are found from times that the export has twice, shown and in
UTC.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from recommender.sentences.sentence import Sentence

_HEAD = re.compile(
    r"^(\d[\d./-]+ \d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?: [AaPp][Mm])?) - (.+?) \([^()\n]+\)[ \t]*$", re.MULTILINE
)
_FORMS = (
    "%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S", "%d.%m.%Y %H.%M.%S",
)  # fmt: skip
_LARGEST_OFFSET = timedelta(hours=14)


def entries(text: str) -> Iterator[tuple[str, str, str]]:
    """(time as it is written, name of the author, text) of each entry."""
    heads = list(_HEAD.finditer(text))
    for number, head in enumerate(heads):
        end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
        yield head[1], head[2].strip(), text[head.end() : end].strip()


@dataclass(frozen=True)
class Clock:
    """How times are shown: in one of some forms, and so much later than UTC; without an offset in a zone."""

    forms: tuple[str, ...]
    offset: timedelta | None
    zone: str

    @classmethod
    def of(cls, pairs: list[tuple[str, str]], zone: str) -> "Clock":
        """The clock that shows the first of each pair for the second, a time in UTC."""
        known = [(time, value) for time, value in pairs if time and value and time != value]
        for form in _FORMS:
            offsets = [_offset(time, value, form) for time, value in known]
            if offsets and all(offset is not None for offset in offsets):
                return cls((form,), offsets[0], zone)
        return cls(_FORMS, None, zone)

    def read(self, time: str) -> datetime:
        """The time in UTC. Raises ValueError when it is in another form."""
        for form in self.forms:
            try:
                read = datetime.strptime(time, form)
            except ValueError:
                continue
            if self.offset is not None:
                return (read - self.offset).replace(tzinfo=UTC)
            return read.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        raise ValueError(
            Sentence(
                "the time %(time)r of an entry is in a form that is not known. Export with times as 2026-03-02",
                time=time[:40],
            )
        )


def _offset(time: str, value: str, form: str) -> timedelta | None:
    try:
        offset = datetime.strptime(time, form) - datetime.strptime(value, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return offset if abs(offset) <= _LARGEST_OFFSET else None
