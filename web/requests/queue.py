"""The requests in the queue of an agent: the views and filters of the list, and the rows on one page of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, case, func, or_, select, true
from sqlalchemy.orm import Session, joinedload, selectinload

from recommender import access
from recommender.access import Reader
from recommender.database.request_tables import SeenRequest
from recommender.database.storing import insert_or_update
from recommender.database.tables import OPEN, RESOLVED, HelpRequest, Person, Reply, Team, utc_now
from recommender.knowledge.waiting import in_queue, snoozed
from recommender.search.in_words import requests_with_words
from web import current
from web.current import session

PAGE = 50  # requests on a page of the queue: a judgement
LONGEST_SEARCH = 200  # characters: a judgement
VIEWS = ("", "mine", "unassigned", "waiting", "snoozed")
_LAST_PAGE = 10_000  # a judgement


@dataclass(frozen=True)
class Filters:
    """Which requests of the queue are shown: one of VIEWS ("" is all), a team's handle, a state, words that they
    contain, the order ("oldest", else by the last activity), and the number of the page, from 1."""

    view: str = ""
    team: str = ""
    state: str = OPEN
    words: str = ""
    sort: str = ""
    page: int = 1

    def address(self, **changed: str | int | None) -> dict[str, Any]:
        """The query string of this list, with some of it changed."""
        values: dict[str, str | int | None] = {
            "view": self.view, "team": self.team, "state": "" if self.state == OPEN else self.state,
            "words": self.words, "sort": self.sort, "page": self.page if self.page > 1 else None,
        }  # fmt: skip
        return {name: value or None for name, value in {**values, **changed}.items()}


@dataclass(frozen=True)
class Row:
    """A request in the list: its asker as far as the reader may know who it is, when something was last said in it, and
    whether something has happened since the reader last looked at it."""

    request: HelpRequest
    asker: Person | None
    active_at: datetime
    unread: bool


@dataclass(frozen=True)
class QueuePage:
    """One page of the queue, how many requests the list has in all, and how many each view has."""

    rows: list[Row]
    total: int
    pages: int
    counts: Mapping[str, int]


def read_filters() -> Filters:
    """The filters in the query string; values that cannot be used are ignored."""
    args = request.args
    state, page, view = args.get("state", OPEN), args.get("page", "1"), args.get("view", "")
    return Filters(
        view=view if view in VIEWS else "",
        team=args.get("team", ""),
        state=state if state in (OPEN, RESOLVED, "all") else OPEN,
        words=args.get("words", "").strip()[:LONGEST_SEARCH],
        sort="oldest" if args.get("sort") == "oldest" else "",
        page=min(int(page), _LAST_PAGE) if page.isdecimal() and len(page) < 6 and int(page) else 1,
    )


def queue_page(filters: Filters, reader: Reader) -> QueuePage:
    """The page of the queue that the filters name."""
    counts = _view_counts(reader)
    is_view = filters == Filters(view=filters.view, sort=filters.sort, page=filters.page)
    total = counts[filters.view] if is_view else _count(_where(filters, reader))
    return QueuePage(queue_rows(filters, reader), total, max(1, -(-total // PAGE)), counts)


def queue_rows(filters: Filters, reader: Reader, limit: int = PAGE) -> list[Row]:
    """The rows of the page of the queue that the filters name, at most `limit`."""
    active_at = _active_at()
    order = HelpRequest.created_at if filters.sort else active_at.desc()
    query = (
        select(HelpRequest, active_at)
        .where(*_where(filters, reader))
        .options(
            joinedload(HelpRequest.asked_by), joinedload(HelpRequest.assigned_to), selectinload(HelpRequest.replies)
        )
        .order_by(order, HelpRequest.id if filters.sort else HelpRequest.id.desc())
        .limit(limit)
        .offset((filters.page - 1) * PAGE)
    )
    found = [(row, at) for row, at in session().execute(query)]
    seen = _seen([row.id for row, _at in found], reader)
    return [
        Row(
            row,
            access.asker(row, reader),
            at,
            row.status == OPEN and (row.id not in seen or seen[row.id] < row.updated_at),
        )
        for row, at in found
    ]


def next_in_queue(after: HelpRequest, reader: Reader) -> HelpRequest | None:
    """The open request that has waited longest in the reader's queue and is not somebody else's; None when there is
    none."""
    free = or_(HelpRequest.assigned_to_id.is_(None), HelpRequest.assigned_to_id == reader.person_id)
    waiting = ~_answered()
    query = select(HelpRequest).where(*_where(Filters(), reader), free, waiting, HelpRequest.id != after.id)
    return session().scalar(query.order_by(HelpRequest.created_at, HelpRequest.id).limit(1))


def mark_seen(reader: Reader, request_id: int) -> None:
    """Remember that the reader has looked at a request; nobody waits until the database can be written."""
    person_id, now = reader.person_id, utc_now()
    if person_id is not None:

        def write(counts: Session) -> None:
            key = {"person_id": person_id, "request_id": request_id}
            insert_or_update(counts, SeenRequest, key, {"seen_at": now})

        current.counting().count(write)


def _view_counts(reader: Reader) -> dict[str, int]:
    """How many open requests each view has, in one query."""
    conditions = [_in_view(view, reader).label(view) for view in VIEWS if view]
    shown = select(*conditions).where(*in_queue(reader), HelpRequest.status == OPEN).subquery().c
    columns = [func.count().filter(~shown.snoozed)]
    columns += [func.count().filter(shown[view], true() if view == "snoozed" else ~shown.snoozed) for view in VIEWS[1:]]
    return dict(zip(VIEWS, session().execute(select(*columns)).one(), strict=True))


def _count(where: list[ColumnElement[bool]]) -> int:
    return session().scalar(select(func.count()).select_from(HelpRequest).where(*where)) or 0


def _seen(ids: list[int], reader: Reader) -> dict[int, datetime]:
    query = select(SeenRequest).where(SeenRequest.person_id == reader.person_id, SeenRequest.request_id.in_(ids))
    return {mark.request_id: mark.seen_at for mark in session().scalars(query)}


def _where(filters: Filters, reader: Reader) -> list[ColumnElement[bool]]:
    where = [*in_queue(reader), _in_view(filters.view, reader)]
    if filters.team == "none":
        where.append(HelpRequest.team_id.is_(None))
    elif filters.team:
        where.append(HelpRequest.team.has(Team.handle == filters.team))
    if filters.state != "all":
        where.append(HelpRequest.status == filters.state)
    if filters.words:
        where.append(_has_words(filters.words, reader))
    elif filters.view != "snoozed" and filters.state == OPEN:
        where.append(~snoozed())
    return where


def _in_view(view: str, reader: Reader) -> ColumnElement[bool]:
    if view == "mine":
        return HelpRequest.assigned_to_id == reader.person_id
    if view == "unassigned":
        return HelpRequest.assigned_to_id.is_(None)
    if view == "waiting":
        return _answered()
    return snoozed() if view == "snoozed" else true()


def _answered() -> ColumnElement[bool]:
    """The last reply is not the asker's: the request waits for them."""
    newest = select(Reply.id).where(Reply.request_id == HelpRequest.id)
    last = newest.order_by(Reply.created_at.desc(), Reply.id.desc()).limit(1).correlate(HelpRequest).scalar_subquery()
    others = select(Reply.id).where(Reply.id == last, Reply.author_id.is_distinct_from(HelpRequest.asked_by_id))
    return others.correlate(HelpRequest).exists()


def _active_at() -> ColumnElement[datetime]:
    """When a request was resolved, else when its newest reply was written, else when it was sent. The time of the last
    change of the row will not do: after an import it is the time of the import."""
    newest = select(func.max(Reply.created_at)).where(Reply.request_id == HelpRequest.id).correlate(HelpRequest)
    resolved_at = case((HelpRequest.status == RESOLVED, HelpRequest.resolved_at), else_=None)
    return func.coalesce(resolved_at, newest.scalar_subquery(), HelpRequest.created_at)


def _has_words(words: str, reader: Reader) -> ColumnElement[bool]:
    """The request contains all words: in any of their forms as the search finds them, or as they are written, which
    also finds what was written since the last update of the index. A number finds the request of that number."""
    recommender = current.recommender()
    found = requests_with_words(words, recommender.index, recommender.analyzer, reader, session())
    number = words.removeprefix("#")
    if number.isascii() and number.isdecimal() and len(number) < 10:
        found.append(int(number))
    written: ColumnElement[bool] = true()
    for word in words.split():
        title, body = (column.icontains(word, autoescape=True) for column in (HelpRequest.title, HelpRequest.body))
        written = written & or_(title, body)
    return or_(HelpRequest.id.in_(found), written)
