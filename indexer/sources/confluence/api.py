"""Reads Confluence over its REST interface, Cloud and Data Center: pages by the time of their last change.

The condition `lastmodified >= "2026-03-02 10:15"` is read in the time zone of the account that asks, and in minutes. So
the zone is asked for; where it is not told, reading begins a day earlier.

Neither a restriction nor a deletion is a change of a page. So each run also asks for the restrictions of all pages,
without their texts: pages whose readers have changed are read again, also those below one that was restricted, and what
the account no longer sees is deleted.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from indexer.sources.confluence.fields import Row, at, changed_at, levels_of, located, next_page, page_of, rows_at
from indexer.sources.confluence.options import ConfluenceOptions
from indexer.sources.confluence.readers import Level, readers
from indexer.sources.confluence.space import Restrictions, viewers_of
from indexer.sources.protocol import Abilities, Mark
from indexer.sources.records import DeletedRecord, Located, PersonRecord
from indexer.sources.rest.client import Answer, RestClient
from indexer.sources.rest.paging import BEGINNING, Page, changed_rows, from_mark, mark_of
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

Pages = dict[str, str]
"""Ids of pages, with digests of who may read them."""
_PAGES, _WITH_COMMENTS = "type in (page, blogpost)", "type in (page, blogpost, comment)"
_OVERLAP, _UNKNOWN_ZONE = timedelta(hours=2), timedelta(hours=26)
"""How far to look back: a local time of the hour in which summer time ends stands for two times."""
_LAG = timedelta(minutes=15)  # the index that answers searches sees a change late
_RIGHTS = ",".join(
    f"{above}restrictions.read.restrictions.{kind}" for above in ("", "ancestors.") for kind in ("user", "group")
)
_EXPAND = f"body.storage,version,history,space,ancestors,container,children.attachment,children.comment,{_RIGHTS}"
_EXPAND_COMMENT = "body.storage,version,extensions.location"
_ROWS, _ROWS_OF_RIGHTS = 50, 200
_MARKED = 10  # lists of rows between two marks, which are large where there are many pages
_FEW, _SHARE = 10, 0.2  # how many pages, and which share, may vanish at once without a word from an admin: judgements


class ConfluenceApi:
    """The pages that the account of the token sees."""

    abilities = Abilities(lists_all=True, since=True, deletions=True, audiences=True, people=True)

    def __init__(self, name: str, client: RestClient, options: ConfluenceOptions) -> None:
        self.name, self._client, self._options = name, client, options
        self._everyone = frozenset(options.everyone)
        self._viewers: dict[str, Level] = {}
        self._told: set[PersonRecord] = set()
        self._restrictions = Restrictions(client)
        self._zone: ZoneInfo | None = None

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """Pages from a mark on, each behind the person who wrote it."""
        time, before = _mark_parts(since, self.name)
        with self._client:
            self._zone = self._zone_of_account()
            latest, read = time or "", dict[str, str]()
            kinds = _WITH_COMMENTS if time else _PAGES  # a page that was never read comes with its comments
            for number, page in enumerate(self._changed(max(BEGINNING, from_mark(time) - _OVERLAP), kinds)):
                for changed in page.rows:
                    if (row := self._page_of(changed, read)) is not None:
                        read[str(at(row, "id"))] = self._digest(row)
                        yield from self._located(row)
                latest = max(latest, mark_of(max(map(changed_at, page.rows)), page.now, _LAG))
                if number % _MARKED == 0:
                    yield Mark(_mark(latest, before))
            now = self._readers()
            if time:
                yield from self._differences(before, now, read)
            yield Mark(_mark(latest, now))

    def _differences(self, before: Pages | None, now: Pages, read: Pages) -> Iterator[Located]:
        """Pages whose readers have changed, and deletions. A page is asked for before it is taken for deleted. When the
        first run broke off, what it has read is not known: then all restricted pages are read again."""
        known = {page: "" for page in now} if before is None else before
        different = {page for page, digest in now.items() if digest != known.get(page) and digest != read.get(page)}
        gone = []
        for page in sorted(different | (known.keys() - now.keys())):
            answer = self._client.find(f"rest/api/content/{page}", {"expand": _EXPAND})
            if answer is not None and at(answer.value, "status") in (None, "current"):
                yield from self._located(answer.value)
            elif page in known:
                gone.append(page)
        if len(gone) > _FEW and len(gone) > _SHARE * len(known):
            raise SourceError(
                Sentence(
                    "%(source)s: %(num)s of %(total)s pages can no longer be seen by the account of the token, "
                    "and stay here. If they were deleted there, run: kollega sync %(source)s --full "
                    "--allow-deletions",
                    source=self.name, num=len(gone), total=len(known),
                )
            )  # fmt: skip
        for page in gone:
            yield Located(f"page {page}", 0, DeletedRecord(type="document", id=page))

    def _page_of(self, row: Row, read: Pages) -> Row | None:
        """The page that has changed, or to which a comment was written; None when that was read in this run."""
        if at(row, "type") != "comment":
            return row
        page = str(at(row, "container", "id") or "")
        answer = (
            self._client.find(f"rest/api/content/{page}", {"expand": _EXPAND}) if page and page not in read else None
        )
        return answer.value if answer else None

    def _changed(self, since: datetime, kinds: str) -> Iterator[Page]:
        answers: list[Answer] = []

        def fetch(start: datetime, number: int, before: int) -> Page:
            following = self._next(answers[-1]) if number and answers else None
            answers.append(self._search(f"{kinds} AND {self._since(start)}", before, following, _EXPAND, _ROWS))
            del answers[:-1]
            rows = [dict(row) for row in page_of(answers[-1].value, self.name)]
            return Page(rows, answers[-1].server_time, bool(rows) and self._next(answers[-1]) is not None)

        return changed_rows(fetch, lambda row: str(row.get("id")), changed_at, since, timedelta(minutes=1))

    def _search(
        self, condition: str, before: int, following: str | None, expand: str, limit: int, order: str = "lastmodified"
    ) -> Answer:
        if following is not None:
            return self._client.get(following)
        cql = " AND ".join([condition, *self._spaces()])
        params: dict[str, str | int] = {
            "cql": f"{cql} ORDER BY {order} ASC",
            "expand": expand,
            "limit": limit,
            "start": before,
        }
        return self._client.get("rest/api/content/search", params)

    def _next(self, answer: Answer) -> str | None:
        return next_page(answer.value, self._client.address)

    def _spaces(self) -> list[str]:
        keys = ", ".join('"' + key.replace('"', "") + '"' for key in self._options.spaces)
        return [f"space in ({keys})"] if keys else []

    def _since(self, start: datetime) -> str:
        known = start.astimezone(self._zone) if self._zone else max(BEGINNING, start - _UNKNOWN_ZONE)
        return f'lastmodified >= "{known:%Y-%m-%d %H:%M}"'

    def _zone_of_account(self) -> ZoneInfo | None:
        found = self._client.find("rest/api/user/current")
        try:
            return ZoneInfo(str(at(found.value, "timeZone") or "?")) if found else None
        except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            return None

    def _digest(self, row: Row) -> str:
        """A short digest of who may read a page; empty when everybody of its space may."""
        names = readers(None, levels_of(self._completed(row)), self._everyone)
        return hashlib.sha256(" ".join(names).encode()).hexdigest()[:8] if names is not None else ""

    def _readers(self) -> Pages:
        """All pages that are there, with the digests of who may read them."""
        found: Pages = {}
        following, before = None, 0
        while True:
            answer = self._search(_PAGES, before, following, f"ancestors,space,{_RIGHTS}", _ROWS_OF_RIGHTS, "created")
            rows = page_of(answer.value, self.name)
            for row in rows:
                found[str(at(row, "id"))] = self._digest(row)
            following, before = self._next(answer), before + len(rows)
            if not rows or following is None:
                return found

    def _completed(self, row: Row) -> Row:
        """A page with its restrictions and those of all pages above it, where the answer leaves some out."""
        above = [self._with_restrictions(each) for each in rows_at(row, "ancestors")]
        return {**self._with_restrictions(row), "ancestors": above}

    def _with_restrictions(self, row: Row) -> Row:
        known = at(row, "restrictions", "read", "restrictions") is not None
        return row if known else {**row, **self._restrictions.of(str(at(row, "id") or ""))}

    def _with_comments(self, row: Row) -> Row:
        """A page with all its comments and the replies to them, when it has some."""
        if not rows_at(row, "children", "comment", "results"):
            return row
        found: list[Row] = []
        path: str | None = f"rest/api/content/{at(row, 'id')}/child/comment"
        params: dict[str, str | int] | None = {"expand": _EXPAND_COMMENT, "depth": "all", "limit": _ROWS_OF_RIGHTS}
        while path is not None:
            answer = self._client.get(path, params)
            found += page_of(answer.value, self.name)
            path, params = self._next(answer), None
        return {**row, "children": {**row["children"], "comment": {"results": found}}}

    def _located(self, row: Row) -> Iterator[Located]:
        key = str(at(row, "space", "key") or "")
        if key not in self._viewers:
            self._viewers[key] = viewers_of(self._client, key)
        yield from located(
            self._with_comments(self._completed(row)),
            self.name,
            self._options.timezone,
            self._viewers[key],
            self._everyone,
            self._client.address,
            self._told,
        )


def _mark(time: str, pages: Pages | None) -> str:
    return json.dumps({"time": time, "pages": pages}, separators=(",", ":"))


def _mark_parts(since: str | None, name: str) -> tuple[str | None, Pages | None]:
    """(the time of the last change that was read, the pages that were there after the last whole run)."""
    if since is None:
        return None, None
    try:
        mark = json.loads(since)
        pages = mark["pages"]
        return mark["time"] or None, None if pages is None else {str(page): str(pages[page]) for page in pages}
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            Sentence("It is not known up to where the last run had read. Run: kollega sync %(name)s --full", name=name)
        ) from error
