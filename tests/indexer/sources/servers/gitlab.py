"""The REST interface of GitLab: issues of a project, and their notes."""

from datetime import datetime
from typing import Any

from tests.indexer.sources.servers.desk import Desk, Note, Person, Ticket
from tests.indexer.sources.servers.server import TOKEN, Reply, iso, number_in

PROJECT = "kallio/neuvonta"
_PATH = "/api/v4/projects/kallio%2Fneuvonta"


class GitLabServer:
    """Issues of one project; the id of number 7 is 507."""

    def __init__(self, desk: Desk, most: int = 30, visibility: str = "private") -> None:
        self.desk, self.address, self.most, self.visibility = desk, "", most, visibility

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("private-token") == TOKEN

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        if path == _PATH:
            return Reply({"id": 36, "path_with_namespace": PROJECT, "visibility": self.visibility})
        if path == f"{_PATH}/issues":
            since = datetime.fromisoformat(params["updated_after"])
            return self._page([self.issue(ticket) for ticket in self.desk.ascending(since)], params)
        if (number := number_in(path, f"{_PATH}/issues/{{}}/notes")) is not None:
            ticket = self.desk.tickets[number]
            moved = {"system": True, "id": 900_000 + number, "body": "changed the description"}
            notes = [self.note(ticket, note) for note in ticket.notes]
            return self._page([*notes, *({**note, **moved} for note in notes[:1])], params)
        return None

    def _page(self, rows: list[Any], params: dict[str, str]) -> Reply:
        page, most = int(params["page"]), min(self.most, int(params["per_page"]))
        after = str(page + 1) if len(rows) > page * most else ""
        return Reply(rows[(page - 1) * most : page * most], 200, {"X-Next-Page": after, "RateLimit-Remaining": "500"})

    def issue(self, ticket: Ticket) -> dict[str, Any]:
        """An issue as a list has it."""
        return {
            "id": 500 + ticket.id,
            "iid": ticket.id,
            "project_id": 36,
            "web_url": f"https://gitlab.example/{PROJECT}/-/issues/{ticket.id}",
            "title": ticket.title,
            "description": ticket.text,
            "author": _user(ticket.asker),
            "labels": ["tulostus"],
            "state": "opened" if ticket.state == "open" else "closed",
            "confidential": ticket.private,
            "user_notes_count": len(ticket.notes),
            "moved_to_id": 500 + ticket.merged_into if ticket.merged_into else None,
            "created_at": iso(ticket.at),
            "updated_at": iso(ticket.changed),
            "closed_at": iso(ticket.solved) if ticket.state != "open" else None,
        }

    def note(self, ticket: Ticket, note: Note) -> dict[str, Any]:
        """A note of an issue."""
        about = {"noteable_type": "Issue", "noteable_id": 500 + ticket.id, "noteable_iid": ticket.id, "project_id": 36}
        told = {"body": note.text, "author": _user(note.author), "system": False, "internal": not note.public}
        return {"id": note.id, "created_at": iso(note.at), **about, **told}


def _user(person: Person) -> dict[str, Any]:
    return {"id": person.id, "username": f"user{person.id}", "name": person.name}
