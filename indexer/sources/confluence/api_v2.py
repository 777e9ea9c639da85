"""Reads Confluence Cloud by version 2 of its REST interface, for accounts that may not search: all pages at first, by
their ids, then those that have changed, newest change first.

It gives pages without their restrictions: those are asked for one by one, of each page that has changed and of all that
it lies in. So a restriction that was changed on a page that was not is found only by a read from the beginning.

The mark is the time from which the next run asks for changes. While all pages are being read it is JSON, with the time
when that began, the kind of pages, and the address at which it goes on.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from indexer.sources.confluence.fields import Row, at, changed_at, located, next_page, page_of
from indexer.sources.confluence.options import ConfluenceOptions
from indexer.sources.confluence.readers import Level
from indexer.sources.confluence.space import Restrictions, viewers_of
from indexer.sources.protocol import Abilities, Mark
from indexer.sources.records import Located, PersonRecord
from indexer.sources.rest.client import Answer, Refused, RestClient
from indexer.sources.rest.paging import from_mark
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

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
        self._told: set[PersonRecord] = set()
        self._restrictions = Restrictions(client)
        self._parents: dict[Place, Place | None] = {}
        self._people: dict[str, Row] = {}

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """Pages that have changed since a mark, each behind the person who wrote it."""
        time, going = _mark_parts(since, self.name)
        with self._client:
            now = self._learn_spaces().isoformat()
            if time is not None and going is None:
                for kind in _KINDS:
                    for row in self._changed(kind, from_mark(time) - _OVERLAP):
                        yield from self._located(kind, row)
            else:
                now = time or now
                yield from self._all(now, going)
            yield Mark(now)  # what changes meanwhile is newer than that: the next run reads it

    def _all(self, began: str, going: tuple[str, str] | None) -> Iterator[Located | Mark]:
        """All pages, from an address on if given, with a mark after each answer."""
        at, following = going or ("pages", "")
        for kind in _KINDS if at == "pages" else [at]:
            for rows, path in self._listed(kind, "id", following if kind == at else ""):
                for row in rows:
                    yield from self._located(kind, row)
                if path is not None:
                    yield Mark(json.dumps({"began": began, "kind": kind, "next": path}))

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

    def _changed(self, kind: str, start: datetime) -> Iterator[Row]:
        """The pages that have changed since a time, newest change first."""
        for rows, _path in self._listed(kind, "-modified-date"):
            for row in rows:
                if changed_at(row) < start:
                    return
                yield row

    def _listed(self, kind: str, order: str, going: str = "") -> Iterator[tuple[list[Row], str | None]]:
        """(some pages of the wanted spaces, the address of those after them), from an address on if given. One that is
        refused, since the system has forgotten it, begins anew."""
        params: dict[str, str | int] = {"body-format": "storage", "sort": order, "limit": _ROWS}
        if self._options.spaces:
            params["space-id"] = ",".join(self._keys)
        answer = self._again(going) if going else None
        answer = answer or self._client.get(f"api/v2/{kind}", params)
        while True:
            rows = page_of(answer.value, self.name)
            self._parents |= {("page", str(at(row, "id"))): _parent(row) for row in rows}
            path = next_page(answer.value, self._client.address) if rows else None
            yield rows, path
            if path is None:
                return
            answer = self._client.get(path)

    def _again(self, path: str) -> Answer | None:
        try:
            return self._client.get(path)
        except Refused as error:
            if error.status in (400, 404, 410):
                return None
            raise

    def _located(self, kind: str, row: Row) -> Iterator[Located]:
        key = self._keys.get(str(at(row, "spaceId")), "")
        if key not in self._viewers:
            self._viewers[key] = viewers_of(self._client, key)
        author = self._person(str(at(row, "authorId") or ""))
        above = [self._restrictions.of(identifier) for _kind, identifier in self._above(row)]
        known = {
            **row,
            **self._restrictions.of(str(at(row, "id"))),
            "type": _KINDS[kind],
            "children": {"comment": {"results": self._comments(f"api/v2/{kind}/{at(row, 'id')}/footer-comments")}},
            "space": {"key": key or None},
            "version": {"when": at(row, "version", "createdAt")},
            "history": {"createdBy": author},
            "ancestors": above,
        }
        everyone, zone = frozenset(self._options.everyone), self._options.timezone
        yield from located(known, self.name, zone, self._viewers[key], everyone, self._client.address, self._told)

    def _comments(self, path: str) -> list[Row]:
        """The comments there, each with the replies to it; none when they may not be asked for."""
        found: list[Row] = []
        answer = self._client.find(path, {"body-format": "storage", "limit": _ROWS})
        while answer is not None:
            for comment in page_of(answer.value, self.name):
                found += [comment, *self._comments(f"api/v2/footer-comments/{at(comment, 'id')}/children")]
            following = next_page(answer.value, self._client.address)
            answer = self._client.get(following) if following else None
        return found

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


def _mark_parts(since: str | None, name: str) -> tuple[str | None, tuple[str, str] | None]:
    """(the time of a mark, the kind of pages and the address at which a read of all goes on)."""
    if since is None or not since.startswith("{"):
        return since, None
    try:
        mark = json.loads(since)
        return str(mark["began"]), (str(mark["kind"]), str(mark["next"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            Sentence("It is not known up to where the last run had read. Run: kollega sync %(name)s --full", name=name)
        ) from error


def _parent(row: Row) -> Place | None:
    """What a page lies in; None at the top."""
    return (str(at(row, "parentType") or "page"), str(at(row, "parentId"))) if at(row, "parentId") else None
