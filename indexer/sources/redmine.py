"""Issues of Redmine: over its REST interface, or from saved answers (JSON)."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from indexer.sources.exported import Exported
from indexer.sources.protocol import Mark, Source
from indexer.sources.records import Located, Record
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.options import RestOptions, open_client
from indexer.sources.rest.paging import Page, Row
from indexer.sources.ticket_system import (
    ApiSource,
    ExportSource,
    System,
    changed_tickets,
    listed,
    place_of,
    rows_in,
    text_of,
)
from indexer.sources.tickets import Message, Ticket, html_text, moment, moment_or_none, person_id

_ROWS = 100
_PUBLIC = "public projects"
"""The readers of what is in a public project."""


class RedmineOptions(RestOptions):
    """The options of Redmine."""

    projects: tuple[str, ...] = Field(
        (), description="Projects to read, by identifier; all that the account sees without."
    )
    markup: Literal["markdown", "textile"] = Field("markdown", description="How texts are formatted there.")


OPTIONS = RedmineOptions


def open_source(name: str, options: RedmineOptions) -> Source:
    """The Redmine at an address, or saved answers of it. Raises SourceError when it cannot be used."""
    path = place_of(options.place)
    system = Redmine(name, options.timezone, options.place if path is None else "")
    system.is_textile = options.markup == "textile"
    if path is not None:
        return ExportSource(path, system)
    return RedmineApi(open_client(name, options, options.place, str, "X-Redmine-API-Key"), system, options.projects)


class Redmine(System):
    """Issues and their journals. `closed` are the ids of states that count as closed; without them the time of closing
    says it. `public` are the ids of public projects: who may read their issues is said by the role of those who are no
    members, of which the interface tells too little, so a rule has to say it."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        super().__init__(name, zone, site)
        self.is_textile = False
        self.closed: dict[str, bool] = {}
        self.public: set[str] = set()

    def look(self, found: Exported) -> Iterator[str]:
        """Remember people, states, and which projects are public."""
        for row in rows_in(found, "issue_statuses"):
            self.closed[text_of(row, "id")] = row.get("is_closed") is True
        for row in (*rows_in(found, "projects"), *rows_in(found, "project")):
            if row.get("is_public") is True:
                self.public.add(text_of(row, "id"))
        for row in (*rows_in(found, "users"), *rows_in(found, "user")):
            name = f"{text_of(row, 'firstname')} {text_of(row, 'lastname')}"
            self.add_person(row.get("id"), name, row.get("mail"))
        for _key, row in self.items(found):
            for user in (row.get("author"), *(text.get("user") for text in row.get("journals") or ())):
                self._person(user)
        yield from ()

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """Issues: of a list, or alone with their journals."""
        for row in (*rows_in(found, "issues"), *rows_in(found, "issue")):
            if "tracker" in row or "subject" in row:
                yield text_of(row, "id"), row

    def record(self, row: Row) -> Record:
        """The record of an issue."""
        identifier, project = text_of(row, "id"), text_of(row, "project", "name")
        state, author = text_of(row, "status", "id"), self._person(row.get("author"))
        is_over = self.closed.get(state, _seems_closed(row))
        ticket = Ticket(
            id=identifier,
            title=text_of(row, "subject"),
            body=self._text(text_of(row, "description")),
            created_at=moment(row["created_on"], self.zone),
            messages=[
                self._message(journal) for journal in row.get("journals") or () if text_of(journal, "notes").strip()
            ],
            is_over=is_over,
            resolved_at=moment_or_none(row.get("closed_on"), self.zone),
            asked_by=author,
            tags=[text_of(row, "category", "name")],
            url=f"{self.site}/issues/{identifier}" if self.site else None,
            group=project or None,
            readers=self._readers(row, project),
            attachments=[text_of(file, "filename") for file in row.get("attachments") or ()],
            properties={
                "tracker": text_of(row, "tracker", "name"),
                "priority": text_of(row, "priority", "name"),
                "version": text_of(row, "fixed_version", "name"),
            },
        )
        return ticket.record()

    def changed_at(self, row: Row) -> datetime:
        """When an issue was changed."""
        return moment(row["updated_on"], self.zone)

    def _readers(self, row: Row, project: str) -> tuple[str, ...] | None:
        if row.get("is_private") is not False:  # an old Redmine does not say it
            return (f"{project} (private issues)",)
        if text_of(row, "project", "id") in self.public:
            return (_PUBLIC,)
        return (project,) if project else None

    def _message(self, journal: Row) -> Message:
        return Message(
            id=text_of(journal, "id"),
            author=self._person(journal.get("user")),
            text=self._text(text_of(journal, "notes")),
            at=moment(journal["created_on"], self.zone),
            public=journal.get("private_notes") is not True,
            by_agent=True,  # whoever wrote last before an issue was closed said how it ended, also its author
        )

    def _person(self, user: object) -> str | None:
        identifier = text_of(user, "id")
        if identifier in self.names:
            return person_id(self.name, identifier)
        return self.add_person(identifier, text_of(user, "name")) if identifier else None

    def _text(self, text: str) -> str:
        if not self.is_textile or not text:
            return text.replace("\r\n", "\n")
        from textile import textile

        return html_text(textile(text))


