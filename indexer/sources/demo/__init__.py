"""The demo organisation: Tuulento Oy, a fictional Finnish company, written by hand for this project.

Its dates end in November 2026. They are moved by whole years of 52 weeks, so that the newest are never more than a year
old when the demo is first loaded, and weekdays and seasons stay as they were written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from indexer.sources.jsonl import JSONLSource
from indexer.sources.protocol import WholeSource
from indexer.sources.records import Located, Record, RequestRecord

FILES = ("organisation", "it", "hr", "finance", "legal", "facilities", "sales", "swedish")
SIGN_INS = ("henri.laine", "aino.virtanen", "riikka.salonen", "mikko.lahti", "tuomas.rinne")
_LAST_DAY = date(2026, 11, 20)
_YEAR = timedelta(weeks=52)
_TIMES = ("created_at", "resolved_at", "updated_at", "verified_on", "left_on", "away_until")


class DemoSource(WholeSource):
    """The demo organisation's records, with dates moved to the years before `today`.

    `loaded` are the times of its requests that are in the database already, by their ids. Then the dates are moved as
    they were at that time: that a year has passed is no change in the source.
    """

    name = "demo"

    def __init__(self, today: date, loaded: Mapping[str, datetime] | None = None) -> None:
        self._shift = max(0, (today - _LAST_DAY) // _YEAR) * _YEAR
        for located in _written() if loaded else ():
            if isinstance(located.record, RequestRecord) and loaded and located.record.id in loaded:
                self._shift = loaded[located.record.id] - located.record.created_at
                break

    def records(self) -> Iterator[Located]:
        """Teams and people first, then each team's requests and documents."""
        for located in _written():
            yield replace(located, record=self._moved(located.record)) if located.record else located

    def _moved(self, record: Record) -> Record:
        changes: dict[str, Any] = {}
        for name in _TIMES:
            value = getattr(record, name, None)
            if value is not None:
                changes[name] = value + self._shift
        replies = getattr(record, "replies", None)
        if replies is not None:
            changes["replies"] = tuple(self._moved(reply) for reply in replies)
        return record.model_copy(update=changes)


def _written() -> Iterator[Located]:
    """The records with the dates that are written in the files."""
    for name in FILES:
        yield from JSONLSource(Path(__file__).parent / f"{name}.jsonl").records()
