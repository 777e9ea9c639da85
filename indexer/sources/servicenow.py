"""ServiceNow: incidents and knowledge articles over its table interface, or from saved answers (JSON) and tables (CSV).

Every value is text, empty is "", and times are UTC without saying so. What people write is in a table of its own (the
journal); an export has it as one text in the language, form and time zone of whoever exported it.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import Field

from indexer.sources.exported import Exported
from indexer.sources.protocol import Abilities, Mark, Source
from indexer.sources.records import DeletedRecord, Located, Record
from indexer.sources.rest.access import basic, bearer
from indexer.sources.rest.client import Refused, RestClient
from indexer.sources.rest.options import RestOptions, open_client
from indexer.sources.rest.paging import Page, Row, from_mark
from indexer.sources.servicenow_fields import TIMES, is_named, shown, value_of, written
from indexer.sources.servicenow_journal import Clock, entries
from indexer.sources.servicenow_knowledge import TABLE, Knowledge
from indexer.sources.ticket_system import ApiSource, ExportSource, System, changed_tickets, listed, place_of, rows_in
from indexer.sources.tickets import Message, Ticket, moment, moment_or_none, person_id
from recommender.database.import_tables import digest

_ROWS = 100
_RESOLVED, _CANCELLED = frozenset({"6", "7"}), frozenset({"8"})
_NO_ANSWERS = ("not solved", "duplicate", "closed/cancelled", "cancelled", "canceled")


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
    """Incidents and other tasks, and knowledge articles. `table` is named in links."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        super().__init__(name, zone, site)
        self.table = "incident"
        self.knowledge = Knowledge()
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
        """Incidents and other tasks, and articles."""
        for row in self._rows(found):
            if Knowledge.is_article(row):
                yield f"article {value_of(row, 'sys_id')}", row
            elif _is_task(row):
                yield value_of(row, "sys_id"), row

    def record(self, row: Row) -> Record:
        """The record of an incident or a knowledge article."""
        if Knowledge.is_article(row):
            return self.knowledge.record(row, self._person(row, "author"), self.site)
        identifier = value_of(row, "sys_id")
        row = {**row, **self._parts.get(identifier, {})}
        caller = self._person(row, "caller_id") or self._person(row, "opened_by")
        group = shown(row, "assignment_group") if is_named(row, "assignment_group") else ""
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
            solution=written(value_of(row, "close_notes")),
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
                "parent": shown(row, "parent_incident") if is_named(row, "parent_incident") else "",
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
        clock = Clock.of([(shown(row, name), value_of(row, name)) for name in TIMES], self.zone)
        found: list[Message] = []
        for field, public in (("comments", True), ("work_notes", False)):
            for number, (time, name, text) in enumerate(entries(shown(row, field)), 1):
                author = self.add_person(name, name)
                own = name == shown(row, "caller_id")
                found.append(
                    Message(f"{field}-{number}", author, written(text), clock.read(time), public, by_agent=not own)
                )
        return found

    def _entry(self, entry: Row, caller: str | None) -> Message:
        login = value_of(entry, "sys_created_by")
        author = person_id(self.name, self._logins.get(login)) or self.add_person(login, login)
        return Message(
            id=value_of(entry, "sys_id"),
            author=author,
            text=written(value_of(entry, "value")),
            at=moment(value_of(entry, "sys_created_on")),
            public=value_of(entry, "element") == "comments",
            by_agent=author != caller,
        )

    def _person(self, row: Row, field: str) -> str | None:
        identifier = value_of(row, field)
        if identifier in self.names:
            return person_id(self.name, identifier)
        return self.add_person(identifier, shown(row, field) if is_named(row, field) else "") if identifier else None

    def _rows(self, found: Exported) -> list[Row]:
        alone = [found.value] if isinstance(found.value, dict) and "sys_id" in found.value else []
        return rows_in(found, "result", "records") or alone


