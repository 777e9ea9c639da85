"""The library: the documents that a reader finds in a list, with filters, and what stands in each row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from recommender.access import Reader, editable_documents, readable_documents
from recommender.database.tables import Document, Event, Team
from recommender.datatypes import Kind, item_key
from recommender.knowledge import documents, outcomes
from recommender.knowledge.outcomes import EventKind

PAGE = 50  # documents on a page: a judgement
_MOST_UNINDEXED = 200  # documents whose text is looked through because the index does not have them: a judgement


class View(StrEnum):
    """The lists of the library. TEAM are the documents of the reader's teams, MINE those that they maintain: what they
    own and, for agents, what nobody who is here owns in their teams. REVIEW are those that they may change and that are
    due or flagged."""

    ALL = "all"
    TEAM = "team"
    MINE = "mine"
    REVIEW = "review"


class State(StrEnum):
    """The states of documents to filter by. Drafts and hidden documents are shown to those who may change them."""

    PUBLISHED = "published"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    DRAFT = "draft"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class Filters:
    """Which documents are shown: the list, words that are searched for, a team's handle, a language, a state (all if
    None), and the number of the page, from 1."""

    view: View = View.ALL
    words: str = ""
    team: str = ""
    language: str = ""
    state: State | None = None
    page: int = 1


@dataclass(frozen=True)
class Row:
    """A document with the day its review is due, whether that day has come, and its usage as the reader may know it."""

    document: Document
    due_on: date | None
    due: bool
    usage: outcomes.Usage


@dataclass(frozen=True)
class Library:
    """One page of a list, and the number of documents and of pages that it has in all. `related` is True when nothing
    contains the words that were searched for, and these documents may be related."""

    rows: Sequence[Row]
    total: int
    pages: int
    related: bool = False


@dataclass(frozen=True)
class Found:
    """What a search found in a list: the keys of documents, best first, those that may be related, those that the index
    knows, and whether a text contains the words, for documents that it does not know."""

    keys: Sequence[str]
    related: Sequence[str]
    known: frozenset[str]
    matches: Callable[[str], bool]


Find = Callable[[str, frozenset[str]], Found]
"""Searches for words among the items with these keys."""


def load(session: Session, reader: Reader, filters: Filters, today: date, find: Find) -> Library:
    """The page of the library that the filters name; the last page when it has fewer. Searched lists are in the order
    of the search, REVIEW in that of the days on which reviews were due, MINE with what needs attention first, the
    others by title."""
    light = list(session.execute(_query(reader, filters, today)))
    flagged = _flagged(session) if filters.view in (View.MINE, View.REVIEW) else set()
    if filters.view is View.REVIEW:
        light = [row for row in light if row.id in flagged or _is_due(row, today)]
    ids = [row.id for row in sorted(light, key=lambda row: _place(row, filters.view, row.id in flagged, today))]
    related = False
    if filters.words:
        ids, related = _searched(session, ids, find, filters.words)
    pages = max(1, -(-len(ids) // PAGE))
    first = (min(filters.page, pages) - 1) * PAGE
    return Library(_rows(session, ids[first : first + PAGE], reader, today), len(ids), pages, related)


def visible(reader: Reader) -> ColumnElement[bool]:
    """Documents that a reader finds in lists: those that they may read, hidden ones only if they may change them."""
    return readable_documents(reader) & (Document.hidden.is_(False) | editable_documents(reader))


def languages(session: Session, reader: Reader) -> list[str]:
    """The languages of the documents that a reader finds, as codes."""
    return sorted(session.scalars(select(Document.language).where(visible(reader)).distinct()))


def _query(
    reader: Reader, filters: Filters, today: date
) -> Select[int, str, bool, bool, int | None, date | None, datetime]:
    """The documents that the filters name, with the columns that they are ordered by."""
    query = select(
        Document.id, Document.title, Document.draft, Document.hidden, Document.review_days, Document.verified_on,
        Document.written_at,
    ).where(visible(reader))  # fmt: skip
    if filters.view is View.TEAM:
        query = query.where(Document.team_id.in_(sorted(reader.team_ids)))
    elif filters.view is View.MINE:
        query = query.where(documents.is_maintained_by(reader, today))
    elif filters.view is View.REVIEW:
        query = query.where(editable_documents(reader), Document.draft.is_(False), Document.hidden.is_(False))
    if filters.team:
        query = query.where(Document.team.has(Team.handle == filters.team))
    if filters.language:
        query = query.where(Document.language == filters.language)
    return query if filters.state is None else query.where(*_STATES[filters.state])


_PUBLISHED = (Document.draft.is_(False), Document.hidden.is_(False))
_STATES = {
    State.PUBLISHED: _PUBLISHED,
    State.VERIFIED: (*_PUBLISHED, Document.verified_on.is_not(None)),
    State.UNVERIFIED: (*_PUBLISHED, Document.verified_on.is_(None)),
    State.DRAFT: (Document.draft.is_(True), Document.hidden.is_(False)),
    State.HIDDEN: (Document.hidden.is_(True),),
}


def _flagged(session: Session) -> set[int]:
    """Ids of the documents with a flag that nobody has settled."""
    flags = select(Event.item).where(Event.kind == EventKind.FLAGGED, Event.settled.is_(False)).distinct()
    prefix = f"{Kind.DOCUMENT}:"
    return {int(key.removeprefix(prefix)) for key in session.scalars(flags) if key and key.startswith(prefix)}


def _is_due(row: Any, today: date) -> bool:
    """True when the review of a document, or of a row with its columns, is due. Drafts need none."""
    due = documents.due_on(row)
    return due is not None and due <= today and not row.draft


def _place(row: Any, view: View, flagged: bool, today: date) -> tuple[object, ...]:
    """Where a row stands in its list: smaller ones come first."""
    title = (row.title.casefold(), row.id)
    if view is View.REVIEW:
        return documents.due_on(row) or today, *title
    if view is View.MINE:
        return row.hidden, not (flagged or _is_due(row, today)), not row.draft, *title
    return title


def _searched(session: Session, ids: Sequence[int], find: Find, words: str) -> tuple[list[int], bool]:
    """(those of the documents that a search finds, best first, then those that are not in the index and contain the
    words; whether they only may be related)."""
    by_key = {item_key(Kind.DOCUMENT, number): number for number in ids}
    found = find(words, frozenset(by_key))
    unknown = sorted((number for key, number in by_key.items() if key not in found.known), reverse=True)
    texts = select(Document.id, Document.title, Document.body).where(Document.id.in_(unknown[:_MOST_UNINDEXED]))
    matching = [number for number, title, body in session.execute(texts) if found.matches(f"{title}\n{body}")]
    listed = [by_key[key] for key in found.keys if key in by_key] + sorted(matching, reverse=True)
    return (listed, False) if listed else ([by_key[key] for key in found.related if key in by_key], True)


def _rows(session: Session, ids: Sequence[int], reader: Reader, today: date) -> list[Row]:
    query = select(Document).where(Document.id.in_(ids))
    loaded = {
        row.id: row
        for row in session.scalars(query.options(joinedload(Document.owner), selectinload(Document.audience)))
    }
    usage = outcomes.usage(session, [item_key(Kind.DOCUMENT, number) for number in ids], reader)
    return [
        Row(row, documents.due_on(row), _is_due(row, today), usage[item_key(Kind.DOCUMENT, row.id)])
        for row in (loaded[number] for number in ids if number in loaded)
    ]
