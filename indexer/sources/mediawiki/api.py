"""Reads MediaWiki over its interface, `api.php`: all pages at first, then those that recent changes name.

What was deleted is in the log. A wiki keeps recent changes for a limited time (90 days unless it says otherwise): after
a longer pause all pages are read again.

The mark is the time from which the next run asks for changes. While all pages are being read it is JSON, with the time
when that began, and the namespace and place at which it goes on.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from indexer.sources.mediawiki.options import MediaWikiOptions
from indexer.sources.mediawiki.page import Page, Wiki
from indexer.sources.protocol import Abilities, Mark
from indexer.sources.records import DeletedRecord, Located
from indexer.sources.rest.client import Answer, RestClient
from indexer.sources.rest.paging import BEGINNING, from_mark
from indexer.sources.rest.waiting import asked_to_wait
from indexer.sources.tickets import moment
from indexer.texts.wikitext import redirect_of
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_ROWS, _ASKED_AT_ONCE = 50, 50
_OVERLAP = timedelta(minutes=10)
_KEPT = timedelta(days=85)
_BUSY = frozenset({"maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError"})
_ATTEMPTS, _PAUSE = 6, 5.0
_PAGE = {"prop": "revisions", "rvprop": "ids|timestamp|user|content|contentmodel", "rvslots": "main"}
Params = dict[str, str | int]


class MediaWikiApi:
    """The pages of the wiki whose `api.php` is asked. `is_open` says that it is read without signing in."""

    abilities = Abilities(lists_all=True, since=True, deletions=True, people=True)

    def __init__(
        self,
        name: str,
        client: RestClient,
        options: MediaWikiOptions,
        is_open: bool,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self._client, self._options, self._sleep = name, client, options, sleep
        self._wiki = Wiki(name, readers=("public",) if is_open else ("members",))
        self._authors: set[str] = set()

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """Pages that have changed since the mark, each behind who wrote it last, and what was deleted."""
        began, going = _mark_parts(since, self.name)
        with self._client:
            now = self._learn()
            start = max(BEGINNING, from_mark(began) - _OVERLAP)
            is_late = began is not None and now - start > _KEPT
            if is_late:
                yield from self._deleted(start)
            if began is None or is_late or going is not None:
                began = now.isoformat() if began is None or is_late else began
                yield from self._all(began, None if is_late else going)
                yield Mark(began)  # what has changed since then, or was deleted, is for the next run
            else:
                yield from self._changed(start)
                yield from self._deleted(start)
                yield Mark(now.isoformat())

    def _learn(self) -> datetime:
        """Learn the names of namespaces and the addresses of pages; the time of the wiki's clock."""
        answer = self._ask({"meta": "siteinfo", "siprop": "general|namespaces"})
        found = _at(answer.value, "query")
        for space in _list(found, "namespaces"):
            self._wiki.namespaces[str(space.get("id"))] = str(space.get("name") or space.get("*") or "")
        general = _at(found, "general")
        if not isinstance(general, Mapping):
            raise SourceError(
                Sentence(
                    "%(source)s: the answer is none of MediaWiki. Give the address of its api.php.", source=self.name
                )
            )
        path = str(general.get("articlepath") or "")
        server = str(general.get("server") or "")
        server = f"https:{server}" if server.startswith("//") else server
        self._wiki.pages = self._options.server or (f"{server}{path.replace('$1', '')}" if path.endswith("$1") else "")
        return moment(general["time"]) if general.get("time") else answer.server_time

    def _all(self, began: str, going: tuple[int, Params] | None) -> Iterator[Located | Mark]:
        """All pages, from a namespace and place on if given, with a mark after each answer."""
        namespaces = self._options.namespaces
        at, following = going or (None, {})
        for number in namespaces[namespaces.index(at) :] if at in namespaces else namespaces:
            listed: Params = {"generator": "allpages", "gapnamespace": number, "gaplimit": _ROWS}
            listed["gapfilterredir"] = "nonredirects"
            for value in self._pages({**listed, **_PAGE}, following if number == at else {}):
                yield from self._located(value)
                if place := _following(value):
                    yield Mark(json.dumps({"began": began, "namespace": number, "place": place}))

    def _changed(self, start: datetime) -> Iterator[Located]:
        """The pages that were changed, made or moved since a time, each once."""
        params: Params = {
            "list": "recentchanges",
            "rcstart": _stamp(start),
            "rcdir": "newer",
            "rcprop": "ids|title|timestamp",
            "rctype": "edit|new|log",
            "rcnamespace": "|".join(map(str, self._options.namespaces)),
            "rclimit": 500,
        }
        changes = [change for value in self._pages(params) for change in _list(value, "query", "recentchanges")]
        ids = list(dict.fromkeys(str(change["pageid"]) for change in changes if change.get("pageid")))
        for first in range(0, len(ids), _ASKED_AT_ONCE):
            some = "|".join(ids[first : first + _ASKED_AT_ONCE])
            for value in self._pages({"pageids": some, **_PAGE}):
                yield from self._located(value)

    def _deleted(self, start: datetime) -> Iterator[Located]:
        """What was deleted since a time and is not there again."""
        params: Params = {
            "list": "logevents",
            "letype": "delete",
            "lestart": _stamp(start),
            "ledir": "newer",
            "leprop": "ids|title|type",
            "lelimit": 500,
        }
        events = [event for value in self._pages(params) for event in _list(value, "query", "logevents")]
        for event in events:
            page = event.get("logpage")
            if event.get("action") == "delete" and page and not event.get("pageid"):
                yield Located(f"page {page}", 0, DeletedRecord(type="document", id=str(page)))

    def _located(self, value: Any) -> Iterator[Located]:
        """The records of the pages in an answer; a redirect, or a page without a text, is deleted here."""
        for row in _list(value, "query", "pages"):
            if row.get("missing") or str(row.get("ns")) not in map(str, self._options.namespaces):
                continue
            page, place = _page(row), f"page {row.get('pageid')}"
            found = list(self._wiki.located(place, page, [], self._authors)) if not redirect_of(page.text or "") else []
            yield from found or [Located(place, 1, DeletedRecord(type="document", id=page.id))]

    def _pages(self, params: Params, following: Params | None = None) -> Iterator[Any]:
        """The answers to a question, as many as there are: what `continue` has is asked with the next one."""
        asked = {**params, **(following or {})}
        while True:
            value = self._ask(asked).value
            yield value
            place = _following(value)
            if not place:
                return
            asked = {**params, **place}

    def _ask(self, params: Params) -> Answer:
        """An answer of the interface. A wiki that is behind or busy is asked again. Raises SourceError."""
        asked: Params = {"action": "query", "format": "json", "formatversion": 2, "maxlag": 5, **params}
        for attempt in range(_ATTEMPTS):
            answer = self._client.get(self._client.address, asked)
            error = _at(answer.value, "error")
            if error is None:
                return answer
            code = str(_at(error, "code"))
            if code not in _BUSY or attempt == _ATTEMPTS - 1:
                raise SourceError(
                    Sentence(
                        "%(source)s: the wiki refuses (%(code)s): %(reason)s. Check the token.",
                        source=self.name, code=code, reason=_at(error, "info", ""),
                    )
                )  # fmt: skip
            self._sleep(asked_to_wait(answer.headers) or _PAUSE)
        raise AssertionError


