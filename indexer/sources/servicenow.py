"""ServiceNow: incidents over its table interface, or from saved answers (JSON) and tables (CSV).

Every value is text, empty is "", and times are UTC without saying so. What people write is in a table of its own (the
journal); an export has it as one text in the language, form and time zone of whoever exported it.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import Field

from indexer.sources.exported import Exported
from indexer.sources.protocol import Abilities, Mark, Source
from indexer.sources.records import DeletedRecord, Located, Record
from indexer.sources.rest.access import basic, bearer
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.options import RestOptions, open_client
from indexer.sources.rest.paging import Page, Row, from_mark
from indexer.sources.servicenow_journal import Clock, entries
from indexer.sources.ticket_system import ApiSource, ExportSource, System, changed_tickets, listed, place_of, rows_in
from indexer.sources.tickets import Message, Ticket, html_text, moment, moment_or_none, person_id

_ROWS = 100
_RESOLVED, _CANCELLED = frozenset({"6", "7"}), frozenset({"8"})
_NO_ANSWERS = ("not solved", "duplicate", "closed/cancelled", "cancelled", "canceled")
_HTML = re.compile(r"\[code\](.*?)\[/code\]", re.DOTALL | re.IGNORECASE)
_TIMES = ("opened_at", "sys_created_on", "resolved_at", "sys_updated_on")


class ServiceNowOptions(RestOptions):
    """The options of ServiceNow."""

    user: str | None = Field(None, description="User name of the account whose password is used as the token.")
    table: str = Field("incident", pattern=r"^[a-z0-9_]+$", description="Table to read, such as incident.")
    condition: str | None = Field(None, description="Further condition as an encoded query, such as active=false.")
    resolved_states: tuple[str, ...] = Field((), description="Further values of state that are resolved, such as 3.")


OPTIONS = ServiceNowOptions


def open_source(name: str, options: ServiceNowOptions) -> Source:
    """The ServiceNow at an address, or an export of it. Raises SourceError when it cannot be used."""
    path = place_of(options.place)
    system = ServiceNow(name, options.timezone, options.place if path is None else "")
    system.resolved |= set(options.resolved_states)
    if path is not None:
        return ExportSource(path, system)
    form = basic(options.user) if options.user else bearer
    address = f"{options.place.rstrip('/')}/api/now/table"
    return ServiceNowApi(open_client(name, options, address, form), system, options.table, options.condition)


class ServiceNow(System):
    """Incidents and other tasks. `table` is named in links."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        super().__init__(name, zone, site)
        self.table = "incident"
        self.resolved = set(_RESOLVED)
        self._logins: dict[str, str] = {}
        self._parts: dict[str, Row] = {}

    def look(self, found: Exported) -> Iterator[str]:
        """Remember people, groups, entries of the journal, and the parts of a row that is in two tables."""
        for row in self._rows(found):
            identifier = value_of(row, "sys_id")
            if "user_name" in row:
                self._logins[value_of(row, "user_name")] = identifier
                self.add_person(identifier, value_of(row, "name"), value_of(row, "email"))
            elif "element_id" in row and "element" in row:
                self.messages[value_of(row, "element_id")][identifier] = row
            elif "default_assignee_value" in row or "include_members" in row:
                self.groups[identifier] = value_of(row, "name")
            elif found.table and _is_task(row):
                self._parts.setdefault(identifier, {}).update({name: held for name, held in row.items() if held})
        yield from ()

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """Incidents and other tasks."""
        for row in self._rows(found):
            if _is_task(row):
                yield value_of(row, "sys_id"), row

    def record(self, row: Row) -> Record:
        """The record of an incident."""
        identifier = value_of(row, "sys_id")
        row = {**row, **self._parts.get(identifier, {})}
        caller = self._person(row, "caller_id") or self._person(row, "opened_by")
        group = shown(row, "assignment_group") if _is_named(row, "assignment_group") else ""
        group = group or self.groups.get(value_of(row, "assignment_group"), "")
        state, code = value_of(row, "state") or value_of(row, "incident_state"), shown(row, "close_code").lower()
        is_inactive = value_of(row, "active").lower() == "false"
        ticket = Ticket(
            id=identifier,
            title=value_of(row, "short_description"),
            body=value_of(row, "description"),
            created_at=moment(value_of(row, "opened_at") or value_of(row, "sys_created_on")),
            messages=self._messages(identifier, row, caller),
            is_over=state in self.resolved or state in _CANCELLED or is_inactive,
            resolved_at=moment_or_none(value_of(row, "resolved_at") or value_of(row, "closed_at")),
            solution=_text(value_of(row, "close_notes")),
            is_answered=state not in _CANCELLED and not code.startswith(_NO_ANSWERS),
            asked_by=caller,
            reference=value_of(row, "number"),
            url=f"{self.site}/nav_to.do?uri={self.table}.do?sys_id={identifier}" if self.site else None,
            group=group or None,
            readers=(group,) if group else None,
            properties={
                "number": value_of(row, "number"),
                "priority": shown(row, "priority"),
                "category": shown(row, "category"),
                "parent": shown(row, "parent_incident") if _is_named(row, "parent_incident") else "",
            },
        )
        return ticket.record()

    def name_of(self, row: Row) -> str:
        """The number that people see."""
        return value_of(row, "number") or self.id_of(row)

    def id_of(self, row: Row) -> str:
        """The id of an incident."""
        return value_of(row, "sys_id")

    def changed_at(self, row: Row) -> datetime:
        """When an incident was changed."""
        return moment(value_of(row, "sys_updated_on"))

    def _messages(self, identifier: str, row: Row, caller: str | None) -> list[Message]:
        """The entries of the journal; else those of the texts that an export has in their place."""
        journal = self.messages_of(identifier)
        if journal:
            return [self._entry(entry, caller) for entry in journal if value_of(entry, "element") != "watch_list"]
        clock = Clock.of([(shown(row, name), value_of(row, name)) for name in _TIMES], self.zone)
        found: list[Message] = []
        for field, public in (("comments", True), ("work_notes", False)):
            for number, (time, name, text) in enumerate(entries(shown(row, field)), 1):
                author = self.add_person(name, name)
                own = name == shown(row, "caller_id")
                found.append(
                    Message(f"{field}-{number}", author, _text(text), clock.read(time), public, by_agent=not own)
                )
        return found

    def _entry(self, entry: Row, caller: str | None) -> Message:
        login = value_of(entry, "sys_created_by")
        author = person_id(self.name, self._logins.get(login)) or self.add_person(login, login)
        return Message(
            id=value_of(entry, "sys_id"),
            author=author,
            text=_text(value_of(entry, "value")),
            at=moment(value_of(entry, "sys_created_on")),
            public=value_of(entry, "element") == "comments",
            by_agent=author != caller,
        )

    def _person(self, row: Row, field: str) -> str | None:
        identifier = value_of(row, field)
        if identifier in self.names:
            return person_id(self.name, identifier)
        return self.add_person(identifier, shown(row, field) if _is_named(row, field) else "") if identifier else None

    def _rows(self, found: Exported) -> list[Row]:
        alone = [found.value] if isinstance(found.value, dict) and "sys_id" in found.value else []
        return rows_in(found, "result", "records") or alone


