"""Writes many new answers to imported questions at once, row for row as `rows.py` writes them one by one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from indexer.loading.bulk import MOST_AT_ONCE
from indexer.loading.bulk_references import BulkReferences
from indexer.loading.many_rows import Row, among, insert_rows
from indexer.loading.merge import Merge
from indexer.loading.questions import settled
from indexer.loading.report import LoadReport
from indexer.loading.stated import Outcome, identity
from indexer.loading.writing import Prepared
from indexer.sources.records import AnswerRecord
from recommender.database.import_tables import ImportConflict, ImportedRecord, digest, record_key
from recommender.database.tables import HelpRequest, Reply, utc_now


class _Question:
    """A question that gets answers: its row, its replies, and what its source said of it."""

    def __init__(self, row: Any, replies: list[Any], said: Any) -> None:
        self.id, self.accepted, self.said = row.id, row.accepted_external_id, said
        self.replies = [(reply.external_id, reply.score, reply.created_at) for reply in replies]
        here = [reply.external_id or f"here:{reply.id}" for reply in replies if reply.accepted]
        self.outcome: Outcome = (row.status, row.resolved_at, row.resolution, sorted(here))

    @property
    def is_untouched(self) -> bool:
        """True when nobody has resolved or opened it here, and all its replies are from the source."""
        return (
            self.said is not None
            and self.said.fields.get("status") == digest(self.outcome)
            and all(external_id is not None for external_id, _score, _at in self.replies)
        )


def write_answers(session: Session, source: str, run: str, prepared: Sequence[Prepared], report: LoadReport) -> int:
    """Write the first records if they are new answers to questions that nobody has touched here. Returns how many were
    written, may be 0."""
    plain: list[Prepared] = []
    for each in prepared[:MOST_AT_ONCE]:
        if not isinstance(each.record, AnswerRecord) or not each.is_new or each.record.reply.internal:
            break
        plain.append(each)
    if not plain:
        return 0
    questions = _questions(session, source, plain)
    keys = [each.key for each in plain] + [record_key("request", name) for name in questions]
    said = select(ImportedRecord.key).where(ImportedRecord.source == source, ImportedRecord.key.in_(keys))
    taken = {*session.scalars(said), *among(session, ImportConflict.key, ImportConflict.source == source, keys)}
    taken -= {question.said.key for question in questions.values() if question.said is not None}
    for number, each in enumerate(plain):
        if not _is_plain(each, questions, taken):
            plain = plain[:number]
            break
    if plain:
        _write(session, source, run, plain, questions)
    for each in plain:
        merge = Merge(each.stated)
        merge.new = True
        report.count(each.place, identity(each.record), merge, changed=True)
        report.tell_all(each.place, each.changes)
    return len(plain)


def _is_plain(prepared: Prepared, questions: dict[str, _Question], taken: set[str]) -> bool:
    record: Any = prepared.record
    question = questions.get(record.request)
    if question is None or prepared.key in taken or record_key("request", record.request) in taken:
        return False
    return question.is_untouched and record.reply.id not in {known[0] for known in question.replies}


def _questions(session: Session, source: str, prepared: Sequence[Prepared]) -> dict[str, _Question]:
    """The questions of the answers, by their ids in the source."""
    names = sorted({each.record.request for each in prepared if isinstance(each.record, AnswerRecord)})
    columns = (
        HelpRequest.id, HelpRequest.external_id, HelpRequest.status, HelpRequest.resolved_at, HelpRequest.resolution,
        HelpRequest.accepted_external_id,
    )  # fmt: skip
    where = (HelpRequest.source == source) & HelpRequest.external_id.in_(names)
    rows = session.execute(select(*columns).where(where)).all()
    replies: dict[int, list[Any]] = {}
    query = select(Reply.request_id, Reply.id, Reply.external_id, Reply.score, Reply.created_at, Reply.accepted)
    for reply in session.execute(query.where(Reply.request_id.in_([row.id for row in rows])).order_by(Reply.id)):
        replies.setdefault(reply.request_id, []).append(reply)
    keys = {record_key("request", name): name for name in names}
    states = select(ImportedRecord.key, ImportedRecord.fields)
    states = states.where(ImportedRecord.source == source, ImportedRecord.key.in_(keys))
    said = {keys[state.key]: state for state in session.execute(states)}
    return {row.external_id: _Question(row, replies.get(row.id, []), said.get(row.external_id)) for row in rows}


def _write(
    session: Session, source: str, run: str, prepared: Sequence[Prepared], questions: dict[str, _Question]
) -> None:
    references = BulkReferences(session, source, run, [each.record for each in prepared])
    references.add_stubs(each.record for each in prepared)
    rows: list[Row] = []
    answered: dict[str, _Question] = {}
    for each in prepared:
        record: Any = each.record
        question = answered.setdefault(record.request, questions[record.request])
        question.replies.append((record.reply.id, record.reply.score, record.reply.created_at))
        rows.append({
            "request_id": question.id, "external_id": record.reply.id, "body": record.reply.body,
            "author_id": references.person_or_none(record.reply.author), "created_at": record.reply.created_at,
            "score": record.reply.score, "accepted": record.reply.id == question.accepted,
        })  # fmt: skip
    insert_rows(session, Reply.__table__, rows)
    states = [{"key": each.key, "source": source, "fields": each.stated, "run": run} for each in prepared]
    insert_rows(session, ImportedRecord.__table__, states)
    _settle(session, source, answered)


def _settle(session: Session, source: str, answered: dict[str, _Question]) -> None:
    """Resolve the questions by their accepted answers, or their first upvoted ones."""
    now = utc_now()
    requests: list[Row] = []
    said: list[Row] = []
    for question in answered.values():
        outcome = settled(question.accepted, question.replies)
        requests.append({"row": question.id, "to": outcome[0], "at": outcome[1], "now": now})
        if question.said is not None:
            said.append({"of": question.said.key, "to": question.said.fields | {"status": digest(outcome)}})
    table: Any = HelpRequest.__table__
    statement = update(table).where(table.c.id == bindparam("row"))
    values: dict[str, Any] = {"status": bindparam("to"), "resolved_at": bindparam("at"), "updated_at": bindparam("now")}
    session.connection().execute(statement.values(values), requests)
    if said:
        states: Any = ImportedRecord.__table__
        statement = update(states).where(states.c.source == source, states.c.key == bindparam("of"))
        session.connection().execute(statement.values(fields=bindparam("to")), said)
