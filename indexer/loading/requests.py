"""Writes the records of requests with their replies."""

from collections.abc import Sequence

from indexer.loading.audiences import (
    IMPORT,
    default_audience,
    merge_anonymous,
    merge_audience,
    merge_team,
    record_audience,
    request_readers,
    takes_person,
)
from indexer.loading.details import put_request_details
from indexer.loading.documents import put_language
from indexer.loading.handed_over import handed_over, put_handed_over
from indexer.loading.merge import Merge
from indexer.loading.notes import is_note, keep_as_note, put_notes
from indexer.loading.stated import Outcome, outcome, outcome_here
from indexer.loading.writing import Writing, note, replace_audience, update
from indexer.sources.records import ReplyRecord, RequestRecord
from recommender import audit
from recommender.access import EVERYONE, request_audience
from recommender.database.tables import HelpRequest, Reply, RequestAudience, Team


def put_request(writing: Writing, record: RequestRecord, source: str) -> HelpRequest:
    """Write a request and its replies. Raises BadRecord and DeletedHere."""
    references, merge = writing.references, writing.merge
    sent_on = handed_over(writing.session, source, record)
    if sent_on is not None:
        return put_handed_over(writing, sent_on, record, sent_on.source or source)
    team = references.team(record.team, "team")
    asker_id = references.person_if_listed(record.asked_by, "asker", writing.changes)
    private = writing.prepared.restricted or (team is not None and team.restricted)
    audience = default_audience(private) if record.audience is None else record.audience
    wanted = references.tokens(audience, writing.changes)
    authors = [references.person_if_listed(reply.author, "author", writing.changes) for reply in record.replies]
    row = references.request(record.id)
    if row is None:
        writing.must_be_new("request", source, record.id)
        row = HelpRequest(source=source, external_id=record.id, language="", replies=[], audience=[])
        update(row, team=team, team_id=team.id if team else None, asked_by_id=asker_id, anonymous=record.anonymous)
        row.name_known_to = [team.id] if team else []  # if it moves, the new team does not learn who asked
        replace_audience(row, RequestAudience, wanted)
        writing.session.add(row)
    else:
        merge_readers(writing, row, record, wanted, team, asker_id)
    for name in ("title", "body", "created_at", "url"):
        writing.set(row, name, getattr(record, name), editable=False)
    writing.set(row, "tags", list(record.tags), editable=False)
    put_language(writing, row, record.language)
    here = outcome_here(row)
    put_replies(writing, row, record.replies, authors, team, resolved_here=not merge.is_untouched("status", here))
    put_notes(writing, row, record.replies, authors, team)
    put_request_details(writing, row, record, source)
    put_outcome(row, here, outcome(record), merge)
    return row


def merge_readers(
    writing: Writing, row: HelpRequest, record: RequestRecord, wanted: set[str], team: Team | None, asker_id: int | None
) -> None:
    """Asker, team and audience of a request that is there already, and what the audit log says about them."""
    references, merge = writing.references, writing.merge
    team_before, asker_before = row.team, row.asked_by_id
    readers = request_readers(row, references.person)
    then = references.person(asker_id) if asker_id is not None else None
    if takes_person(row, "asked_by", row.asked_by, then, merge, readers):
        row.asked_by, row.asked_by_id = then, asker_id
    merge_anonymous(row, record.anonymous, merge)
    moved = merge_team(row, team, merge, readers)
    stated = record.audience is not None or writing.prepared.restricted
    tokens = merge_audience(row, wanted, stated, merge, readers)
    if moved:
        row.assigned_to = None
        if record.audience is None and team is not None and team.restricted:
            tokens = {entry.token for entry in row.audience} - {EVERYONE} if tokens is None else tokens - {EVERYONE}
    if tokens is not None:
        replace_audience(row, RequestAudience, tokens)
    subject = f"request:{row.id}"
    handles = (team_before.handle if team_before else None, row.team.handle if row.team else None)
    audit.record_change(writing.session, IMPORT, "request.team", subject, *handles)
    nameless = {f"person:{each}" for each in (asker_before, row.asked_by_id)} if row.anonymous else set()
    if not row.anonymous:
        audit.record_change(writing.session, IMPORT, "request.asker", subject, asker_before, row.asked_by_id)
    record_audience(writing.session, subject, readers, request_audience(row), nameless)


def put_outcome(row: HelpRequest, here: Outcome, then: Outcome, merge: Merge) -> None:
    """Set what came of a request, unless it was resolved or opened again here."""
    if not merge.takes("status", here):
        return
    status, resolved_at, resolution, accepted = then
    update(row, status=status, resolved_at=resolved_at, resolution=resolution)
    for reply in row.replies:
        update(reply, accepted=reply.external_id in accepted)


def put_replies(
    writing: Writing,
    row: HelpRequest,
    records: Sequence[ReplyRecord],
    authors: Sequence[int | None],
    team: Team | None,
    resolved_here: bool,
) -> None:
    """Make the source's replies those of the records that are not internal, with `authors` by person id in the same
    order. Replies that were written here stay, and so does one that was accepted here (the request is then
    `resolved_here`). One that has become internal is a note of the `team` now, and never the other way round."""
    merge = writing.merge
    internal = {record.id for record in records if record.internal}
    public = [(record, author) for record, author in zip(records, authors, strict=True) if not record.internal]
    here = {reply.external_id: reply for reply in row.replies if reply.external_id is not None}
    before = merge.said_before("replies") or {}
    for record, author in public:
        part = merge.part("replies", record.id)
        reply = here.pop(record.id, None)
        if reply is None:
            if record.id in before:
                continue  # deleted here
            if is_note(writing, row, record.id):
                merge.not_widened.append("replies")
                continue
            reply, part.new = Reply(external_id=record.id, accepted=False, score=0), True
            row.replies.append(reply)
            note(merge, "replies", taken=not merge.new)
        put_reply(reply, record, author, part)
        note(merge, "replies", taken=bool(part.taken), kept=bool(part.kept))
    for reply in here.values():
        if not merge.is_first and reply.external_id not in before:
            continue  # it was kept before
        is_edited = _is_edited(reply, before.get(reply.external_id))
        keeps = (is_edited or (reply.accepted and resolved_here)) and reply.external_id not in internal
        if is_edited and not keeps:
            keep_as_note(writing, reply, team)
        note(merge, "replies", taken=not keeps, kept=keeps)
        if not keeps:
            row.replies.remove(reply)
    if _agree(row.replies, public):
        merge.agreed.append("replies")


def _agree(replies: Sequence[Reply], records: Sequence[tuple[ReplyRecord, int | None]]) -> bool:
    """True when all imported replies that are here are those of the records, word for word."""
    here = {(reply.external_id, reply.body, reply.author_id) for reply in replies if reply.external_id is not None}
    return here <= {(record.id, record.body, author) for record, author in records}


def put_reply(reply: Reply, record: ReplyRecord, author: int | None, part: Merge) -> None:
    """Set what the record of a reply states."""
    handle = reply.author.handle if reply.author else None
    if part.takes("author", handle, editable=False):
        reply.author_id = author
    for name in ("body", "created_at", "score"):
        if part.takes(name, getattr(reply, name), editable=False):
            update(reply, **{name: getattr(record, name)})


def _is_edited(reply: Reply, before: dict[str, str] | None) -> bool:
    """True for a reply whose text is not what the source said before."""
    part = Merge({}, before)
    return not part.is_untouched("body", reply.body, editable=False)
