"""Issues of GitLab: over its REST interface, or from saved answers (JSON)."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from pydantic import Field

from indexer.sources.exported import Exported
from indexer.sources.protocol import Mark, Source
from indexer.sources.records import Located, Record
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.options import RestOptions, open_client
from indexer.sources.rest.paging import Page, Row
from indexer.sources.ticket_system import ApiSource, ExportSource, System, changed_tickets, listed, place_of, text_of
from indexer.sources.tickets import Message, Ticket, moment, moment_or_none
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_ROWS = 100
_ADDRESS = re.compile(r"^(?:https?://[^/]+/)?(?P<project>.+?)/(?:-/)?(?:issues|work_items)/(?P<number>\d+)")
_BOT = re.compile(r"^(?:project|group)_\d+_bot|-bot$|^(?:ghost|support-bot|alert-bot)$")


class GitLabOptions(RestOptions):
    """The options of GitLab."""

    projects: tuple[str, ...] = Field((), description="Projects to read, as group/name or by number.")


OPTIONS = GitLabOptions


def open_source(name: str, options: GitLabOptions) -> Source:
    """The GitLab at an address, or saved answers of it. Raises SourceError when it cannot be used."""
    path, system = place_of(options.place), GitLab(name, options.timezone)
    if path is not None:
        return ExportSource(path, system)
    if not options.projects:
        raise SourceError(
            Sentence("%(name)s: there is no project to read. Name one as group/name with --projects.", name=name)
        )
    return GitLabApi(client_of(name, options), system, options.projects)


def client_of(name: str, options: GitLabOptions) -> RestClient:
    """A client for the GitLab at an address."""
    return open_client(name, options, f"{options.place.rstrip('/')}/api/v4", str, "PRIVATE-TOKEN")


class GitLab(System):
    """Issues and their notes. `visibility` of projects is `public`, `internal` (all who are signed in) or `private`."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        super().__init__(name, zone, site)
        self.visibility: dict[str, str] = {}

    def look(self, found: Exported) -> Iterator[str]:
        """Remember notes, people, and who may read a project."""
        row = found.value if isinstance(found.value, dict) else {}
        if "noteable_type" in row and "body" in row:
            self.messages[f"{text_of(row, 'project_id')}#{text_of(row, 'noteable_iid')}"][text_of(row, "id")] = row
        elif "path_with_namespace" in row:
            is_for_members = text_of(row, "issues_access_level") == "private"  # also when all may read the code
            self.visibility[text_of(row, "path_with_namespace")] = "" if is_for_members else text_of(row, "visibility")
        self._person(row.get("author"))
        yield from ()

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """Issues."""
        row = found.value
        if isinstance(row, dict) and {"iid", "title", "state"} <= row.keys() and "source_branch" not in row:
            yield self.key(row), row

    def record(self, row: Row) -> Record:
        """The record of an issue."""
        author, found = self._person(row.get("author")), _ADDRESS.match(text_of(row, "web_url"))
        project = found["project"] if found else text_of(row, "project_id")
        notes = [each for each in self.messages_of(self.key(row), f"#{_number(row)}") if each.get("system") is not True]
        moved = text_of(row, "moved_to_id")
        ticket = Ticket(
            id=text_of(row, "id"),
            title=text_of(row, "title"),
            body=text_of(row, "description").replace("\r\n", "\n"),
            created_at=moment(row["created_at"], self.zone),
            messages=[self._message(each, author) for each in notes],
            is_over=text_of(row, "state") == "closed",
            resolved_at=moment_or_none(row.get("closed_at"), self.zone),
            is_answered=not moved,
            asked_by=author,
            reference=f"{project}#{text_of(row, 'iid')}",
            tags=[text_of({"label": label}, "label") or text_of(label, "name") for label in row.get("labels") or ()],
            url=text_of(row, "web_url") or None,
            group=project or None,
            readers=self._readers(project, row.get("confidential") is True),
            merged_into=moved or None,
            properties={"number": text_of(row, "iid"), "milestone": text_of(row, "milestone", "title")},
        )
        return ticket.record()

    def name_of(self, row: Row) -> str:
        """The number that people see."""
        return f"issue {_number(row)}"

    def key(self, row: Row) -> str:
        """The name under which the notes of an issue are kept; older notes do not say in which project they are."""
        return f"{text_of(row, 'project_id')}#{_number(row)}"

    def _readers(self, project: str, is_confidential: bool) -> tuple[str, ...] | None:
        if is_confidential:
            return (f"{project} (confidential)",)
        return {"public": ("public",), "internal": ("internal",)}.get(self.visibility.get(project, ""), (project,))

    def _message(self, note: Row, asker: str | None) -> Message:
        author = self._person(note.get("author"))
        return Message(
            id=text_of(note, "id"),
            author=author,
            text=text_of(note, "body").replace("\r\n", "\n"),
            at=moment(note["created_at"], self.zone),
            public=note.get("internal") is not True and note.get("confidential") is not True,
            by_agent=author is not None and author != asker and not _is_bot(note.get("author")),
        )

    def _person(self, user: object) -> str | None:
        identifier, name = text_of(user, "id"), text_of(user, "name") or text_of(user, "username")
        return self.add_person(identifier, name, text_of(user, "public_email"), _is_bot(user)) if identifier else None