class ServiceNowApi(ApiSource):
    """The rows of a table that the account sees, and which were deleted, when it may read that."""

    abilities = Abilities(lists_all=True, since=True, deletions=True, audiences=True, people=True)

    def __init__(self, client: RestClient, system: ServiceNow, table: str, condition: str | None) -> None:
        super().__init__(client, system)
        self._system, self._condition = system, condition
        system.table = table

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """Incidents from a mark on, the deleted ones first, so that a mark never passes one of them."""
        if since:
            yield from self._deleted(from_mark(since))
        yield from changed_tickets(self._system, self._fetch, since, lambda _row: None, lag=timedelta(minutes=2))

    def _fetch(self, start: datetime, _number: int, before: int) -> Page:
        """A page of rows; what was written in them, and by whom, is asked for together."""
        wanted = f"{self._condition}^" if self._condition else ""
        query = f"{wanted}sys_updated_on>={_written(start)}^ORDERBYsys_updated_on^ORDERBYsys_id"
        answer = self._client.get(self._system.table, {**self._asked(query), "sysparm_offset": before})
        rows = listed(answer.value["result"])
        if rows:
            self._look_up(rows)
        total = answer.headers.get("x-total-count")
        return Page(rows, answer.server_time, before + len(rows) < int(total) if total else bool(rows))

    def _look_up(self, rows: list[Row]) -> None:
        identifiers = ",".join(value_of(row, "sys_id") for row in rows)
        self._system.messages.clear()
        journal = self._all(
            "sys_journal_field", f"element_idIN{identifiers}^elementINcomments,work_notes^ORDERBYsys_id"
        )
        people = {value_of(row, name) for row in rows for name in ("caller_id", "opened_by")}
        logins = {value_of(entry, "sys_created_by") for entry in journal}
        known = self._system.names
        ids, names = sorted(people - known.keys() - {""}), sorted(logins - {""})
        if ids or names:
            self._look(self._all("sys_user", f"sys_idIN{','.join(ids)}^ORuser_nameIN{','.join(names)}^ORDERBYsys_id"))
        self._look(journal)

    def _all(self, table: str, query: str) -> list[Row]:
        """All rows of a table; none when the account may not read it."""
        rows: list[Row] = []
        while True:
            found = self._client.find(table, {**self._asked(query), "sysparm_offset": len(rows)})
            page = found.value["result"] if found else []
            rows += page
            if len(page) < _ROWS:
                return rows

    def _look(self, rows: list[Row]) -> None:
        for _problem in self._system.look(Exported("", 1, {"result": rows})):
            pass

    def _deleted(self, start: datetime) -> Iterator[Located]:
        query = f"tablename={self._system.table}^sys_created_on>={_written(start)}^ORDERBYsys_created_on^ORDERBYsys_id"
        for row in self._all("sys_audit_delete", query):
            identifier = value_of(row, "documentkey")
            yield Located(f"deleted {identifier}", 0, DeletedRecord(type="request", id=identifier))

    def _asked(self, query: str) -> dict[str, str | int]:
        form = {"sysparm_display_value": "all", "sysparm_exclude_reference_link": "true"}
        return {"sysparm_query": query, "sysparm_limit": _ROWS, **form}


def value_of(row: Row, name: str) -> str:
    """The value of a field, in any of the forms in which it is given; empty when there is none."""
    held = row.get(name, row.get(f"{name}_value"))
    value = (
        held.get("value") or (held.get("display_value") if name not in _TIMES else "")
        if isinstance(held, dict)
        else held
    )
    return "" if value is None else str(value)


def shown(row: Row, name: str) -> str:
    """The value of a field as people see it."""
    held = row.get(name)
    return str(held.get("display_value") or "") if isinstance(held, dict) else value_of(row, name)


def _is_named(row: Row, name: str) -> bool:
    """True when a reference comes with the name of what it refers to."""
    return bool(shown(row, name)) and shown(row, name) != value_of(row, name)


def _is_task(row: Row) -> bool:
    return "sys_id" in row and ("short_description" in row or "incident_state" in row)


def _text(text: str) -> str:
    """Text in which HTML stands between marks."""
    return _HTML.sub(lambda found: html_text(found[1]), text).replace("\r\n", "\n")


def _written(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
