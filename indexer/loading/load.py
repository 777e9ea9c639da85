"""Loads a source: adds what is new, takes what has changed in it and not here, and reports what could not be loaded."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.audiences import IMPORT
from indexer.loading.bulk import write_new
from indexer.loading.bulk_answers import write_answers
from indexer.loading.bulk_people import write_names, write_people
from indexer.loading.clean import Cleaned
from indexer.loading.future import without_future
from indexer.loading.prepare import Preparation
from indexer.loading.report import LoadReport
from indexer.loading.rows import RowWriter
from indexer.loading.stated import name_of
from indexer.loading.writing import Prepared
from indexer.sources.protocol import Mark, Source
from indexer.sources.records import (
    AnswerRecord,
    LinkRecord,
    Located,
    PersonNameRecord,
    PersonRecord,
    TeamRecord,
)
from indexer.texts.masking import SHIPPED, MaskingRules
from recommender import audit
from recommender.database import dialects
from recommender.database.tables import utc_now
from recommender.errors import SourceError
from recommender.language.analyzer import Analyzer

_BATCH = 400  # records that are compared together: a judgement
_ONE_BY_ONE = 25  # records that are written one by one in one transaction, at most: a judgement
_LONGEST_WRITE = 0.15  # seconds after which a transaction is committed: a judgement
_LONGEST_TURN = 0.3  # seconds of transactions after which others may write: a judgement
_LEFT_FREE = 0.11  # seconds; SQLite's busy handler waits at most 0.1 seconds between two attempts
_ORDER = (TeamRecord, PersonRecord, PersonNameRecord, AnswerRecord, LinkRecord)
_STAGES: dict[type, int] = {kind: place for place, kind in enumerate(_ORDER)}


def load(
    source: Source,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    progress: Callable[[int], None] = lambda _n: None,
    report: LoadReport | None = None,
    since: str | None = None,
    marked: Callable[[str], None] = lambda _mark: None,
    mask: MaskingRules = SHIPPED,
) -> LoadReport:
    """Load a source's records into the database: all, or those since a mark.

    A bad record is reported and all others are loaded. When the source cannot be read further, what is before stays
    loaded, and the error is the last problem in the report. What people have changed here stays. Others may write in
    between. `marked` gets each mark once all before it is written; `mask` says which personal data is masked.
    """
    report = LoadReport() if report is None else report
    run, preparation, turns = secrets.token_hex(8), Preparation(source.name, analyzer, mask), _Turns()

    def put(batch: list[Located]) -> None:
        with sessions() as session:
            changed = preparation.changed(session, batch, report)
        if changed and not turns.begun:  # so that it is known what wrote, also when the import is killed
            _record("import.begun", source.name, sessions, {"run": run})
            turns.begun = True
        _write(changed, source.name, run, sessions, report, turns)

    def put_left_over() -> None:
        for located in preparation.left_over():
            report.unchanged -= 1  # it was counted when it was postponed
            put([located])

    broken_off: list[str] = []
    for batch in batches(_records(source, since, progress, broken_off)):
        if isinstance(batch, Mark):
            put_left_over()
            marked(batch.value)
        else:
            put(batch)
    put_left_over()
    report.broken_off = broken_off[0] if broken_off else ""
    report.problems += broken_off
    readers = {"new": dict(sorted(report.readers.items()))} if report.readers else {}
    _record("import.run", source.name, sessions, {"run": run, **report.counts(), **readers})
    return report


def _records(
    source: Source, since: str | None, progress: Callable[[int], None], broken_off: list[str]
) -> Iterator[Located | Mark]:
    """The records and marks of a source. Why it broke off goes to `broken_off`."""
    number, now = 0, utc_now()
    try:
        for located in source.read(since):
            if isinstance(located, Mark):
                yield located
                continue
            number += 1
            progress(number)
            yield located if isinstance(located, Cleaned) else without_future(located, now)
    except SourceError as error:
        broken_off.append(str(error))


def batches(records: Iterator[Located | Mark]) -> Iterator[list[Located] | Mark]:
    """Records in batches, in which none refers to another one or has the same id, and the marks between them. A record
    that cannot be used is alone, so that problems are reported in the order of the records."""
    batch: list[Located] = []
    keys: set[tuple[str, ...]] = set()
    for located in records:
        if isinstance(located, Mark):
            if batch:
                yield batch
            batch, keys = [], set()
            yield located
            continue
        key = name_of(located.record) if located.record is not None else ()
        if batch and (len(batch) >= _BATCH or key in keys or _stage(batch[-1]) != _stage(located)):
            yield batch
            batch, keys = [], set()
        batch.append(located)
        keys.add(key)
    if batch:
        yield batch


def _stage(located: Located) -> int:
    """Records of one stage do not refer to each other."""
    return -1 if located.record is None else _STAGES.get(type(located.record), len(_STAGES))


class _Turns:
    """Lets others write in between. Whoever waits for SQLite's lock looks every 0.1 seconds whether it is free, so it
    is left free for that long after every turn. `begun` is set once something is written."""

    def __init__(self) -> None:
        self._held, self._released = 0.0, time.monotonic()
        self.begun = False

    def wait(self) -> None:
        """Call before a transaction."""
        free = time.monotonic() - self._released
        if free < _LEFT_FREE and self._held >= _LONGEST_TURN:
            time.sleep(_LEFT_FREE - free)
            free = _LEFT_FREE
        if free >= _LEFT_FREE:
            self._held = 0.0

    def release(self, begun: float) -> None:
        """Call after a transaction, with the time at which it began."""
        self._released = time.monotonic()
        self._held += self._released - begun


def _write(
    changed: list[Prepared], source: str, run: str, sessions: sessionmaker[Session], report: LoadReport, turns: _Turns
) -> None:
    """Write prepared records, in as many transactions as are needed for each to be short."""
    place = 0
    while place < len(changed):
        with sessions() as session:
            dialect = dialects.of(session.get_bind())
            if not dialect.serves_in_order:
                turns.wait()
            dialect.begin_writing(session.connection())  # nobody changes what is compared meanwhile
            begun = time.monotonic()
            for write in (write_people, write_new, write_answers, write_names, _write_some):
                written = write(session, source, run, changed[place:], report)
                if written:
                    break
            place += written
            session.commit()
            turns.release(begun)


def _write_some(session: Session, source: str, run: str, prepared: Sequence[Prepared], report: LoadReport) -> int:
    """Write the first records one by one, as many as take little time. Returns how many were written."""
    prepared = prepared[:_ONE_BY_ONE]
    begun, writer = time.monotonic(), RowWriter(session, source, run, prepared)
    for number, each in enumerate(prepared, 1):
        writer.put(each, report)
        if time.monotonic() - begun >= _LONGEST_WRITE:
            return number
    return len(prepared)


def _record(action: str, source: str, sessions: sessionmaker[Session], details: dict[str, Any]) -> None:
    """Record in the audit log that there is or was an import."""
    with sessions.begin() as session:
        audit.record(session, IMPORT, action, f"source:{source}", details)
