"""Writes one prepared record: its row, what its source said, and what was changed both here and there."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.audiences import IMPORT
from indexer.loading.deletions import put_deleted
from indexer.loading.details import link_merged
from indexer.loading.documents import put_document
from indexer.loading.merge import DELETED, Merge, all_same, remembered
from indexer.loading.people import put_name, put_person, put_team
from indexer.loading.questions import put_answer, put_link, put_question
from indexer.loading.references import BadRecord, DeletedHere, References
from indexer.loading.report import LoadReport
from indexer.loading.requests import put_request
from indexer.loading.stated import identity
from indexer.loading.writing import Prepared, Writing
from indexer.sources.records import (
    AnswerRecord,
    DeletedRecord,
    DocumentRecord,
    LinkRecord,
    PersonNameRecord,
    PersonRecord,
    QuestionRecord,
    RequestRecord,
    TeamRecord,
)
from recommender import audit
from recommender.access import document_audience, request_audience
from recommender.database.details_tables import RequestDetails
from recommender.database.import_tables import ImportConflict, ImportedRecord, digest, record_key
from recommender.database.tables import Document, HelpRequest, Person, utc_now
from recommender.sentences.sentence import Sentence, joined

DELETED_HERE = Sentence("records of what was deleted here were left out")


class RowWriter:
    """Writes prepared records of one source through one session, in the transaction of which they are committed."""

    def __init__(self, session: Session, source: str, run: str, prepared: Iterable[Prepared]) -> None:
        self._session, self._source, self._run = session, source, run
        prepared = list(prepared)
        self._references = References(session, source, run, [each.record for each in prepared])
        keys = {each.key for each in prepared}
        answers = [each.record for each in prepared if isinstance(each.record, AnswerRecord)]
        keys |= {record_key("request", answer.request) for answer in answers}
        rows = list(session.scalars(select(ImportedRecord).where(ImportedRecord.key.in_(sorted(keys)))))
        self._states = {row.key: row for row in rows if row.source == source}
        self._elsewhere = [row for row in rows if row.source != source]
        conflicts = select(ImportConflict).where(ImportConflict.source == source, ImportConflict.key.in_(sorted(keys)))
        self._conflicts = {row.key: row for row in session.scalars(conflicts)}
        requests = sorted(each.record.id for each in prepared if isinstance(each.record, RequestRecord))
        awaited = select(RequestDetails.merged_into).where(RequestDetails.merged_into.in_(requests))
        self._awaited = set(session.scalars(awaited)) if requests else set()

    def put(self, prepared: Prepared, report: LoadReport) -> None:
        """Write one record, and count in the report what came of it. What cannot be written is a problem there."""
        session, state = self._session, self._states.get(prepared.key)
        others = self._said_elsewhere(prepared)
        merge = Merge(prepared.stated, state.fields if state else None, others)
        writing = Writing(session, self._references, prepared, merge, self._states)
        writing.changes += prepared.changes
        row, deleted = None, False
        try:
            with session.no_autoflush:  # so that _changed() sees all changes of this record together
                row = self._write(writing, report)
        except BadRecord as problem:
            report.problems.append(joined([prepared.place, str(problem)], ": "))
            return
        except DeletedHere:
            deleted = True
            writing.changes.append((DELETED_HERE, " ".join(identity(prepared.record))))
        changed = self._changed() or writing.is_written
        if changed and isinstance(row, HelpRequest | Document | Person):
            row.updated_at = utc_now()
        if row is not None:
            self._remember(prepared, merge, state)
        if merge.new and isinstance(row, HelpRequest | Document) and not isinstance(prepared.record, AnswerRecord):
            if isinstance(row, HelpRequest):
                report.count_readers("request", request_audience(row))
            else:
                report.count_readers("document", document_audience(row))
        if deleted or row is not None:
            report.count(prepared.place, identity(prepared.record), merge, changed)
        session.flush()
        if isinstance(row, HelpRequest) and isinstance(prepared.record, RequestRecord):
            self._link(writing, row, prepared.record)
        if writing.removed:
            report.count_removed(prepared.place, identity(prepared.record))
        report.tell_all(prepared.place, writing.changes)
        more = [action.partition(".")[2] for action, *_values, widened in writing.audited if widened]
        if more and not merge.new:
            report.widened.append(f"{prepared.place}: {' '.join(identity(prepared.record))}: {', '.join(more)}")
        for action, person, before, after, widened in writing.audited:
            audit.record_change(session, IMPORT, action, f"person:{person.id}", before, after, widened)

    def _link(self, writing: Writing, row: HelpRequest, record: RequestRecord) -> None:
        """Link requests that were merged, once both are there."""
        merge = writing.merge
        if record.merged_into is not None:
            self._awaited.add(record.merged_into)
        if (merge.new and record.id in self._awaited) or (record.merged_into and merge.has_changed("merged_into")):
            link_merged(writing, row, self._source)

    def _said_elsewhere(self, prepared: Prepared) -> list[dict[str, Any]]:
        """What other sources said of a team or person, which all sources share."""
        if not isinstance(prepared.record, TeamRecord | PersonRecord | PersonNameRecord):
            return []
        return [row.fields for row in self._elsewhere if row.key == prepared.key]

    def _write(self, writing: Writing, report: LoadReport) -> Any:
        match writing.prepared.record:
            case TeamRecord() as record:
                return put_team(writing, record)
            case PersonRecord() as record:
                return put_person(writing, record, self._source)
            case PersonNameRecord() as record:
                return put_name(writing, record)
            case RequestRecord() as record:
                return put_request(writing, record, self._source)
            case QuestionRecord() as record:
                return put_question(writing, record, self._source)
            case AnswerRecord() as record:
                return put_answer(writing, record, self._source)
            case DocumentRecord() as record:
                return put_document(writing, record, self._source)
            case DeletedRecord() as record:
                return put_deleted(writing, record, self._source)
            case LinkRecord() as record:
                return put_link(writing, record)

    def _changed(self) -> bool:
        session = self._session
        rows = [row for row in session.dirty if not isinstance(row, ImportedRecord)]
        return bool(session.new or session.deleted or any(session.is_modified(row) for row in rows))

    def _remember(self, prepared: Prepared, merge: Merge, state: ImportedRecord | None) -> None:
        """Store what the source says now, and which fields of it were not taken."""
        if isinstance(prepared.record, LinkRecord):
            return
        if state is None:
            state = ImportedRecord(key=prepared.key, source=self._source, fields=merge.stated, run=self._run)
            state.earlier = []
            self._session.add(state)
            self._states[prepared.key] = state
        elif not all_same(state.fields, merge.stated) or prepared.superseded:
            earlier = [*state.earlier, digest(state.fields)] if state.run == self._run else []
            state.earlier = [prepared.superseded] if prepared.superseded else earlier
            state.fields, state.run = remembered(state.fields, merge.stated), self._run
        self._note_conflict(prepared, merge)

    def _note_conflict(self, prepared: Prepared, merge: Merge) -> None:
        """Store the fields that were not taken, with those of earlier imports that have not been settled since."""
        stored = self._conflicts.get(prepared.key)
        settled = {*merge.agreed, *merge.taken} - ({"replies"} - set(merge.agreed))  # of these, one may have been taken
        settled |= set() if DELETED in merge.stated else {DELETED}
        kept = [name for name in (stored.kept if stored else []) if name not in settled]
        not_widened = [name for name in (stored.not_widened if stored else []) if name not in settled]
        kept, not_widened = sorted({*kept, *merge.kept}), sorted({*not_widened, *merge.not_widened})
        if not kept and not not_widened:
            if stored is not None:
                self._session.delete(self._conflicts.pop(prepared.key))
            return
        if stored is None:
            kind, identifier = identity(prepared.record)
            stored = ImportConflict(key=prepared.key, source=self._source, kind=kind, external_id=identifier)
            self._session.add(stored)
            self._conflicts[prepared.key] = stored
        if merge.kept or merge.not_widened:
            stored.place, stored.at = prepared.place, utc_now()
        stored.kept, stored.not_widened = kept, not_widened