class ServiceNowApi(ApiSource):
    """The knowledge articles and the rows of a table that the account sees, and which were deleted, when it may read
    that."""

    abilities = Abilities(lists_all=True, since=True, deletions=True, audiences=True, people=True)

    def __init__(self, client: RestClient, system: ServiceNow, table: str, condition: str | None) -> None:
        super().__init__(client, system)
        self._system, self._tasks, self._condition = system, table, condition
        system.table = table

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """Articles and incidents from a mark on, the deleted ones first, so that a mark never passes one of them.

        A mark has the time up to which each table was read, and the criteria of who may read articles then: when these
        have changed, all articles are read again.
        """
        marks: dict[str, str] = json.loads(since) if since and since.startswith("{") else {self._tasks: since or ""}
        if self._may_read(TABLE):
            criteria = digest(self._system.knowledge.look(self._all))
            start = marks.get(TABLE) if marks.get("criteria") == criteria else None
            for each in self._table(TABLE, start, ""):
                yield _marked(each, marks, {"criteria": criteria}, TABLE)
        if self._tasks != TABLE:
            condition = f"{self._condition}^" if self._condition else ""
            for each in self._table(self._tasks, marks.get(self._tasks), condition):
                yield _marked(each, marks, {}, self._tasks)

    def _table(self, table: str, since: str | None, condition: str) -> Iterator[Located | Mark]:
        """The rows of a table from a mark on, the deleted ones first."""
        if since:
            yield from self._deleted(table, from_mark(since))

        def fetch(start: datetime, _number: int, before: int) -> Page:
            """A page of rows; what was written in them, and by whom, is asked for together. Rows that the account may
            not see are left out of a page, which may then be empty with others behind it."""
            query = f"{condition}sys_updated_on>={_written(start)}^ORDERBYsys_updated_on^ORDERBYsys_id"
            while True:
                answer = self._client.get(table, {**self._asked(query), "sysparm_offset": before})
                rows, total = listed(answer.value["result"]), int(answer.headers.get("x-total-count") or 0)
                if rows or before + _ROWS >= total:
                    break
                before += _ROWS
            if rows:
                self._look_up(rows)
            return Page(rows, answer.server_time, before + len(rows) < total if total else bool(rows))

        yield from changed_tickets(self._system, fetch, since, lambda _row: None, lag=timedelta(minutes=2))

    def _look_up(self, rows: list[Row]) -> None:
        identifiers = ",".join(value_of(row, "sys_id") for row in rows)
        self._system.messages.clear()
        journal = self._all(
            "sys_journal_field", f"element_idIN{identifiers}^elementINcomments,work_notes^ORDERBYsys_id"
        )
        people = {value_of(row, name) for row in rows for name in ("caller_id", "opened_by", "author")}
        logins = {value_of(entry, "sys_created_by") for entry in journal}
        known = self._system.names
        ids, names = sorted(people - known.keys() - {""}), sorted(logins - {""})
        if ids or names:
            self._look(self._all("sys_user", f"sys_idIN{','.join(ids)}^ORuser_nameIN{','.join(names)}^ORDERBYsys_id"))
        self._look(journal)

    def _all(self, table: str, query: str) -> list[Row]:
        """All rows of a table; none when the account may not read it."""
        rows: list[Row] = []
        offset, total = 0, 1
        while offset < total:
            found = self._client.find(table, {**self._asked(query), "sysparm_offset": offset})
            if found is None:
                break
            rows += found.value["result"]
            offset, full = offset + _ROWS, len(found.value["result"]) == _ROWS
            total = int(found.headers.get("x-total-count") or offset + full)
        return rows

    def _may_read(self, table: str) -> bool:
        """False when there is no such table, or the account may not read it."""
        try:
            return self._client.find(table, {**self._asked("ORDERBYsys_id"), "sysparm_limit": 1}) is not None
        except Refused as error:
            if error.status == 400:  # how an unknown table is answered
                return False
            raise

    def _look(self, rows: list[Row]) -> None:
        for _problem in self._system.look(Exported("", 1, {"result": rows})):
            pass

    def _deleted(self, table: str, start: datetime) -> Iterator[Located]:
        query = f"tablename={table}^sys_created_on>={_written(start)}^ORDERBYsys_created_on^ORDERBYsys_id"
        for row in self._all("sys_audit_delete", query):
            identifier = value_of(row, "documentkey")
            record = DeletedRecord(type="document" if table == TABLE else "request", id=identifier)
            yield Located(f"deleted {identifier}", 0, record)

    def _asked(self, query: str) -> dict[str, str | int]:
        form = {"sysparm_display_value": "all", "sysparm_exclude_reference_link": "true"}
        return {"sysparm_query": query, "sysparm_limit": _ROWS, **form}


def _marked(each: Located | Mark, marks: dict[str, str], more: dict[str, str], table: str) -> Located | Mark:
    """What was read; in place of the mark of a table that of all tables, in which it is noted."""
    if isinstance(each, Located):
        return each
    marks |= {table: each.value, **more}
    return Mark(json.dumps(marks))


def _is_task(row: Row) -> bool:
    return "sys_id" in row and ("short_description" in row or "incident_state" in row)


def _written(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
