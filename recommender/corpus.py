"""Turns database rows into items, and decides what is searchable: requests and documents that are not hidden, except
drafts.

Open requests are items too, with a separate audience (`access.open_audience`), so that only a search for similar open
requests finds them.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, String, and_, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader, audience_of, may_read, open_audience, readable_documents, readable_requests
from recommender.database import attachment_tables
from recommender.database.details_tables import MERGED_INTO, DocumentDetails, RequestDetails, is_merged_into
from recommender.database.item_tables import Replacement
from recommender.database.reading import IDS, apart, one_of, rows, together
from recommender.database.storing import MANY, in_chunks, rows_among
from recommender.database.tables import (
    RESOLVED,
    SENT_HERE,
    Document,
    DocumentAudience,
    HelpRequest,
    Reply,
    RequestAudience,
    Team,
)
from recommender.datatypes import (
    AttachedText,
    Heading,
    Item,
    Kind,
    document_contributions,
    item_key,
    last_confirmed,
    reply_contributions,
)

_CHUNK = 500  # rows per query: a judgement
_KEY = re.compile(r"(request|document):[1-9][0-9]{0,8}")


def items(session: Session) -> Iterator[Item]:
    """Every searchable item, requests first, in the order of their ids. Rows are read in chunks, so memory use does not
    grow with the corpus."""
    yield from _stream(session, HelpRequest.id, SEARCHABLE_REQUESTS, _requests)
    yield from _stream(session, Document.id, SEARCHABLE_DOCUMENTS, _documents)


def load_items(session: Session, keys: Collection[str]) -> dict[str, Item]:
    """The items of `keys` as they are in the database now, by key; deleted and hidden ones are left out."""
    loaded: dict[str, Item] = {}
    for chunk in in_chunks(ids_of(keys, Kind.REQUEST), _CHUNK):
        loaded |= _requests(session, chunk)
    for chunk in in_chunks(ids_of(keys, Kind.DOCUMENT), _CHUNK):
        loaded |= _documents(session, chunk)
    return loaded


def readable_items(session: Session, keys: Collection[str], reader: Reader) -> dict[str, Item]:
    """The items of `keys` that are in the database now and that `reader` may read, by key. `keys` may be user input.
    What an item was replaced by or merged into is named only if the reader may read that too."""
    known = load_items(session, [key for key in keys if is_key(key)])
    readable = {key: item for key, item in known.items() if may_read(item.audience, reader)}
    standing = {key for item in readable.values() for key in (item.replaced_by, item.merged_into) if key}
    named = {key for key, item in load_items(session, standing).items() if may_read(item.audience, reader)}
    return {key: _naming_only(item, named) for key, item in readable.items()}


def _naming_only(item: Item, named: Collection[str]) -> Item:
    """The item, which names only those of `named` as what stands for it."""
    replaced_by = item.replaced_by if item.replaced_by in named else None
    merged_into = item.merged_into if item.merged_into in named else None
    if (replaced_by, merged_into) == (item.replaced_by, item.merged_into):
        return item
    return replace(item, replaced_by=replaced_by, merged_into=merged_into)


def headings(session: Session, keys: Collection[str], reader: Reader) -> dict[str, Heading]:
    """The headings of the answered items of `keys` that are in the database now and that `reader` may read, by key."""
    loaded: dict[str, Heading] = {}
    for kind, query in ((Kind.REQUEST, _request_headings), (Kind.DOCUMENT, _document_headings)):
        if ids := ids_of(keys, kind):
            for identifier, title, language, team in rows(session, query(reader), ids=ids):
                loaded[item_key(kind, identifier)] = Heading(item_key(kind, identifier), kind, title, language, team)
    return loaded


def newest_headings(session: Session, reader: Reader, most: int) -> list[Heading]:
    """The headings of the newest answered items that `reader` may read, at most `most`, newest first."""
    found: list[tuple[datetime, Heading]] = []
    dated = ((Kind.REQUEST, _request_headings, _RESOLVED_AT), (Kind.DOCUMENT, _document_headings, Document.written_at))
    for kind, query, at in dated:
        newest: Any = query(reader, by_id=False).add_columns(at).order_by(at.desc()).limit(most)
        for identifier, title, language, team, when in session.execute(newest):
            found.append((when, Heading(item_key(kind, identifier), kind, title, language, team)))
    return [heading for _when, heading in sorted(found, key=lambda pair: pair[0], reverse=True)[:most]]


def is_empty(session: Session) -> bool:
    """True when the database has neither requests nor documents."""
    return not rows(session, _HAS_ITEMS)[0][0]


def is_key(key: str) -> bool:
    """True for the key of an item, such as `request:17` or `document:4`."""
    return _KEY.fullmatch(key) is not None


def merge_target(session: Session, key: str, external_id: str) -> str | None:
    """The key of the request that the request `key` names as `external_id` ("merged into #14"): of the same source, or
    by its database id when `key` was written in Kollega. None when there is none, and for documents. Whether the reader
    may read it is decided where it is loaded."""
    if not is_key(key) or not (ids := ids_of([key], Kind.REQUEST)):
        return None
    source = session.scalar(select(HelpRequest.source).where(HelpRequest.id == ids[0]))
    named = HelpRequest.external_id == external_id
    if source == SENT_HERE:
        if not is_key(item_key(Kind.REQUEST, external_id)):
            return None
        named = HelpRequest.id == int(external_id)
    found = session.scalar(select(HelpRequest.id).where(HelpRequest.source == source, named, SEARCHABLE_REQUESTS))
    return None if found in (None, ids[0]) else item_key(Kind.REQUEST, found)


def ids_of(keys: Collection[str], kind: Kind) -> list[int]:
    """The database ids of those `keys` that are of this kind, smallest first."""
    prefix = f"{kind}:"
    return sorted(int(key[len(prefix) :]) for key in keys if key.startswith(prefix))


def rows_of(session: Session, query: Any, column: Any, keys: Collection[str], kind: Kind) -> Iterator[Any]:
    """The rows of a query for those items of `keys` that are of this kind; `column`, its first one, has their ids. Of
    very many items all rows are read and others left out: statements that name so many ids take longer."""
    ids = ids_of(keys, kind)
    if len(ids) <= MANY:
        return iter(session.execute(query.where(one_of(column, IDS)), {"ids": ids}) if ids else ())
    return rows_among(session, query, ids)


def answer_of(resolution: str | None, replies: Sequence[Any], asker: int | None) -> str:
    """A request's answer: the stored resolution, else the accepted reply, else the reply with most votes (the newest of
    those with equally many). The asker's replies count only when there are no others. Empty when there is no answer."""
    solution = next((reply for reply in replies if reply.accepted), None)
    if solution is None:
        by_others = [reply for reply in replies if reply.author_id != asker] or replies
        solution = max(by_others, key=lambda reply: (reply.score, reply.created_at), default=None)
    return resolution or (solution.body if solution else "")


