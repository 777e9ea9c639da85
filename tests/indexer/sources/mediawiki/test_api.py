"""sources/mediawiki/api.py: a wiki on a local server, with answers in parts, a busy database, and deletions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from indexer.sources.mediawiki import OPTIONS, open_source
from indexer.sources.mediawiki.api import MediaWikiApi
from indexer.sources.protocol import Mark
from indexer.sources.records import DeletedRecord, DocumentRecord, Located
from recommender.errors import SourceError
from tests.indexer.sources.servers.desk import BEGINNING, Desk
from tests.indexer.sources.servers.server import TOKEN, Faults, Reply, SystemServer, serving


@dataclass
class Article:
    id: int
    title: str
    text: str
    changed: datetime
    ns: int = 0


@dataclass
class Wiki:
    """Pages by their ids, and the log of deletions."""

    needs_token: bool = False
    busy: int = 0
    error: str = ""
    articles: dict[int, Article] = field(default_factory=dict)
    deleted: list[tuple[int, datetime]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    desk: Desk = field(default_factory=Desk)
    address: str = ""
    now: datetime = BEGINNING
    most: int = 2

    def put(self, number: int, title: str, text: str, ns: int = 0) -> None:
        self.now += timedelta(hours=1)
        self.articles[number] = Article(number, title, text, self.now, ns)

    def delete(self, number: int) -> None:
        self.now += timedelta(hours=1)
        del self.articles[number]
        self.deleted.append((number, self.now))

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == (f"Bearer {TOKEN}" if self.needs_token else None)

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        assert path == "/w/api.php" and params["format"] == "json"
        self.asked.append(params)
        if self.error:
            return Reply({"error": {"code": self.error, "info": "no"}})
        if self.busy:
            self.busy -= 1
            return Reply({"error": {"code": "maxlag", "info": "behind"}}, 200, {"Retry-After": "3"})
        if params.get("meta") == "siteinfo":
            general = {"articlepath": "/wiki/$1", "server": "//wiki.example", "time": f"{self.now:%Y-%m-%dT%H:%M:%SZ}"}
            names = {
                str(number): {"id": number, "name": name}
                for number, name in ((0, ""), (4, "Ohje"), (6, "Kuvat"), (14, "Aiheet"))
            }
            return Reply({"query": {"general": general, "namespaces": names}})
        if params.get("list") == "recentchanges":
            found = [{"pageid": each.id, "type": "edit"} for each in self._since(params["rcstart"])]
            return self._part("recentchanges", [*found, *found, {"type": "log", "pageid": 0}], params)
        if params.get("list") == "logevents":
            events = [
                {"logpage": page, "pageid": page if page in self.articles else 0, "action": "delete"}
                for page, time in self.deleted
                if f"{time:%Y-%m-%dT%H:%M:%SZ}" >= params["lestart"]
            ]
            return self._part("logevents", events, params)
        if "pageids" in params:
            wanted = [self.articles.get(int(number)) for number in params["pageids"].split("|")]
            return Reply({"query": {"pages": [self._row(each) if each else {"missing": True} for each in wanted]}})
        listed = [each for each in self.articles.values() if each.ns == int(params["gapnamespace"])]
        return self._part("pages", [self._row(each) for each in sorted(listed, key=lambda each: each.title)], params)

    def _since(self, start: str) -> list[Article]:
        changed = [each for each in self.articles.values() if f"{each.changed:%Y-%m-%dT%H:%M:%SZ}" >= start]
        return sorted(changed, key=lambda each: each.changed)

    def _part(self, name: str, rows: list[dict[str, Any]], params: dict[str, str]) -> Reply:
        start = int(params.get("xcontinue", "0"))
        value: dict[str, Any] = {"query": {name: rows[start : start + self.most]}}
        if start + self.most < len(rows):
            value["continue"] = {"xcontinue": start + self.most, "continue": "-||"}
        return Reply(value)

    def _row(self, each: Article) -> dict[str, Any]:
        slot = {"contentmodel": "wikitext", "content": each.text}
        revision = {"timestamp": f"{each.changed:%Y-%m-%dT%H:%M:%SZ}", "user": "Aino V", "slots": {"main": slot}}
        return {"pageid": each.id, "ns": each.ns, "title": each.title, "revisions": [revision]}


@pytest.fixture
def wiki() -> Wiki:
    return Wiki()


@pytest.fixture
def server(wiki: Wiki) -> Iterator[SystemServer]:
    with serving(wiki) as running:
        yield running


class Copy:
    """What a reader of the wiki has."""

    def __init__(self, server: SystemServer) -> None:
        self._place, self.pages, self.mark = f"{server.url}/w/api.php", dict[str, DocumentRecord](), None
        self.mark: str | None
        self.read: list[str] = []

    def sync(self) -> "Copy":
        self.read = []
        for each in open_source("wiki", OPTIONS(place=self._place)).read(self.mark):
            if isinstance(each, Mark):
                self.mark = each.value
            elif isinstance(each, Located) and isinstance(each.record, DocumentRecord):
                self.pages[each.record.id] = each.record
                self.read.append(each.record.id)
            elif isinstance(each, Located) and isinstance(each.record, DeletedRecord):
                self.pages.pop(each.record.id, None)
        return self


def test_all_pages_come_at_first_and_then_what_has_changed(server: SystemServer, wiki: Wiki) -> None:
    for number in range(1, 6):
        wiki.put(number, f"Sivu {number}", f"== A ==\n[[Aiheet:X]]text {number}", ns=4 if number == 5 else 0)
    wiki.put(6, "Talk", "talk", ns=1)
    copy = Copy(server).sync()
    assert sorted(copy.pages) == ["1", "2", "3", "4", "5"]
    page = copy.pages["1"]
    assert (page.body, page.updated_at) == ("## A\n\ntext 1", datetime(2026, 3, 2, 9))
    assert (page.url, page.readers_there) == ("https://wiki.example/wiki/Sivu_1", ("public",))
    assert copy.pages["5"].group == "Ohje"
    wiki.put(2, "Sivu 2", "new")
    wiki.put(7, "Sivu 7", "seven")
    wiki.put(8, "Talk 2", "talk", ns=1)
    wiki.put(3, "Sivu 3", "#OHJAUS [[Sivu 2]]")
    wiki.delete(4)
    copy.sync()
    assert {key: page.body for key, page in copy.pages.items()} == {
        "1": "## A\n\ntext 1", "2": "new", "5": "## A\n\ntext 5", "7": "seven"
    }  # fmt: skip
    assert copy.read == ["2", "7"]


def test_what_was_deleted_and_made_again_stays(server: SystemServer, wiki: Wiki) -> None:
    wiki.put(1, "A", "one")
    copy = Copy(server).sync()
    wiki.delete(1)
    wiki.put(1, "A", "again")
    assert copy.sync().pages["1"].body == "again"


def test_after_a_long_pause_all_pages_are_read_again(server: SystemServer, wiki: Wiki) -> None:
    wiki.put(1, "A", "one")
    wiki.put(2, "B", "two")
    copy = Copy(server).sync()
    wiki.now += timedelta(days=200)
    assert sorted(copy.sync().read) == ["1", "2"]


def test_a_busy_wiki_is_asked_again_after_the_seconds_that_it_names(server: SystemServer, wiki: Wiki) -> None:
    wiki.put(1, "A", "one")
    wiki.busy = 2
    source, slept = open_source("wiki", OPTIONS(place=f"{server.url}/w/api.php")), list[float]()
    assert isinstance(source, MediaWikiApi)
    source._sleep = slept.append
    assert len(list(source.read())) == 3  # the author, the page and the mark
    assert slept == [3.0, 3.0]
    assert {asked["maxlag"] for asked in wiki.asked} == {"5"}


def test_faults_that_pass_lose_nothing_and_a_refusal_is_told(server: SystemServer, wiki: Wiki) -> None:
    for number in range(1, 20):
        wiki.put(number, f"P{number}", "x")
    server.faults = Faults(failing_every=5, cut_every=7)
    assert len(Copy(server).sync().pages) == 19
    server.faults, wiki.error = Faults(), "readapidenied"
    with pytest.raises(SourceError, match=r"the wiki refuses \(readapidenied\): no. Check the token"):
        Copy(server).sync()


def test_a_private_wiki_gets_the_token_and_is_for_its_members(
    server: SystemServer, wiki: Wiki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLLEGA_WIKI_TOKEN", TOKEN)
    wiki.needs_token = True
    wiki.put(1, "A", "one")
    assert Copy(server).sync().pages["1"].readers_there == ("members",)


def test_a_first_read_that_ends_half_way_goes_on_there_and_loses_nothing(server: SystemServer, wiki: Wiki) -> None:
    for number in range(1, 12):
        wiki.put(number, f"Sivu {number:02}", f"text {number}", ns=4 if number > 6 else 0)
    copy = Copy(server)
    server.faults = Faults(dead_after=6)
    with pytest.raises(SourceError):
        copy.sync()
    first = set(copy.pages)
    assert 2 < len(first) < 11 and any(page in first for page in ("7", "8"))
    wiki.put(1, "Sivu 01", "changed")
    wiki.put(12, "Sivu 00", "new, before the place at which the first run ended")
    wiki.delete(2)
    server.faults = Faults()
    copy.sync()
    assert set(copy.read) & first <= {"7", "8"} and len(copy.read) < 11
    copy.sync()  # what has changed since the first run began
    assert sorted(copy.pages, key=int) == ["1", *map(str, range(3, 13))] and copy.pages["1"].body == "changed"
    assert copy.sync().read == []


def test_a_mark_that_cannot_be_read_is_told_with_the_command_that_reads_all(server: SystemServer) -> None:
    copy = Copy(server)
    copy.mark = "{"
    with pytest.raises(SourceError, match="kollega sync wiki --full"):
        copy.sync()
