"""Writes the records of a source that keeps questions, answers, and links between questions apart."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.audiences import default_audience, merge_team, request_readers, takes_person
from indexer.loading.documents import put_language
from indexer.loading.notes import WITHOUT_TEAM
from indexer.loading.references import BadRecord, DeletedHere, References
from indexer.loading.requests import put_outcome, put_reply
from indexer.loading.stated import Outcome, outcome_here
from indexer.loading.writing import Writing, note, replace_audience
from indexer.sources.records import AnswerRecord, LinkRecord, QuestionRecord
from recommender.database.import_tables import digest, record_key
from recommender.database.tables import OPEN, RESOLVED, HelpRequest, Reply, RequestAudience, RequestLink
from recommender.sentences.sentence import Sentence


def put_question(writing: Writing, record: QuestionRecord, source: str) -> HelpRequest:
    """Write a question as a request, which everyone may read unless its team is restricted. Raises BadRecord and
    DeletedHere."""
    asker, team = writing.references.stub_id(record.asked_by), writing.references.team(record.team, "team")
    row, merge = writing.references.request(record.id), writing.merge
    if row is None:
        writing.must_be_new("request", source, record.id)
        row = HelpRequest(source=source, external_id=record.id, status=OPEN, language="", replies=[], audience=[])
        row.asked_by_id, row.team = asker, team
        private = writing.prepared.restricted or (team is not None and team.restricted)
        replace_audience(row, RequestAudience, set(default_audience(private)))
        writing.session.add(row)
    else:
        then = writing.references.person(asker) if asker is not None else None
        readers = request_readers(row, writing.references.person)
        if takes_person(row, "asked_by", row.asked_by, then, merge, readers):
            row.asked_by, row.asked_by_id = then, asker
        if record.team is not None:
            merge_team(row, team, merge, readers)
    here = outcome_here(row)
    if merge.new:
        merge.remember("status", here)
    for name in ("title", "body", "created_at"):
        writing.set(row, name, getattr(record, name), editable=False)
    writing.set(row, "tags", list(record.tags), editable=False)
    put_language(writing, row, record.language)
    writing.set(row, "accepted_reply", record.accepted_reply, "accepted_external_id", editable=False)
    if record.accepted_reply is None or any(reply.external_id == record.accepted_reply for reply in row.replies):
        settle(writing, row, here)  # otherwise the accepted answer comes later, and settles it
    return row


def put_answer(writing: Writing, record: AnswerRecord, source: str) -> HelpRequest | None:
    """Write an answer as a reply to its request; None for an internal note, since no team is named that may read it.
    Raises BadRecord when there is no such request, and DeletedHere."""
    if record.reply.internal:
        writing.changes.append((WITHOUT_TEAM, ""))
        return None
    request, merge = writing.references.request(record.request), writing.merge
    if request is None:
        if record_key("request", record.request) in writing.states:
            raise DeletedHere
        writing.must_be_new("request", source, record.request)
        raise BadRecord(
            Sentence(
                "answer %(id)s belongs to question %(request)s, which is missing",
                id=record.reply.id,
                request=record.request,
            )
        )
    author, here = writing.references.stub_id(record.reply.author), outcome_here(request)
    reply = next((row for row in request.replies if row.external_id == record.reply.id), None)
    if reply is None:
        if merge.was_imported:
            raise DeletedHere
        merge.new = True
        reply = Reply(external_id=record.reply.id, accepted=False, score=0)
        request.replies.append(reply)
    put_reply(reply, record.reply, author, merge)
    settle(writing, request, here)
    return request


def settle(writing: Writing, request: HelpRequest, here: Outcome) -> None:
    """Resolve a request by its accepted answer, or its first upvoted one, or open it, unless it was resolved or opened
    again here. `here` is what came of it before this record."""
    said = writing.states.get(record_key("request", request.external_id or ""))
    merge = writing.merge.about({"status": digest(_outcome(request))}, said.fields if said else None)
    merge.new = said is None and not request.id
    put_outcome(request, here, _outcome(request), merge)
    if said is not None:
        said.fields = said.fields | merge.stated
    else:
        writing.merge.stated.update(merge.stated)
    note(writing.merge, "status", taken=bool(merge.taken), kept=bool(merge.kept))
    writing.merge.agreed += merge.agreed


def _outcome(request: HelpRequest) -> Outcome:
    imported = [(reply.external_id, reply.score, reply.created_at) for reply in request.replies if reply.external_id]
    return settled(request.accepted_external_id, imported)


def settled(accepted_id: str | None, replies: Sequence[tuple[str, int, datetime]]) -> Outcome:
    """What came of a question with these imported replies (id, score, time): its accepted answer has solved it, or the
    first one that was voted for."""
    accepted = [reply for reply in replies if reply[0] == accepted_id]
    first = min((at for _id, score, at in accepted or replies if accepted or score > 0), default=None)
    return RESOLVED if first else OPEN, first, None, sorted(reply[0] for reply in accepted)


def linked(session: Session, references: References, record: LinkRecord) -> tuple[int, int, bool] | None:
    """(id of the first request, of the second, whether they are linked in this way); None when one of them does not
    exist: exports keep links to deleted requests."""
    ends = [references.request_id(identifier) for identifier in (record.from_request, record.to_request)]
    if ends[0] is None or ends[1] is None:
        return None
    where = (RequestLink.from_id == ends[0]) & (RequestLink.to_id == ends[1]) & (RequestLink.kind == record.kind)
    return ends[0], ends[1], session.scalar(select(RequestLink.from_id).where(where)) is not None


def put_link(writing: Writing, record: LinkRecord) -> RequestLink | None:
    """Write a link between two requests; None when one of them does not exist or the link is there."""
    found = linked(writing.session, writing.references, record)
    if found is None or found[2]:
        return None
    writing.merge.new = True
    row = RequestLink(from_id=found[0], to_id=found[1], kind=record.kind)
    writing.session.add(row)
    return row
