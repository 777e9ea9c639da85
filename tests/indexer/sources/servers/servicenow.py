"""The table interface of ServiceNow: incidents, the journal, users and what was deleted, with both forms of values."""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.indexer.sources.servers.desk import Desk, Note, Person, Ticket
from tests.indexer.sources.servers.server import TOKEN, Reply

USER = "kollega.importer"
_STATES = {"open": "2", "solved": "6", "unanswered": "8", "merged": "8"}


class ServiceNowServer:
    """Incidents of the groups Palvelu and Vain IT (private ones). Times are shown two hours later than UTC."""

    def __init__(self, desk: Desk, most: int = 100) -> None:
        self.desk, self.address, self.most = desk, "", most
        self.hides_journal = False
        self.close_notes = ""
        self.hidden: set[int] = set()
        self.tables: dict[str, list[dict[str, Any]]] = {}

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        table, query = path.removeprefix("/api/now/table/"), params.get("sysparm_query", "")
        start = int(params.get("sysparm_offset", "0"))
        if table == "incident":
            changed = self.desk.ascending(_since(query, "sys_updated_on"))
            rows = [{} if ticket.id in self.hidden else self.incident(ticket) for ticket in changed]
        elif table == "sys_journal_field" and not self.hides_journal:
            wanted = set((re.search(r"element_idIN([^^]*)", query) or [""])[1].split(","))
            tickets = [ticket for ticket in self.desk.tickets.values() if identifier(ticket.id) in wanted]
            rows = [self.entry(ticket, note) for ticket in tickets for note in ticket.notes]
        elif table == "sys_user":
            ids = set((re.search(r"sys_idIN([^^]*)", query) or ["", ""])[1].split(","))
            logins = set((re.search(r"user_nameIN([^^]*)", query) or ["", ""])[1].split(","))
            people = [Person(number) for number in range(1, 12)]
            rows = [_user(each) for each in people if _person(each) in ids or f"login{each.id}" in logins]
        elif table == "sys_audit_delete":
            since = _since(query, "sys_created_on")
            gone = [(time, number) for number, time in self.desk.deleted.items() if time >= since]
            rows = [{"documentkey": _both(identifier(number))} for _time, number in sorted(gone)]
            rows = rows if "tablename=incident^" in query else self.tables.get("deleted articles", [])
        elif table in self.tables:
            held = self.tables[table]
            rows = [{name: _both(value) for name, value in row.items()} for row in held]
            if table == "kb_knowledge":
                since = _since(query, "sys_updated_on")
                times = [datetime.fromisoformat(row["sys_updated_on"]).replace(tzinfo=UTC) for row in held]
                rows = [self.article(row) for row, time in zip(held, times, strict=True) if time >= since]
        else:
            return Reply({"error": {"message": "User Not Authorized"}}, 403)
        most = min(self.most, int(params["sysparm_limit"]))
        given = [row for row in rows[start : start + most] if row]  # what may not be seen counts, but is not given
        return Reply({"result": given}, 200, {"X-Total-Count": str(len(rows))})

    def article(self, row: dict[str, str]) -> dict[str, Any]:
        """A knowledge article with both forms of its values."""
        names = {each["sys_id"]: each["title"] for each in self.tables.get("kb_knowledge_base", [])}
        base = {"value": row["kb_knowledge_base"], "display_value": names.get(row["kb_knowledge_base"], "")}
        return {**{name: _both(value) for name, value in row.items()}, "kb_knowledge_base": base}

    def incident(self, ticket: Ticket) -> dict[str, Any]:
        """An incident with both forms of its values."""
        over = ticket.state != "open"
        journal = {
            field: {"value": "", "display_value": self._journal(ticket, public)}
            for field, public in (("comments", True), ("work_notes", False))
        }
        return {
            "sys_id": _both(identifier(ticket.id)),
            "number": _both(f"INC{ticket.id:07}"),
            "short_description": _both(ticket.title),
            "description": _both(ticket.text),
            "state": {"value": _STATES[ticket.state], "display_value": "Suljettu"},
            "close_code": _both("Solved (Permanently)" if ticket.state == "solved" else ""),
            "close_notes": _both(self.close_notes or ("done" if over else "")),
            "caller_id": {"value": _person(ticket.asker), "display_value": ticket.asker.name},
            "assignment_group": {"value": "9" * 32, "display_value": "Vain IT" if ticket.private else "Palvelu"},
            "opened_at": _shown(ticket.at),
            "resolved_at": _shown(ticket.solved) if over and ticket.solved else _both(""),
            "sys_updated_on": _shown(ticket.changed),
            **journal,
        }

    def entry(self, ticket: Ticket, note: Note) -> dict[str, Any]:
        """An entry of the journal."""
        return {
            "sys_id": _both(f"{note.id:032}"),
            "element_id": _both(identifier(ticket.id)),
            "element": _both("comments" if note.public else "work_notes"),
            "value": _both(note.text),
            "sys_created_by": _both(f"login{note.author.id}"),
            "sys_created_on": _shown(note.at),
        }

    def _journal(self, ticket: Ticket, public: bool) -> str:
        label = "Additional comments" if public else "Work notes"
        notes = [note for note in reversed(ticket.notes) if note.public == public]
        return "".join(f"{_local(note.at)} - {note.author.name} ({label})\n{note.text}\n\n" for note in notes)


def identifier(number: int) -> str:
    """The sys_id of a ticket."""
    return f"{number:032x}"


def _user(person: Person) -> dict[str, Any]:
    values = {"sys_id": _person(person), "user_name": f"login{person.id}", "name": person.name, "email": person.mail}
    return {name: _both(value) for name, value in values.items()}


def _person(person: Person) -> str:
    return f"aa{person.id:030}"


def _both(value: str) -> dict[str, str]:
    return {"value": value, "display_value": value}


def _shown(time: datetime) -> dict[str, str]:
    return {"value": time.strftime("%Y-%m-%d %H:%M:%S"), "display_value": _local(time)}


def _local(time: datetime) -> str:
    return (time + timedelta(hours=2)).strftime("%d.%m.%Y %H:%M:%S")


def _since(query: str, field: str) -> datetime:
    found = re.search(rf"{field}>=(\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d)", query)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else datetime(1970, 1, 1, tzinfo=UTC)