def _requests(session: Session, ids: Sequence[int]) -> dict[str, Item]:
    """The items of requests, by key, in the order of ids. Loads columns, not entities, which would take longer: many
    requests are loaded while a person types."""
    replies_by_request = _grouped(session, _REPLIES, ids)
    found = rows(session, _REQUESTS, ids=ids)
    files = _grouped(session, attachment_tables.FILES_OF_REQUESTS, [row.id for row in found if row.has_files])
    loaded: dict[str, Item] = {}
    for row in found:
        replies = replies_by_request.get(row.id, [])
        audience = audience_of(apart(row.tokens), row.asked_by_id, row.team)
        key = item_key(Kind.REQUEST, row.id)
        loaded[key] = Item(
            key=key,
            kind=Kind.REQUEST,
            title=row.title,
            body=row.body,
            answer="" if row.merged_into else answer_of(row.resolution, replies, row.asked_by_id),
            language=row.language,
            team=row.team,
            audience=audience if row.status == RESOLVED else open_audience(audience),
            at=row.resolved_at or row.created_at,
            url=row.url,
            replaced_by=row.replaced_by,
            merged_into=item_key(Kind.REQUEST, row.target) if row.target else None,
            contributions=reply_contributions(
                (reply.author_id, reply.created_at, reply.accepted, reply.score)
                for reply in replies
                if reply.author_id != row.asked_by_id and not row.merged_into
            ),
            attached=_attached(files.get(row.id, ()), row.names or ()),
        )
    return loaded


def _attached(files: Iterable[Any], names: Iterable[str]) -> tuple[AttachedText, ...]:
    """The attached files that are here, then those of which only the source's names are here."""
    return (*(AttachedText(*file[1:]) for file in files), *(AttachedText(name, "") for name in names))


def _documents(session: Session, ids: Sequence[int]) -> dict[str, Item]:
    """The items of documents, by key, in the order of ids. The body of a document is its answer."""
    found = rows(session, _DOCUMENTS, ids=ids)
    files = _grouped(session, attachment_tables.FILES_OF_DOCUMENTS, [row.id for row in found if row.has_files])
    loaded: dict[str, Item] = {}
    for row in found:
        key = item_key(Kind.DOCUMENT, row.id)
        loaded[key] = Item(
            key=key,
            kind=Kind.DOCUMENT,
            title=row.title,
            body=row.body,
            answer="",
            language=row.language,
            team=row.team,
            audience=audience_of(apart(row.tokens), row.owner_id, row.team),
            at=last_confirmed(row.verified_on, row.written_at),
            url=row.url,
            replaced_by=row.replaced_by,
            verified_on=row.verified_on,
            contributions=document_contributions(row.owner_id, row.verified_by_id, row.verified_on, row.written_at),
            attached=_attached(files.get(row.id, ()), row.names or ()),
        )
    return loaded


