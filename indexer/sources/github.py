"""Issues of GitHub: over its REST interface, or from saved answers (JSON). Pull requests are left out."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

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
_NO_ANSWERS = frozenset({"not_planned", "duplicate"})


class GitHubOptions(RestOptions):
    """The options of GitHub."""

    repositories: tuple[str, ...] = Field((), description="Repositories to read, as owner/name.")


OPTIONS = GitHubOptions


def open_source(name: str, options: GitHubOptions) -> Source:
    """The GitHub at an address, or saved answers of it. Raises SourceError when it cannot be used."""
    path, system = place_of(options.place), GitHub(name, options.timezone)
    if path is not None:
        return ExportSource(path, system)
    _address, repositories = _interface(options.place, options.repositories)
    if not repositories:
        raise SourceError(
            Sentence("%(name)s: there is no repository to read. Name one as owner/name with --repositories.", name=name)
        )
    return GitHubApi(client_of(name, options), system, repositories)


def client_of(name: str, options: GitHubOptions) -> RestClient:
    """A client for the GitHub at an address."""
    return open_client(name, options, _interface(options.place, options.repositories)[0])


def _interface(place: str, repositories: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """(address of the interface, repositories) of an address, which may be that of one repository."""
    parts = urlsplit(place.rstrip("/"))
    if parts.hostname in ("github.com", "www.github.com"):
        own = "/".join(parts.path.strip("/").split("/")[:2])
        return "https://api.github.com", repositories or ((own,) if "/" in own else ())
    return place, repositories


class GitHub(System):
    """Issues and their comments. `public` are the repositories that everybody may read."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        super().__init__(name, zone, site)
        self.public: set[str] = set()

    def look(self, found: Exported) -> Iterator[str]:
        """Remember comments, people, and which repositories are public."""
        row = found.value if isinstance(found.value, dict) else {}
        if "issue_url" in row and "body" in row:
            self.messages[_key(text_of(row, "issue_url"))][text_of(row, "id")] = row
        elif "full_name" in row and row.get("private") is False:
            self.public.add(text_of(row, "full_name").lower())
        self._person(row.get("user"))
        if "login" in row and "name" in row:
            self.add_person(row["login"], row.get("name") or row["login"], row.get("email"))
        yield from ()

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """Issues, and no pull requests."""
        row = found.value
        if isinstance(row, dict) and {"number", "title", "state"} <= row.keys() and not row.get("pull_request"):
            yield _key(text_of(row, "url")), row

    def record(self, row: Row) -> Record | None:
        """The record of an issue; None for a pull request."""
        if row.get("pull_request"):
            return None
        repository, author = _repository(text_of(row, "url")), self._person(row.get("user"))
        is_public = repository.lower() in self.public
        reason = text_of(row, "state_reason")
        ticket = Ticket(
            id=text_of(row, "id"),
            title=text_of(row, "title"),
            body=text_of(row, "body").replace("\r\n", "\n"),
            created_at=moment(row["created_at"], self.zone),
            messages=[self._message(each, author) for each in self.messages_of(_key(text_of(row, "url")))],
            is_over=text_of(row, "state") == "closed",
            resolved_at=moment_or_none(row.get("closed_at"), self.zone),
            is_answered=reason not in _NO_ANSWERS,
            asked_by=author,
            reference=f"{repository}#{text_of(row, 'number')}",
            tags=[text_of(label, "name") or text_of({"label": label}, "label") for label in row.get("labels") or ()],
            url=text_of(row, "html_url") or None,
            group=repository or None,
            readers=("public",) if is_public else (repository,) if repository else None,
            properties={"number": row.get("number"), "reason": reason, "milestone": text_of(row, "milestone", "title")},
        )
        return ticket.record()

    def name_of(self, row: Row) -> str:
        """The repository and the number that people see."""
        return _key(text_of(row, "url"))

    def _message(self, comment: Row, asker: str | None) -> Message:
        author = self._person(comment.get("user"))
        thumbs = text_of(comment, "reactions", "+1")
        return Message(
            id=text_of(comment, "id"),
            author=author,
            text=text_of(comment, "body").replace("\r\n", "\n"),
            at=moment(comment["created_at"], self.zone),
            by_agent=author is not None and author != asker and not _is_bot(comment.get("user")),
            score=int(thumbs or 0),
        )

    def _person(self, user: object) -> str | None:
        """The handle of a person; None when they were deleted."""
        login = text_of(user, "login")
        return self.add_person(login, text_of(user, "name") or login, "", _is_bot(user)) if login else None


class GitHubApi(ApiSource):
    """The issues of some repositories. A mark has the time up to which each of them was read, and whether everybody
    could read it then: when that has changed, all of its issues are read again."""

    def __init__(self, client: RestClient, system: GitHub, repositories: tuple[str, ...]) -> None:
        super().__init__(client, system)
        self._system, self._repositories = system, repositories

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """Issues from a mark on, one repository after the other."""
        marks: dict[str, list[str]] = json.loads(since or "{}")
        for repository in self._repositories:
            answer = self._client.get(f"repos/{repository}")
            for _problem in self._system.look(Exported("", 1, answer.value)):
                pass
            readers = "private" if answer.value.get("private") is not False else "public"
            before = marks.get(repository, ["", ""])
            for each in self._issues(repository, before[0] if before[1] == readers else None):
                if isinstance(each, Mark):
                    marks[repository] = [each.value, readers]
                    yield Mark(json.dumps(marks))
                else:
                    yield each

    def _issues(self, repository: str, since: str | None) -> Iterator[Located | Mark]:
        def fetch(start: datetime, number: int, _before: int) -> Page:
            order: dict[str, str | int] = {"state": "all", "sort": "updated", "direction": "asc"}
            params = {"since": f"{start:%Y-%m-%dT%H:%M:%SZ}", "per_page": _ROWS, "page": number + 1, **order}
            answer = self._client.get(f"repos/{repository}/issues", params)
            return Page(listed(answer.value), answer.server_time, answer.next_page is not None)

        def complete(row: Row) -> None:
            address: str | None = f"repos/{repository}/issues/{row['number']}/comments?per_page={_ROWS}"
            if row.get("pull_request") or not row.get("comments"):
                return
            comments = self._system.messages[_key(text_of(row, "url"))]
            comments.clear()
            while address:
                answer = self._client.find(address)
                comments |= {text_of(each, "id"): each for each in answer.value} if answer else {}
                address = answer.next_page if answer else None

        yield from changed_tickets(self._system, fetch, since, complete, lag=timedelta(minutes=2))


def _repository(address: str) -> str:
    """`owner/name` in the address of an issue."""
    return "/".join(address.partition("/repos/")[2].split("/")[:2])


def _key(address: str) -> str:
    """A name that no other issue has: `owner/name#17`."""
    return f"{_repository(address)}#{address.rpartition('/issues/')[2].partition('/')[0]}"


def _is_bot(user: object) -> bool:
    return text_of(user, "type") == "Bot" or text_of(user, "login").endswith("[bot]")
