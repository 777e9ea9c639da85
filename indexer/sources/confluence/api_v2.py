"""Reads Confluence Cloud by version 2 of its REST interface, newest change first, for accounts that may not search.

It gives pages without their restrictions: those are asked for one by one, of each page that has changed and of all that
it lies in. So a restriction that was changed on a page that was not is found only by a read from the beginning.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from indexer.sources.confluence.fields import Row, at, changed_at, located, next_page, page_of
from indexer.sources.confluence.options import ConfluenceOptions
from indexer.sources.confluence.readers import Level
from indexer.sources.confluence.space import Restrictions, viewers_of
from indexer.sources.protocol import Abilities, Mark
from indexer.sources.records import Located
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.paging import from_mark

_ROWS = 50
_OVERLAP = timedelta(minutes=15)
_KINDS = {"pages": "page", "blogposts": "blogpost"}
Place = tuple[str, str]
"""(type, id) of what a page lies in: another page, a folder, a database."""
_UNKNOWN: Place = ("", "")


class ConfluenceV2:
    """The pages that the account of the token sees."""

    abilities = Abilities(lists_all=True, since=True, audiences=True, people=True)

    def __init__(self, name: str, client: RestClient, options: ConfluenceOptions) -> None:
        self.name, self._client, self._options = name, client, options
        self._keys: dict[str, str] = {}
        self._viewers: dict[str, Level] = {}
        self._restrictions = Restrictions(client)
        self._parents: dict[Place, Place | None] = {}
        self._people: dict[str, Row] = {}

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """Pages that have changed since a mark, each behind the person who wrote it."""
        start = from_mark(since) - _OVERLAP if since else None
        with self._client:
            began = self._learn_spaces()
            for kind in _KINDS:
                for row in self._changed(kind, start):
                    yield from self._located(_KINDS[kind], row)
            yield Mark(began.isoformat())  # what changes meanwhile is newer than that: the next run reads it

    def _learn_spaces(self) -> datetime:
        """Learn the keys of the spaces; the time of the other system's clock."""
        params: dict[str, str | int] = {"limit": _ROWS}
        if self._options.spaces:
            params["keys"] = ",".join(self._options.spaces)
        began: datetime | None = None
        path: str | None = "api/v2/spaces"
        while path is not None:
            answer = self._client.get(path, params if began is None else None)
            began = began or answer.server_time
            self._keys |= {str(at(space, "id")): str(at(space, "key")) for space in page_of(answer.value, self.name)}
            path = next_page(answer.value, self._client.address)
        return began or datetime.now(UTC)

    def _changed(self, kind: str, start: datetime | None) -> Iterator[Row]:
        """The pages of the wanted spaces that have changed since a time, newest change first."""
        params: dict[str, str | int] = {"body-format": "storage", "sort": "-modified-date", "limit": _ROWS}
        if self._options.spaces:
            params["space-id"] = ",".join(self._keys)
        path: str | None = f"api/v2/{kind}"
        first = True
        while path is not None:
            answer = self._client.get(path, params if first else None)
            rows, first = page_of(answer.value, self.name), False
            for row in rows:
                if start is not None and changed_at(row) < start:
                    return
                self._parents["page", str(at(row, "id"))] = _parent(row)
                yield row
            path = next_page(answer.value, self._client.address) if rows else None

    def _located(self, kind: str, row: Row) -> Iterator[Located]:
        key = self._keys.get(str(at(row, "spaceId")), "")
        if key not in self._viewers:
            self._viewers[key] = viewers_of(self._client, key)
        author = self._person(str(at(row, "authorId") or ""))
        above = [self._restrictions.of(identifier) for _kind, identifier in self._above(row)]
        known = {
            **row,
            **self._restrictions.of(str(at(row, "id"))),
            "type": kind,
            "space": {"key": key or None},
            "version": {"when": at(row, "version", "createdAt")},
            "history": {"createdBy": author},
            "ancestors": above,
        }
        everyone, zone = frozenset(self._options.everyone), self._options.timezone
        yield from located(known, self.name, zone, self._viewers[key], everyone, self._client.address)

    def _above(self, row: Row) -> Iterator[Place]:
        """What a page lies in, up to the top. What cannot be seen is not known, and so is all above it."""
        seen, place = {("page", str(at(row, "id")))}, _parent(row)
        while place is not None and place not in seen:
            seen.add(place)
            yield place
            if place not in self._parents:
                answer = self._client.find(f"api/v2/{place[0]}s/{place[1]}") if place != _UNKNOWN else None
                self._parents[place] = _parent(answer.value) if answer else _UNKNOWN
            place = self._parents[place]

    def _person(self, account: str) -> Row:
        if account not in self._people:
            answer = self._client.find("rest/api/user", {"accountId": account}) if account else None
            self._people[account] = answer.value if answer else {"accountId": account or None}
        return self._people[account]


def _parent(row: Row) -> Place | None:
    """What a page lies in; None at the top."""
    return (str(at(row, "parentType") or "page"), str(at(row, "parentId"))) if at(row, "parentId") else None
