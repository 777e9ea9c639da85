"""The REST interface of Redmine: issues with journals, states and projects."""

from datetime import datetime
from typing import Any

from tests.indexer.sources.servers.desk import Desk, Person, Ticket
from tests.indexer.sources.servers.server import TOKEN, Reply, iso, number_in


class RedmineServer:
    """Issues of one project. State 9 is closed, and the states are named in Finnish."""

    def __init__(self, desk: Desk, most: int = 30, public: bool = False) -> None:
        self.desk, self.address, self.most, self.public = desk, "", most, public
        self.projects = 1

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("x-redmine-api-key") == TOKEN

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        if path == "/issue_statuses.json":
            states = [{"id": 1, "name": "Uusi", "is_closed": False}, {"id": 9, "name": "Valmis", "is_closed": True}]
            return Reply({"issue_statuses": states})
        if path == "/projects.json":
            projects = [{"id": 4, "identifier": "neuvonta", "name": "Neuvonta", "is_public": self.public}]
            others = [{"id": 10 + n, "identifier": f"muu{n}", "name": f"Muu {n}"} for n in range(self.projects - 1)]
            start = int(params.get("offset", "0"))
            given = [*others, *projects][start : start + int(params["limit"])]
            return Reply({"projects": given, "total_count": self.projects, "offset": start, "limit": params["limit"]})
        if path == "/issues.json":
            return self._issues(params)
        if (number := number_in(path, "/issues/{}.json")) is not None and number in self.desk.tickets:
            return Reply({"issue": self.issue(self.desk.tickets[number], "journals" in params.get("include", ""))})
        return None

    def _issues(self, params: dict[str, str]) -> Reply | None:
        if params.get("project_id", "neuvonta") not in ("neuvonta", "4", "muu1"):  # several are no project either
            return None
        since = datetime.fromisoformat(params["updated_on"].removeprefix(">="))
        rows = (
            []
            if params.get("project_id") == "muu1"
            else [
                ticket
                for ticket in self.desk.ascending(since)
                if params.get("status_id") == "*" or ticket.state == "open"
            ]
        )
        start, most = int(params["offset"]), min(self.most, int(params["limit"]))
        given = [self.issue(ticket, False) for ticket in rows[start : start + most]]
        return Reply({"issues": given, "total_count": len(rows), "offset": start, "limit": most})

    def issue(self, ticket: Ticket, with_journals: bool) -> dict[str, Any]:
        """An issue, with its journals or without."""
        over = ticket.state != "open"
        row = {
            "id": ticket.id,
            "project": {"id": 4, "name": "Neuvonta"},
            "tracker": {"id": 1, "name": "Tuki"},
            "status": {"id": 9 if over else 1, "name": "Valmis" if over else "Uusi"},
            "author": _user(ticket.asker),
            "subject": ticket.title,
            "description": ticket.text,
            "is_private": ticket.private,
            "created_on": iso(ticket.at),
            "updated_on": iso(ticket.changed),
            "closed_on": iso(ticket.solved) if over else None,
        }
        if with_journals:
            change = [{"property": "attr", "name": "status_id", "new_value": "9"}]
            row["journals"] = [
                {"id": 900_000 + ticket.id, "user": _user(ticket.asker), "notes": "", "created_on": iso(ticket.at)}
            ]
            row["journals"] += [
                {
                    "id": note.id,
                    "user": _user(note.author),
                    "notes": note.text,
                    "private_notes": not note.public,
                    "created_on": iso(note.at),
                    "details": change if over else [],
                }
                for note in ticket.notes
            ]
        return row


def _user(person: Person) -> dict[str, Any]:
    return {"id": person.id, "name": person.name}
