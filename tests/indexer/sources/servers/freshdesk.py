"""The REST interface of Freshdesk: tickets by `updated_since`, conversations, agents, groups and contacts."""

import base64
from datetime import datetime
from typing import Any

from tests.indexer.sources.servers.desk import BEGINNING, Desk, Person, Ticket
from tests.indexer.sources.servers.server import TOKEN, Reply, iso, number_in

_STATES = {"open": 2, "solved": 4, "unanswered": 5, "merged": 5}


class FreshdeskServer:
    """Tickets of the groups Palvelu and Vain IT (private ones); only the last 30 days without `updated_since`."""

    def __init__(self, desk: Desk, most: int = 30) -> None:
        self.desk, self.address, self.most = desk, "", most
        self.folders: list[dict[str, Any]] = []
        self.articles: list[dict[str, Any]] = []
        self.portals = [1]

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == "Basic " + base64.b64encode(f"{TOKEN}:X".encode()).decode()

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        path = path.removeprefix("/api/v2")
        if path == "/tickets":
            return self._tickets(params)
        if (number := number_in(path, "/tickets/{}/conversations")) is not None:
            ticket = self.desk.tickets.get(number)
            return self._page([_note(ticket, note) for note in ticket.notes], params, path) if ticket else None
        if path.startswith("/solutions/"):
            return self._solutions(path, params)
        if path == "/groups":
            groups = [(1, "Palvelu"), (2, "Vain IT")]
            return Reply([{"id": number, "name": name, "escalate_to": None} for number, name in groups])
        if path == "/agents":
            agents = [Person(1), Person(3)]
            return Reply([{"id": each.id, "contact": {"name": each.name, "email": each.mail}} for each in agents])
        if (number := number_in(path, "/contacts/{}")) is not None:
            return Reply({"id": number, "name": Person(number).name, "email": Person(number).mail})
        return None

    def _solutions(self, path: str, params: dict[str, str]) -> Reply | None:
        if path == "/solutions/categories":
            categories = [{"id": 70, "name": "Ohjeet", "visible_in_portals": self.portals}]
            return self._page(categories if self.folders else [], params, path)
        number = number_in(path, "/solutions/folders/{}/articles")
        if number is not None:
            return self._page([each for each in self.articles if each["folder_id"] == number], params, path)
        if path == "/solutions/categories/70/folders":
            return self._page([each for each in self.folders if "parent_folder_id" not in each], params, path)
        number = number_in(path, "/solutions/folders/{}/subfolders")
        below = [each for each in self.folders if each.get("parent_folder_id", 0) == number]
        return self._page(below, params, path) if number is not None else None

    def _tickets(self, params: dict[str, str]) -> Reply:
        since = datetime.fromisoformat(params.get("updated_since", iso(BEGINNING) or ""))
        if params.get("filter") == "deleted":
            rows: list[dict[str, Any]] = [
                {"id": number, "subject": "x", "requester_id": 2, "created_at": iso(time), "updated_at": iso(time)}
                for number, time in sorted(self.desk.deleted.items(), key=lambda pair: pair[1])
                if time >= since
            ]
        elif params.get("filter") == "spam":
            rows = []
        else:
            rows = [self.ticket(ticket) for ticket in self.desk.ascending(since)]
        return self._page(rows, params, "/tickets")

    def _page(self, rows: list[Any], params: dict[str, str], path: str) -> Reply:
        page, most = int(params.get("page", "1")), min(self.most, int(params.get("per_page", "30")))
        more = {"Link": f'<{self.address}/api/v2{path}?page={page + 1}>; rel="next"'} if len(rows) > page * most else {}
        return Reply(rows[(page - 1) * most : page * most], 200, more)

    def ticket(self, ticket: Ticket) -> dict[str, Any]:
        """A ticket with description, requester and stats."""
        html = "".join(f"<div>{part}</div>" for part in ticket.text.split("\n\n"))
        return {
            "id": ticket.id,
            "subject": ticket.title,
            "description": html,
            "description_text": ticket.text,
            "status": _STATES[ticket.state],
            "priority": 2,
            "requester_id": ticket.asker.id,
            "requester": {"id": ticket.asker.id, "name": ticket.asker.name, "email": ticket.asker.mail},
            "group_id": 2 if ticket.private else 1,
            "created_at": iso(ticket.at),
            "updated_at": iso(ticket.changed),
            "stats": {"resolved_at": iso(ticket.solved)},
            "spam": False,
            "tags": [],
        }


def _note(ticket: Ticket, note: Any) -> dict[str, Any]:
    kinds = {"incoming": not note.author.is_agent, "private": not note.public, "source": 0 if note.public else 2}
    texts = {"body": f"<div>{note.text}</div>", "body_text": note.text}
    return {
        "id": note.id,
        "ticket_id": ticket.id,
        "user_id": note.author.id,
        "created_at": iso(note.at),
        **kinds,
        **texts,
    }
