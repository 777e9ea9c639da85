"""The REST interface of Zendesk: the cursor export of tickets, comments, users, groups and help center articles."""

import base64
from datetime import timedelta
from typing import Any

from tests.indexer.sources.servers.desk import Desk, Person, Ticket
from tests.indexer.sources.servers.server import TOKEN, Reply, iso, number_in

USER = "importer@example.org"
_STATES = {"open": "open", "solved": "solved", "unanswered": "closed", "merged": "closed"}


class ZendeskServer:
    """Tickets of the group IT, and `articles`; a cursor is the time and number of the last ticket that was given.
    The time of the export is the system's own, whatever a ticket says."""

    def __init__(self, desk: Desk, most: int = 40) -> None:
        self.desk, self.address, self.most = desk, "", most
        self.articles: list[dict[str, Any]] = []
        self.forgets_cursors = False
        self.fields: list[dict[str, Any]] = []
        self.custom: list[dict[str, Any]] = []
        self.translations: dict[int, list[dict[str, Any]]] = {}

    def allows(self, headers: dict[str, str]) -> bool:
        wanted = base64.b64encode(f"{USER}/token:{TOKEN}".encode()).decode()
        return headers.get("authorization") == f"Basic {wanted}"

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        if path == "/api/v2/incremental/tickets/cursor.json":
            return self._export(params)
        if (number := number_in(path, "/api/v2/tickets/{}/comments.json")) is not None:
            return self._comments(number, params)
        if path == "/api/v2/groups.json":
            return Reply({"groups": [{"id": 9, "name": "IT"}], "meta": {"has_more": False}})
        if path == "/api/v2/brands.json":
            return Reply({"brands": [{"id": 5, "name": "Kallio", "subdomain": "kallio"}], "next_page": None})
        if path == "/api/v2/ticket_fields.json":
            return Reply({"ticket_fields": self.fields, "next_page": None})
        if (number := number_in(path, "/api/v2/help_center/articles/{}/translations.json")) is not None:
            return Reply({"translations": self.translations.get(number, []), "next_page": None})
        if path == "/api/v2/help_center/user_segments.json":
            return Reply({"user_segments": [{"id": 3, "name": "Esihenkilöt"}], "next_page": None})
        if path == "/api/v2/help_center/sections.json":
            return Reply({"sections": [{"id": 4, "name": "Ohjeet"}], "next_page": None})
        if path == "/api/v2/help_center/incremental/articles.json" and self.articles:
            start = int(params["start_time"])
            fit = [article for article in self.articles if article["stamp"] >= start]
            end = max((article["stamp"] + 1 for article in fit), default=start)
            after = f"{self.address}{path}?start_time={end}" if fit else None
            return Reply({"articles": fit, "users": [_user(Person(3))], "end_time": end, "next_page": after})
        return None

    def _export(self, params: dict[str, str]) -> Reply:
        tickets = list(self.desk.tickets.values())
        rows = [(min(ticket.changed, self.desk.now), ticket.id, self.ticket(ticket)) for ticket in tickets]
        for number, time in self.desk.deleted.items():
            gone = {"id": number, "status": "deleted", "subject": "x", "requester_id": 2, "created_at": iso(time)}
            rows.append((time, number, {**gone, "generated_timestamp": int(time.timestamp())}))
        rows.sort(key=lambda row: row[:2])
        if cursor := params.get("cursor"):
            if self.forgets_cursors:
                return Reply({"error": "InvalidCursor"}, 422)
            seconds, _, number = cursor.partition("-")
            rows = [row for row in rows if (row[0].timestamp(), row[1]) > (float(seconds), int(number))]
        else:
            rows = [row for row in rows if row[0].timestamp() >= int(params["start_time"])]
        given, cursor = rows[: self.most], params.get("cursor", "0-0")
        after = f"{given[-1][0].timestamp()}-{given[-1][1]}" if given else cursor
        users = [_user(Person(number)) for number in (2, 4, 6, 8, 10)]
        found = {"tickets": [row[2] for row in given], "users": users, "groups": [{"id": 9, "name": "IT"}]}
        return Reply({**found, "after_cursor": after, "end_of_stream": len(rows) <= self.most})

    def ticket(self, ticket: Ticket) -> dict[str, Any]:
        """A ticket as the export has it."""
        solved = iso(ticket.solved) if ticket.state != "open" else None
        return {
            "id": ticket.id,
            "subject": ticket.title,
            "description": ticket.text,
            "status": _STATES[ticket.state],
            "created_at": iso(ticket.at),
            "updated_at": iso(ticket.changed - timedelta(seconds=1)),
            "generated_timestamp": int(min(ticket.changed, self.desk.now).timestamp()),
            "requester_id": ticket.asker.id,
            "group_id": 9,
            "brand_id": 5,
            "is_public": not ticket.private,
            "priority": "normal",
            "tags": ["closed_by_merge"] if ticket.state == "merged" else [],
            "metric_set": {"solved_at": solved},
            "custom_fields": self.custom,
        }

    def _comments(self, number: int, params: dict[str, str]) -> Reply | None:
        ticket = self.desk.tickets.get(number)
        if ticket is None:
            return None
        start, most = int(params.get("page[after]", "0")), 10
        all_of_it = self.comments(ticket)
        more = start + most < len(all_of_it)
        after = f"{self.address}/api/v2/tickets/{number}/comments.json?include=users&page[after]={start + most}"
        people = {note.author.id: note.author for note in ticket.notes} | {ticket.asker.id: ticket.asker}
        found = {"comments": all_of_it[start : start + most], "users": [_user(person) for person in people.values()]}
        return Reply({**found, "meta": {"has_more": more}, "links": {"next": after if more else None}})

    def comments(self, ticket: Ticket) -> list[dict[str, Any]]:
        """The comments of a ticket: the first one is the question."""
        paragraphs = "".join(f"<p>{part}</p>" for part in ticket.text.split("\n\n"))
        first = {"author_id": ticket.asker.id, "html_body": paragraphs, "public": True, "created_at": iso(ticket.at)}
        rows = [{"id": 10 * ticket.id, "attachments": [], **first}]
        for note in ticket.notes:
            html = f'<div class="zd-comment"><p>{note.text}</p></div>'
            row = {"id": 100_000 + note.id, "author_id": note.author.id, "html_body": html, "public": note.public}
            rows.append({**row, "created_at": iso(note.at), "attachments": []})
        if ticket.state == "merged":
            text = f"<p>This request was closed and merged into request #{ticket.merged_into}.</p>"
            row = {"id": 900_000 + ticket.id, "author_id": -1, "html_body": text, "public": False}
            rows.append({**row, "created_at": iso(ticket.changed), "attachments": []})
        return rows


def _user(person: Person) -> dict[str, Any]:
    role = "agent" if person.is_agent else "end-user"
    return {"id": person.id, "name": person.name, "email": person.mail, "role": role}