# Statements are built once, since building one takes as long as running it.
SEARCHABLE_REQUESTS = HelpRequest.hidden.is_(False)
SEARCHABLE_DOCUMENTS = and_(Document.hidden.is_(False), Document.draft.is_(False))
_REQUESTS = (
    select(
        HelpRequest.id, HelpRequest.title, HelpRequest.body, HelpRequest.language, HelpRequest.status,
        HelpRequest.asked_by_id, HelpRequest.resolution, HelpRequest.created_at, HelpRequest.resolved_at,
        HelpRequest.url, Team.handle.label("team"), Replacement.by.label("replaced_by"),
        RequestDetails.attachments.label("names"), RequestDetails.merged_into, MERGED_INTO.id.label("target"),
        attachment_tables.REQUEST_HAS_FILES.label("has_files"),
        together(RequestAudience.token, RequestAudience.request_id == HelpRequest.id).label("tokens"),
    )
    .outerjoin(RequestDetails, RequestDetails.request_id == HelpRequest.id)
    .outerjoin(MERGED_INTO, is_merged_into())
    .outerjoin(Team, Team.id == HelpRequest.team_id)
    .outerjoin(Replacement, Replacement.item == f"{Kind.REQUEST}:" + cast(HelpRequest.id, String))
    .where(one_of(HelpRequest.id, IDS), SEARCHABLE_REQUESTS)
    .order_by(HelpRequest.id)
)  # fmt: skip
_HAS_ITEMS = select(or_(exists().where(HelpRequest.id > 0), exists().where(Document.id > 0)))
_REPLIES = (
    select(Reply.request_id, Reply.author_id, Reply.body, Reply.created_at, Reply.accepted, Reply.score)
    .where(one_of(Reply.request_id, IDS))
    .order_by(Reply.created_at, Reply.id)
)
_DOCUMENTS = (
    select(
        Document.id, Document.title, Document.body, Document.language, Document.owner_id, Document.verified_by_id,
        Document.verified_on, Document.written_at, Document.url, Team.handle.label("team"),
        Replacement.by.label("replaced_by"), DocumentDetails.attachments.label("names"),
        attachment_tables.DOCUMENT_HAS_FILES.label("has_files"),
        together(DocumentAudience.token, DocumentAudience.document_id == Document.id).label("tokens"),
    )
    .outerjoin(DocumentDetails, DocumentDetails.document_id == Document.id)
    .outerjoin(Team, Team.id == Document.team_id)
    .outerjoin(Replacement, Replacement.item == f"{Kind.DOCUMENT}:" + cast(Document.id, String))
    .where(one_of(Document.id, IDS), SEARCHABLE_DOCUMENTS)
    .order_by(Document.id)
)  # fmt: skip


_RESOLVED_AT = func.coalesce(HelpRequest.resolved_at, HelpRequest.created_at)


@lru_cache(maxsize=64)
def _request_headings(reader: Reader, by_id: bool = True) -> Any:
    found = select(HelpRequest.id, HelpRequest.title, HelpRequest.language, Team.handle)
    found = found.outerjoin(Team, Team.id == HelpRequest.team_id)
    found = found.where(SEARCHABLE_REQUESTS, HelpRequest.status == RESOLVED, readable_requests(reader))
    return found.where(one_of(HelpRequest.id, IDS)) if by_id else found


@lru_cache(maxsize=64)
def _document_headings(reader: Reader, by_id: bool = True) -> Any:
    found = select(Document.id, Document.title, Document.language, Team.handle)
    found = found.outerjoin(Team, Team.id == Document.team_id)
    found = found.where(SEARCHABLE_DOCUMENTS, readable_documents(reader))
    return found.where(one_of(Document.id, IDS)) if by_id else found


def _grouped(session: Session, query: Executable, ids: Sequence[int]) -> dict[int, list[Any]]:
    """The rows of a query grouped by their first column, each group in the query's order."""
    groups: dict[int, list[Any]] = {}
    for row in rows(session, query, ids=ids) if ids else ():
        groups.setdefault(row[0], []).append(row)
    return groups


def _stream(
    session: Session, column: Any, searchable: Any, load: Callable[[Session, Sequence[int]], dict[str, Item]]
) -> Iterator[Item]:
    last = 0
    while ids := session.scalars(select(column).where(searchable, column > last).order_by(column).limit(_CHUNK)).all():
        last = ids[-1]
        yield from load(session, ids).values()
