"""Ticket systems that take tickets: the stand-ins of the sources, which make tickets as the systems document it."""

import base64
from typing import Any
from urllib.parse import unquote

from tests.indexer.sources.servers.desk import Note, Person, Ticket
from tests.indexer.sources.servers.jira import JiraServer
from tests.indexer.sources.servers.server import TOKEN, Reply, number_in
from tests.indexer.sources.servers.zammad import ZammadServer


class TakingJira(JiraServer):
    """Jira Data Center; `made` are the issues that were sent, by their labels."""

    made: dict[str, int]

    def take(self, path: str, sent: Any) -> Reply | None:
        if (number := number_in(path, "/rest/api/2/issue/PROJ-{}/comment")) is not None:
            self.desk.note(number, sent["body"], author=7)
            return Reply({"id": str(self.desk.tickets[number].notes[-1].id)}, 201)
        if path != "/rest/api/2/issue":
            return None
        fields = sent["fields"]
        if fields["project"]["key"] != "PROJ" or "\n" in fields["summary"]:
            return Reply({"errors": {"project": "project is required"}}, 400)
        ticket = self.desk.add(fields["summary"], fields["description"])
        self.made[fields["labels"][0]] = ticket.id
        return Reply({"id": str(10_000 + ticket.id), "key": f"PROJ-{ticket.id}"}, 201)

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        if params.get("jql", "").startswith("labels = "):
            number = self.made.get(params["jql"].partition('"')[2].rstrip('"'))
            issues = [{"id": str(10_000 + number), "key": f"PROJ-{number}"}] if number else []
            return Reply({"issues": issues, "total": len(issues)})
        return super().answer(path, params)


class TakingZammad(ZammadServer):
    """Zammad; `made` are the tickets that were sent, by their tags. What was sent as HTML is read as HTML."""

    made: dict[str, int]

    def _article(self, ticket: Ticket, note: Note, content_type: str) -> dict[str, Any]:
        return super()._article(ticket, note, "text/html" if "<br>" in note.text else content_type)

    def take(self, path: str, sent: Any) -> Reply | None:
        if path == "/api/v1/ticket_articles" and sent["content_type"] == "text/html":
            self.desk.note(sent["ticket_id"], sent["body"], public=not sent["internal"], author=7)
            return Reply({"id": self.desk.tickets[sent["ticket_id"]].notes[-1].id}, 201)
        if path != "/api/v1/tickets":
            return None
        if sent["group"] != "Palvelu" or not sent["customer_id"].startswith("guess:"):
            return Reply({"error": "Group can't be blank"}, 422)
        ticket = self.desk.add(sent["title"], sent["article"]["body"])
        ticket.asker = Person(4)
        self.made[sent["tags"]] = ticket.id
        return Reply({"id": ticket.id, "number": f"9{ticket.id}"}, 201)

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        if params.get("query", "").startswith("tags:"):
            number = self.made.get(params["query"].removeprefix("tags:").strip('"'))
            return Reply([{"id": number, "number": f"9{number}"}] if number else [])
        return super().answer(path, params)


class Recorder:
    """Any other system: answers what is sent with `answers` by path, and what is looked for with `found`."""

    desk = None
    address = ""

    def __init__(self, answers: dict[str, Any], found: dict[str, Any]) -> None:
        self.answers, self.found = answers, found
        self.taken: list[tuple[str, Any]] = []

    def allows(self, headers: dict[str, str]) -> bool:
        given = headers.get("authorization", "") + headers.get("private-token", "")
        users = (f"{TOKEN}:X", f"me/token:{TOKEN}")
        return any(secret in given for secret in (TOKEN, *(base64.b64encode(user.encode()).decode() for user in users)))

    def take(self, path: str, sent: Any) -> Reply | None:
        self.taken.append((unquote(path), sent))
        value = self.answers.get(unquote(path))
        return Reply(value, 201) if value is not None else None

    def answer(self, path: str, _params: dict[str, str]) -> Reply | None:
        value = self.found.get(unquote(path))
        return Reply(value) if value is not None else None