def _page(row: Mapping[str, Any]) -> Page:
    revision = next(iter(_list(row, "revisions")), {})
    slot = _at(revision, "slots", {}).get("main", revision)
    hidden = slot.get("texthidden") or revision.get("texthidden")
    text = slot.get("content", slot.get("*"))
    return Page(
        id=str(row.get("pageid")),
        title=str(row.get("title") or ""),
        namespace=str(row.get("ns")),
        text=None if hidden or not isinstance(text, str) else text,
        changed=str(revision.get("timestamp") or ""),
        author="" if revision.get("anon") or revision.get("userhidden") else str(revision.get("user") or ""),
        model=str(slot.get("contentmodel") or ""),
        line=1,
    )


def _following(value: Any) -> Params:
    """What to ask for the answer after this one; empty after the last one."""
    held = _at(value, "continue", {})
    place: Params = {str(name): str(each) for name, each in held.items()} if isinstance(held, Mapping) else {}
    return {} if all(each in ("None", "", "-||") for each in place.values()) else place


def _mark_parts(since: str | None, name: str) -> tuple[str | None, tuple[int, Params] | None]:
    """(the time of a mark, the namespace and place at which a read of all pages goes on)."""
    if since is None or not since.startswith("{"):
        return since, None
    try:
        mark = json.loads(since)
        place: Params = {str(name): str(held) for name, held in mark["place"].items()}
        return str(mark["began"]), (int(mark["namespace"]), place)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            Sentence("It is not known up to where the last run had read. Run: kollega sync %(name)s --full", name=name)
        ) from error


def _at(value: Any, name: str, default: Any = None) -> Any:
    return value.get(name, default) if isinstance(value, Mapping) else default


def _list(value: Any, *names: str) -> list[dict[str, Any]]:
    for name in names:
        value = _at(value, name)
    values = list(value.values()) if isinstance(value, Mapping) else value  # of format version 1
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