class GitLabApi(ApiSource):
    """The issues of some projects. A mark has the time up to which each of them was read, and who could read it then:
    when that has changed, all of its issues are read again."""

    def __init__(self, client: RestClient, system: GitLab, projects: tuple[str, ...]) -> None:
        super().__init__(client, system)
        self._system, self._projects = system, projects

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """Issues from a mark on, one project after the other."""
        marks: dict[str, list[str]] = json.loads(since or "{}")
        for project in self._projects:
            path = f"projects/{quote(project, safe='')}"
            answer = self._client.get(path)
            for _problem in self._system.look(Exported("", 1, answer.value)):
                pass
            name = text_of(answer.value, "path_with_namespace")
            readers, before = self._system.visibility.get(name, ""), marks.get(project, ["", ""])
            for each in self._issues(path, before[0] if before[1] == readers else None):
                if isinstance(each, Mark):
                    marks[project] = [each.value, readers]
                    yield Mark(json.dumps(marks))
                else:
                    yield each

    def _issues(self, path: str, since: str | None) -> Iterator[Located | Mark]:
        def fetch(start: datetime, number: int, _before: int) -> Page:
            order: dict[str, str | int] = {"order_by": "updated_at", "sort": "asc", "state": "all", "scope": "all"}
            params = {"updated_after": f"{start:%Y-%m-%dT%H:%M:%SZ}", "per_page": _ROWS, "page": number + 1, **order}
            answer = self._client.get(f"{path}/issues", params)
            return Page(listed(answer.value), answer.server_time, bool(answer.headers.get("x-next-page")))

        def complete(row: Row) -> None:
            notes = self._system.messages[self._system.key(row)]
            notes.clear()
            if row.get("user_notes_count") == 0:
                return
            page: str | None = "1"
            while page:
                params: dict[str, str | int] = {"per_page": _ROWS, "page": page, "sort": "asc"}
                answer = self._client.find(f"{path}/issues/{row['iid']}/notes", params)
                notes |= {text_of(each, "id"): each for each in answer.value} if answer else {}
                page = answer.headers.get("x-next-page") if answer else None

        yield from changed_tickets(self._system, fetch, since, complete, lag=timedelta(minutes=2))


def _number(row: Row) -> str:
    """The number that people see, which the address has too."""
    found = _ADDRESS.match(text_of(row, "web_url"))
    return found["number"] if found else text_of(row, "iid")


def _is_bot(user: object) -> bool:
    return bool(_BOT.search(text_of(user, "username"))) or (isinstance(user, dict) and user.get("bot") is True)
