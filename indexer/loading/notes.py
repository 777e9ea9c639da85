"""Writes the internal notes of a source: they become notes of the team that its record names.

What the source has made internal is never shown as a reply again by an import, and a note whose request has no team is
left out, since nobody could be said to be its reader.
"""

from collections.abc import Sequence

from sqlalchemy import select

from indexer.loading.merge import Merge
from indexer.loading.writing import Writing, note, update
from indexer.sources.records import ReplyRecord
from recommender.database.request_tables import InternalNote
from recommender.database.tables import HelpRequest, Reply, Team
from recommender.sentences.sentence import Sentence

WITHOUT_TEAM = Sentence("internal notes of requests without a team were left out: name a team for them")


def put_notes(
    writing: Writing,
    row: HelpRequest,
    records: Sequence[ReplyRecord],
    authors: Sequence[int | None],
    team: Team | None,
) -> None:
    """Make the source's internal notes on a request those of the records, with `authors` by person id in the same
    order. A note that is a reply in the source now stays a note."""
    internal = [pair for pair in zip(records, authors, strict=True) if pair[0].internal]
    before = writing.merge.said_before("notes") or {}
    if team is None and internal:
        writing.changes.append((WITHOUT_TEAM, ""))
    if team is None or not (internal or before):
        return
    here = _notes_here(writing, row)
    for record, author in internal:
        part = writing.merge.part("notes", record.id)
        found = here.pop(record.id, None)
        if found is None:
            if record.id in before:
                continue  # deleted here
            found, part.new = InternalNote(request=row, team_id=team.id, external_id=record.id), True
            writing.session.add(found)
            note(writing.merge, "notes", taken=not writing.merge.new)
        if record.id in before or part.new:
            _put_note(found, record, author, part)
        else:
            part.kept.append("body")  # a reply until now, which was changed here
        note(writing.merge, "notes", taken=bool(part.taken), kept=bool(part.kept))
    public = {record.id for record in records if not record.internal}
    for identifier, gone in here.items():
        if identifier not in public:
            note(writing.merge, "notes", taken=True)
            writing.session.delete(gone)


def keep_as_note(writing: Writing, reply: Reply, team: Team | None) -> None:
    """Keep the words of a reply that was changed here as a note, because its source has made it internal."""
    if team is not None:
        made = InternalNote(
            request=reply.request, team_id=team.id, author_id=reply.author_id, body=reply.body,
            created_at=reply.created_at, external_id=reply.external_id,
        )  # fmt: skip
        writing.session.add(made)


def is_note(writing: Writing, row: HelpRequest, external_id: str) -> bool:
    """True for the id of a reply that is a note here."""
    return bool(row.id) and external_id in _notes_here(writing, row)


def _notes_here(writing: Writing, row: HelpRequest) -> dict[str, InternalNote]:
    """The notes from the source that a request has, by their ids there."""
    waiting = [each for each in writing.session.new if isinstance(each, InternalNote) and each.request is row]
    stored: list[InternalNote] = []
    if row.id:
        query = select(InternalNote).where(InternalNote.request_id == row.id, InternalNote.external_id.is_not(None))
        stored = list(writing.session.scalars(query))
    return {str(each.external_id): each for each in [*stored, *waiting]}


def _put_note(found: InternalNote, record: ReplyRecord, author: int | None, part: Merge) -> None:
    handle = found.author.handle if found.author else None
    if part.takes("author", handle, editable=False):
        found.author_id = author
    for name in ("body", "created_at"):
        if part.takes(name, getattr(found, name), editable=False):
            update(found, **{name: getattr(record, name)})
