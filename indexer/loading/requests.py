"""Writes the records of requests with their replies."""

from collections.abc import Sequence

from indexer.loading.audiences import (
    IMPORT,
    merge_anonymous,
    merge_audience,
    merge_team,
    record_audience,
    request_readers,
    takes_person,
)
from indexer.loading.documents import put_language
from indexer.loading.merge import Merge
from indexer.loading.stated import Outcome, outcome, outcome_here
from indexer.loading.writing import Writing, replace_audience, update
from indexer.sources.records import ReplyRecord, RequestRecord
from recommender import audit
from recommender.access import EVERYONE, request_audience
from recommender.database.tables import HelpRequest, Reply, RequestAudience, Team


def put_request(writing: Writing, record: RequestRecord, source: str) -> HelpRequest:
    """Write a request and its replies. Raises BadRecord and DeletedHere."""
    references, merge = writing.references, writing.merge
    team = references.team(record.team, "team")
    asker_id = references.person_if_listed(record.asked_by, "asker", writing.changes)
    private = writing.prepared.restricted or (team is not None and team.restricted)
    wanted = references.tokens(_default(private) if record.audience is None else record.audience, writing.changes)
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
    put_replies(writing, row, record.replies, authors, resolved_here=not merge.is_untouched("status", here))
    put_outcome(row, here, outcome(record), merge)
    return row


def _default(private: bool) -> tuple[str, ...]:
    return () if private else (EVERYONE,)


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
    resolved_here: bool,
) -> None:
    """Make the source's replies those of the records, with `authors` by person id in the same order. Replies that were
    written here stay, and so does one that was accepted here (the request is then `resolved_here`)."""
    merge = writing.merge
    here = {reply.external_id: reply for reply in row.replies if reply.external_id is not None}
    before = merge.said_before("replies") or {}
    for record, author in zip(records, authors, strict=True):
        part = merge.part("replies", record.id)
        reply = here.pop(record.id, None)
        if reply is None:
            if record.id in before:
                continue  # deleted here
            reply, part.new = Reply(external_id=record.id, accepted=False, score=0), True
            row.replies.append(reply)
            note(merge, "replies", taken=not merge.new)
        put_reply(reply, record, author, part)
        note(merge, "replies", taken=bool(part.taken), kept=bool(part.kept))
    for reply in here.values():
        if not merge.is_first and reply.external_id not in before:
            continue  # it was kept before
        keeps = (reply.accepted and resolved_here) or _is_edited(reply, before.get(reply.external_id))
        note(merge, "replies", taken=not keeps, kept=keeps)
        if not keeps:
            row.replies.remove(reply)
    if _agree(row.replies, records, authors):
        merge.agreed.append("replies")


def _agree(replies: Sequence[Reply], records: Sequence[ReplyRecord], authors: Sequence[int | None]) -> bool:
    """True when all imported replies that are here are those of the records, word for word."""
    here = {(reply.external_id, reply.body, reply.author_id) for reply in replies if reply.external_id is not None}
    return here <= {(record.id, record.body, author) for record, author in zip(records, authors, strict=True)}


def put_reply(reply: Reply, record: ReplyRecord, author: int | None, part: Merge) -> None:
    """Set what the record of a reply states."""
    handle = reply.author.handle if reply.author else None
    if part.takes("author", handle, editable=False):
        reply.author_id = author
    for name in ("body", "created_at", "score"):
        if part.takes(name, getattr(reply, name), editable=False):
            update(reply, **{name: getattr(record, name)})


def note(merge: Merge, field: str, taken: bool = False, kept: bool = False) -> None:
    """Note a field once, however many of its parts were taken or kept."""
    if taken and field not in merge.taken:
        merge.taken.append(field)
    if kept and field not in merge.kept:
        merge.kept.append(field)


def _is_edited(reply: Reply, before: dict[str, str] | None) -> bool:
    """True for a reply whose text is not what the source said before."""
    part = Merge({}, before)
    return not part.is_untouched("body", reply.body, editable=False)
