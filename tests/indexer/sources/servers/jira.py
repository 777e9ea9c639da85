"""The REST interface of Jira, Cloud (version 3, pages by token, Atlassian documents) and Data Center (version 2)."""

import base64
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.indexer.sources.servers.desk import Desk, Person, Ticket
from tests.indexer.sources.servers.server import TOKEN, Reply, number_in

USER = "importer@example.org"


class JiraServer:
    """Issues of one project, PROJ. `inside` is how many comments a search gives with an issue."""

    def __init__(self, desk: Desk, cloud: bool = True, zone: str = "Europe/Helsinki", most: int = 50) -> None:
        self.desk, self.address, self.cloud, self.zone = desk, "", cloud, zone
        self.most, self.inside, self.is_service = most, 20, False

    def allows(self, headers: dict[str, str]) -> bool:
        wanted = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode() if self.cloud else f"Bearer {TOKEN}"
        return headers.get("authorization") == wanted

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        if path == "/rest/api/2/serverInfo":
            return Reply({"deploymentType": "Cloud" if self.cloud else "Server"})
        if path == "/rest/api/2/myself":
            return Reply({"accountId": "importer", "timeZone": self.zone} if self.zone else {"accountId": "importer"})
        if path == ("/rest/api/3/search/jql" if self.cloud else "/rest/api/2/search"):
            return self._search(params)
        if (number := number_in(path, f"/rest/api/{3 if self.cloud else 2}/issue/PROJ-{{}}/comment")) is not None:
            notes = self._comments(self.desk.tickets[number])
            start, most = int(params["startAt"]), 5
            return Reply(
                {"comments": notes[start : start + most], "startAt": start, "maxResults": most, "total": len(notes)}
            )
        if (number := number_in(path, "/rest/servicedeskapi/request/PROJ-{}/comment")) is not None:
            public = [note for note in self.desk.tickets[number].notes if note.public]
            return Reply({"values": [{"id": str(note.id), "public": True} for note in public], "isLastPage": True})
        return None

    def _search(self, params: dict[str, str]) -> Reply:
        asked = re.search(r'updated >= "([^"]+)"', params["jql"])
        if asked is None or not params["jql"].endswith("ORDER BY updated ASC, key ASC"):
            return Reply({"errorMessages": ["Error in the JQL Query"]}, 400)
        zone = ZoneInfo(self.zone or "Pacific/Kiritimati")
        since = datetime.strptime(asked[1], "%Y/%m/%d %H:%M").replace(tzinfo=zone).astimezone(UTC)
        found = list(self.desk.ascending(since))
        most = min(self.most, int(params["maxResults"]))
        start = int(params.get("nextPageToken", "at-0").partition("-")[2] if self.cloud else params["startAt"])
        issues = [self.issue(ticket) for ticket in found[start : start + most]]
        if not self.cloud:
            return Reply({"issues": issues, "startAt": start, "maxResults": most, "total": len(found)})
        more = {"nextPageToken": f"at-{start + most}"} if start + most < len(found) else {}
        return Reply({"issues": issues, "isLast": not more, **more})

    def issue(self, ticket: Ticket) -> dict[str, Any]:
        """An issue with some of its comments."""
        comments, over = self._comments(ticket), ticket.state != "open"
        resolution = {"solved": "Done", "unanswered": "Won't Do", "merged": "Duplicate"}.get(ticket.state)
        link = {"type": {"name": "Duplicate"}, "outwardIssue": {"id": str(10_000 + (ticket.merged_into or 0))}}
        return {
            "id": str(10_000 + ticket.id),
            "key": f"PROJ-{ticket.id}",
            "self": f"{self.address}/rest/api/3/issue/{10_000 + ticket.id}",
            "fields": {
                "summary": ticket.title,
                "description": self._text(ticket.text),
                "created": _time(ticket.at),
                "updated": _time(ticket.changed),
                "resolutiondate": _time(ticket.solved) if over and ticket.solved else None,
                "resolution": {"name": resolution} if over else None,
                "status": {"name": "Valmis", "statusCategory": {"key": "done" if over else "indeterminate"}},
                "reporter": self._person(ticket.asker),
                "project": {"key": "PROJ", "projectTypeKey": "service_desk" if self.is_service else "software"},
                "security": {"name": "Vain IT"} if ticket.private else None,
                "labels": [],
                "priority": {"name": "Medium"},
                "issuelinks": [link] if ticket.merged_into else [],
                "attachment": [],
                "comment": {"comments": comments[: self.inside], "maxResults": self.inside, "total": len(comments)},
            },
        }

    def _comments(self, ticket: Ticket) -> list[dict[str, Any]]:
        comments: list[dict[str, Any]] = []
        for note in ticket.notes:
            comment = {"id": str(note.id), "author": self._person(note.author), "body": self._text(note.text)}
            comment["created"] = _time(note.at)
            if not self.is_service or self.cloud:
                comment["jsdPublic"] = note.public
            comments.append(comment)
        return comments

    def _text(self, text: str) -> Any:
        if not self.cloud:
            return text
        paragraphs = [{"type": "paragraph", "content": [{"type": "text", "text": part}]} for part in text.split("\n\n")]
        return {"type": "doc", "version": 1, "content": paragraphs}

    def _person(self, person: Person) -> dict[str, Any]:
        known = {"displayName": person.name, "emailAddress": person.mail}
        if self.cloud:
            return {"accountId": f"557058:{person.id}", "accountType": "atlassian", **known}
        return {"key": f"JIRAUSER{person.id}", "name": f"user{person.id}", **known}


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
