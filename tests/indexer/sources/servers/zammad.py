"""The REST interface of Zammad: search of tickets, their articles, users, groups, states and links."""

import re
from datetime import datetime
from typing import Any

from tests.indexer.sources.servers.desk import Desk, Note, Person, Ticket
from tests.indexer.sources.servers.server import TOKEN, Reply, number_in

_STATES = {"open": 2, "solved": 4, "unanswered": 4, "merged": 5}


class ZammadServer:
    """Tickets of the groups Palvelu and Vain IT (private ones). State 4 was renamed to *Valmis*."""

    def __init__(self, desk: Desk, most: int = 50) -> None:
        self.desk, self.address, self.most = desk, "", most
        self.knowledge: dict[str, dict[str, Any]] = {}

    def query(self, path: str, sent: Any) -> Reply | None:
        """The knowledge base: all of it, but only the texts that were asked for."""
        if path != "/api/v1/knowledge_bases/init":
            return None
        name = "KnowledgeBaseAnswerTranslationContent"
        wanted = {str(each) for each in sent["answer_translation_content_ids"]}
        texts = {each: row for each, row in self.knowledge.get(name, {}).items() if each in wanted}
        return Reply({**self.knowledge, name: texts} if texts else {**self.knowledge, name: {}})

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == f"Token token={TOKEN}"

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        path = path.removeprefix("/api/v1")
        if path == "/tickets/search":
            return self._search(params)
        if path == "/groups":
            groups = [(1, "Palvelu"), (2, "Vain IT")]
            return Reply([{"id": number, "name": name, "follow_up_possible": "yes"} for number, name in groups])
        if path == "/roles":
            return Reply([{"id": 1, "name": "Admin"}, {"id": 2, "name": "Agent"}])
        if path == "/ticket_states":
            states = [(2, 2, "open", "auki"), (4, 5, "closed", "Valmis"), (5, 6, "merged", "yhdistetty")]
            states.append((6, 7, "removed", "poistettu"))
            names = ("id", "state_type_id", "state_type", "name")
            return Reply([dict(zip(names, state, strict=True)) for state in states])
        if (number := number_in(path, "/ticket_articles/by_ticket/{}")) is not None:
            ticket = self.desk.tickets.get(number)
            return Reply(self.articles(ticket)) if ticket else None
        if (number := number_in(path, "/users/{}")) is not None:
            person = Person(number)
            first, _, last = person.name.partition(" ")
            return Reply(
                {"id": number, "login": person.mail, "firstname": first, "lastname": last, "email": person.mail}
            )
        if path == "/links":
            into = self.desk.tickets[int(params["link_object_value"])].merged_into
            return Reply({"links": [{"link_type": "parent", "link_object": "Ticket", "link_object_value": into}]})
        return None

    def _search(self, params: dict[str, str]) -> Reply:
        asked = re.fullmatch(r"updated_at:\[(\S+) TO \*\]", params["query"])
        if asked is None or params["sort_by"] != "updated_at" or params["order_by"] != "asc":
            return Reply({"error": "Invalid query"}, 422)
        rows: list[dict[str, Any]] = [
            self.ticket(each) for each in self.desk.ascending(datetime.fromisoformat(asked[1]))
        ]
        for number, time in self.desk.deleted.items():
            if time >= datetime.fromisoformat(asked[1]):
                gone = {"id": number, "number": f"9{number}", "title": "x", "state_id": 6, "created_at": _time(time)}
                rows.append({**gone, "updated_at": _time(time), "customer_id": 2})
        rows.sort(key=lambda row: row["updated_at"])
        most = min(self.most, int(params["per_page"]))
        start = (int(params["page"]) - 1) * most
        return Reply(rows[start : start + most])

    def ticket(self, ticket: Ticket) -> dict[str, Any]:
        """A ticket as a search with `expand` gives it."""
        group = 2 if ticket.private else 1
        return {
            "id": ticket.id,
            "number": f"9{ticket.id}",
            "title": ticket.title,
            "group_id": group,
            "group": "Vain IT" if ticket.private else "Palvelu",
            "state_id": _STATES[ticket.state],
            "state": "Valmis",
            "priority": "2 normal",
            "customer_id": ticket.asker.id,
            "customer": ticket.asker.mail,
            "close_at": _time(ticket.solved) if ticket.solved else None,
            "created_at": _time(ticket.at),
            "updated_at": _time(ticket.changed),
        }

    def articles(self, ticket: Ticket) -> list[dict[str, Any]]:
        """The messages of a ticket: the question, one of a trigger, and the notes."""
        question = Note(1_000_000 + 10 * ticket.id, ticket.asker, ticket.text.replace("\n", "<br>"), ticket.at)
        rows = [self._article(ticket, question, "text/html")]
        trigger = {
            "id": 1_000_001 + 10 * ticket.id,
            "sender": "System",
            "body": "Kiitos viestistäsi!",
            "created_by_id": 1,
        }
        rows.append({**rows[0], **trigger})
        return rows + [self._article(ticket, note, "text/plain") for note in ticket.notes]

    def _article(self, ticket: Ticket, note: Note, content_type: str) -> dict[str, Any]:
        return {
            "id": note.id,
            "ticket_id": ticket.id,
            "sender": "Agent" if note.author.is_agent else "Customer",
            "type": "note" if not note.public else "email",
            "internal": not note.public,
            "content_type": content_type,
            "body": note.text,
            "created_by_id": note.author.id,
            "origin_by_id": None,
            "created_at": _time(note.at),
            "attachments": [],
        }


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")
