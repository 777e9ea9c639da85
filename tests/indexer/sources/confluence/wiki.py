"""A wiki in memory behind the REST interface of Confluence: search by CQL with pages, restrictions, spaces, people."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.indexer.sources.servers.desk import BEGINNING, Desk
from tests.indexer.sources.servers.server import TOKEN, Reply


@dataclass
class WikiPage:
    id: int
    title: str
    text: str
    changed: datetime
    parent: int | None = None
    groups: tuple[str, ...] = ()
    status: str = "current"
    hidden: bool = False
    folder: int | None = None


@dataclass
class WikiComment:
    id: int
    page: int
    text: str
    changed: datetime
    location: str = "footer"


@dataclass
class Wiki:
    """Pages by their ids. `zone` is that of the account that asks; `context` is the path of the wiki."""

    zone: str = "Europe/Helsinki"
    context: str = "/wiki"
    tells_zone: bool = True
    pages: dict[int, WikiPage] = field(default_factory=dict)
    comments: list[WikiComment] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    desk: Desk = field(default_factory=Desk)
    address: str = ""
    now: datetime = BEGINNING - timedelta(days=365)
    most: int = 3
    is_shallow: bool = False  # leaves out the restrictions of the pages above
    pace: timedelta = timedelta(days=2)

    def add(self, title: str, text: str = "", parent: int | None = None, groups: tuple[str, ...] = ()) -> WikiPage:
        number = len(self.pages) + 1
        self.pages[number] = WikiPage(number, title, text or f"<p>Text of {title}</p>", self.tick(), parent, groups)
        return self.pages[number]

    def change(self, number: int, text: str) -> None:
        self.pages[number].text, self.pages[number].changed = text, self.tick()

    def comment(self, page: int, text: str, location: str = "footer") -> None:
        number = 1000 + len(self.comments)
        self.comments.append(WikiComment(number, page, f"<p>{text}</p>", self.tick(), location))

    def tick(self) -> datetime:
        self.now += self.pace
        return self.now

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {TOKEN}"

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        path = path.removeprefix(self.context)
        if path == "/rest/api/user/current":
            return Reply({"accountId": "1", **({"timeZone": self.zone} if self.tells_zone else {})})
        if path == "/rest/api/space/IT":
            read = {"operation": "read", "targetType": "space"}
            group = {"results": [{"name": "confluence-users"}]}
            return Reply({"key": "IT", "permissions": [{"operation": read, "subjects": {"group": group}}]})
        if path == "/rest/api/content/search":
            return self._search(params)
        if path.startswith("/api/v2/") or path.endswith("/byOperation/read") or path == "/rest/api/user":
            return self._v2(path, params)
        if found := re.fullmatch(r"/rest/api/content/(\d+)/child/comment", path):
            rows, start = self._comments_of(int(found[1])), int(params.get("start", "0"))
            assert params["depth"] == "all"
            more = f"{self.context}{path}?depth=all&start={start + 2}"
            return Reply(
                {"results": rows[start : start + 2], "_links": {"next": more} if start + 2 < len(rows) else {}}
            )
        number = path.removeprefix("/rest/api/content/")
        page = self.pages.get(int(number)) if number.isdigit() else None
        return Reply(self._row(page)) if page and not page.hidden else None

    def _v2(self, path: str, params: dict[str, str]) -> Reply | None:
        """Answers of version 2, and those of version 1 that it has nothing for."""
        if path == "/api/v2/spaces":
            return Reply({"results": [{"id": "77", "key": "IT"}], "_links": {}})
        if path == "/rest/api/user":
            return Reply({"accountId": "712020:a", "displayName": "Aino V", "email": "aino@example.org"})
        if path in ("/api/v2/pages", "/api/v2/blogposts"):
            shown = [page for page in self.pages.values() if page.status == "current" and not page.hidden]
            order = params["sort"]
            rows = sorted(shown, key=lambda page: page.id if order == "id" else page.changed)  # type: ignore[arg-type,return-value]
            rows = (rows if order == "id" else rows[::-1]) if path.endswith("pages") else []
            start = int(params.get("cursor", "0"))
            following = f"{self.context}{path}?sort={order}&cursor={start + self.most}"
            links = {"next": following} if start + self.most < len(rows) else {}
            return Reply({"results": [self._row_v2(page) for page in rows[start : start + self.most]], "_links": links})
        if found := re.fullmatch(r"/api/v2/(pages|footer-comments)/(\d+)/(footer-comments|children)", path):
            rows_of = [row for row in self._comments_of(int(found[2])) if row["extensions"]["location"] == "footer"]
            return Reply({"results": [{**row, "extensions": {}} for row in rows_of], "_links": {}})
        found = re.fullmatch(r"/(?:api/v2/pages|rest/api/content)/(\d+)(/restriction/byOperation/read)?", path)
        page = self.pages.get(int(found[1])) if found else None
        if found is None or page is None:
            return None
        return Reply(self._rights(page)["restrictions"]["read"] if found[2] else self._row_v2(page))

    def _row_v2(self, page: WikiPage) -> dict[str, Any]:
        return {
            "id": str(page.id), "status": page.status, "title": page.title, "spaceId": "77", "authorId": "712020:a",
            "parentId": str(page.folder or page.parent) if page.parent else None,
            "parentType": "folder" if page.folder else "page" if page.parent else None,
            "version": {"createdAt": f"{page.changed:%Y-%m-%dT%H:%M:%S.000Z}", "number": 1},
            "body": {"storage": {"value": page.text}}, "_links": {"webui": f"/spaces/IT/pages/{page.id}"},
        }  # fmt: skip

    def _search(self, params: dict[str, str]) -> Reply:
        cql, start = params["cql"], int(params["start"])
        self.asked.append(cql)
        rows = [page for page in self.pages.values() if page.status == "current" and not page.hidden]
        if since := re.search(r'lastmodified >= "([^"]+)"', cql):
            time = datetime.strptime(since[1], "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(self.zone))
            rows = [page for page in rows if page.changed >= time]
        if "comment" in cql:
            shown = [each for each in self.comments if not self.pages[each.page].hidden]
            rows += [each for each in shown if each.changed >= time]  # type: ignore[misc]
        rows.sort(key=lambda page: (page.changed, page.id) if "BY lastmodified" in cql else page.id)  # type: ignore[arg-type,return-value]
        found = rows[start : start + self.most]
        links: dict[str, str] = {"context": self.context}
        if start + self.most < len(rows):
            links["next"] = f"{self.context}/rest/api/content/search?start={start + self.most}&cql={_encoded(cql)}"
        return Reply({"results": [self._row(page) for page in found], "_links": links})

    def _comments_of(self, page: int) -> list[dict[str, Any]]:
        return [self._row(each) for each in self.comments if each.page == page]

    def _row(self, page: WikiPage | WikiComment) -> dict[str, Any]:
        if isinstance(page, WikiComment):
            when = {"when": page.changed.isoformat(timespec="milliseconds")}
            row = {"id": str(page.id), "type": "comment", "status": "current", "version": when}
            place = {"container": {"id": str(page.page), "type": "page"}, "extensions": {"location": page.location}}
            return {**row, **place, "body": {"storage": {"value": page.text}}}
        above, parent = [], page.parent
        while parent is not None:
            above.insert(0, self.pages[parent])
            parent = self.pages[parent].parent
        author = {"accountId": "712020:a", "displayName": "Aino V", "email": "aino@example.org"}
        local = page.changed.astimezone(ZoneInfo("America/New_York"))
        return {
            **self._rights(page),
            "id": str(page.id),
            "type": "page",
            "status": page.status,
            "title": page.title,
            "space": {"key": "IT"},
            "body": {"storage": {"value": page.text}},
            "version": {"when": local.isoformat(timespec="milliseconds"), "by": author},
            "history": {"createdBy": author},
            "children": {"comment": {"results": self._comments_of(page.id)[:1]}},
            "ancestors": [{"id": str(each.id), **({} if self.is_shallow else self._rights(each))} for each in above],
            "_links": {"webui": f"/spaces/IT/pages/{page.id}"},
        }

    def _rights(self, page: WikiPage) -> dict[str, Any]:
        group = {"results": [{"name": name} for name in page.groups], "size": len(page.groups)}
        return {"restrictions": {"read": {"restrictions": {"group": group, "user": {"results": [], "size": 0}}}}}


def _encoded(text: str) -> str:
    return "".join(letter if letter.isalnum() else f"%{ord(letter):02X}" for letter in text)