class RedmineApi(ApiSource):
    """The issues that the account of the key sees, of one project after the other when some are named, since Redmine
    answers for one only. A mark has the time up to which each of them was read, and which projects were public then:
    when that has changed, all issues are read again."""

    def __init__(self, client: RestClient, system: Redmine, projects: tuple[str, ...]) -> None:
        super().__init__(client, system)
        self._system, self._projects = system, projects

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """Issues from a mark on."""
        self._look_at_all("issue_statuses.json")
        self._look_at_all("projects.json")
        known = json.loads(since or "{}")
        marks: dict[str, list[Any]] = known if isinstance(known, dict) else {}  # an older mark was a list
        public = sorted(self._system.public)
        for project in self._projects or ("",):
            time, public_then = marks.get(project, ["", []])
            for each in self._issues(project, time if public_then == public else None):
                if isinstance(each, Mark):
                    marks[project] = [each.value, public]
                    yield Mark(json.dumps(marks))
                else:
                    yield each

    def _issues(self, project: str, since: str | None) -> Iterator[Located | Mark]:
        def fetch(start: datetime, _number: int, before: int) -> Page:
            params: dict[str, str | int] = {"status_id": "*", "sort": "updated_on,id", "limit": _ROWS, "offset": before}
            params["updated_on"] = f">={start:%Y-%m-%dT%H:%M:%SZ}"
            if project:
                params["project_id"] = project
            answer = self._client.get("issues.json", params)
            rows = listed(answer.value["issues"])
            return Page(rows, answer.server_time, before + len(rows) < int(answer.value["total_count"]))

        yield from changed_tickets(self._system, fetch, since, self._complete, lag=timedelta(minutes=2))

    def _look_at_all(self, path: str) -> None:
        """Remember what all pages of a list have."""
        before, total = 0, 1
        while before < total:
            found = self._client.find(path, {"limit": _ROWS, "offset": before})
            for _problem in self._system.look(Exported("", 1, found.value)) if found else ():
                pass
            total = int(found.value.get("total_count") or 0) if found else 0
            before += int(found.value.get("limit") or _ROWS) if found else 0

    def _complete(self, row: Row) -> None:
        """Fetch the journals, which a list leaves out."""
        found = self._client.find(f"issues/{row['id']}.json", {"include": "journals,attachments"})
        if found:
            updated = row["updated_on"]
            row.update(found.value["issue"])
            row["updated_on"] = updated  # the mark must not pass what changed between the list and now


def _seems_closed(row: Row) -> bool:
    """Whether an issue is closed where the states are not known: it was closed, and its state did not change since."""
    status, closed = row.get("status"), text_of(row, "closed_on")
    if isinstance(status, dict) and isinstance(status.get("is_closed"), bool):
        return bool(status["is_closed"])
    later = [journal for journal in row.get("journals") or () if text_of(journal, "created_on") > closed]
    changes = [change for journal in later for change in journal.get("details") or ()]
    return bool(closed) and not any(text_of(change, "name") == "status_id" for change in changes)
