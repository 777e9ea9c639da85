"""The fields of a Jira issue, as the interface gives them; the readers of exports make the same fields."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from indexer.sources.exported import Exported
from indexer.sources.jira.tables import Tables
from indexer.sources.records import Record
from indexer.sources.rest.paging import Row
from indexer.sources.ticket_system import System, rows_in, text_of
from indexer.sources.tickets import Message, Ticket, html_text, moment, moment_or_none
from indexer.texts.adf import from_adf
from indexer.texts.jira_markup import from_jira_markup

_DONE = "done"
_NO_ANSWER_NAMES = """
duplicate|won't do|won't fix|wontfix|cannot reproduce|declined|incomplete|rejected|not a bug|invalid|withdrawn|canceled
|cancelled|known error|kaksoiskappale|hylätty|peruttu|ei toteuteta|ei tehdä
"""
_NO_ANSWERS = frozenset(name.strip() for name in _NO_ANSWER_NAMES.split("|"))
"""Resolutions that are no answer, in lower case."""
_DELETED_USER = "former user"


class Jira(System):
    """Issues. `solution` is the field that says how an issue was solved, if the site has one."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "", solution: str = "") -> None:
        super().__init__(name, zone, site)
        self._solution, self._tables = solution, Tables()
        self.no_answers = set(_NO_ANSWERS)

    def look(self, found: Exported) -> Iterator[str]:
        """Remember comments that are in files of their own, and the people in issues."""
        for comment in rows_in(found, "comments"):
            issue = text_of(comment, "self").partition("/issue/")[2].partition("/")[0]
            if issue:
                self.messages[issue][text_of(comment, "id")] = comment
            else:
                yield "a comment does not say of which issue it is"
        if found.table:
            self._tables.look(found.value)
            if (row := self._tables.comment(found.value)) is not None:
                self.messages[text_of(row, "issue_id")][text_of(row, "id")] = row
        for _key, item in self.items(found):
            self._look_at_people(item)

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """Issues: of a search, alone, or as entries of a list."""
        several = rows_in(found, "issues")
        row = self._tables.issue(found.value) if found.table else found.value
        alone = [row] if isinstance(row, dict) and "fields" in row else []
        for issue in several or alone:
            if isinstance(issue.get("fields"), dict):
                yield text_of(issue, "id") or text_of(issue, "key"), issue

    def name_of(self, row: Row) -> str:
        """The key that people see."""
        return text_of(row, "key") or f"issue {self.id_of(row)}"

    def record(self, row: Row) -> Record:
        """The record of an issue."""
        fields: Row = row["fields"]
        identifier, key = text_of(row, "id") or text_of(row, "key"), text_of(row, "key")
        resolution, project = text_of(fields, "resolution", "name"), text_of(fields, "project", "key")
        security = text_of(fields, "security", "name")
        original, reporter = self._original(fields, resolution), self._person(fields.get("reporter"))
        is_over = text_of(fields, "status", "statusCategory", "key").lower() == _DONE
        self._person(fields.get("assignee"))
        ticket = Ticket(
            id=identifier,
            title=text_of(fields, "summary"),
            reference=key,
            body=self._text(fields.get("description")),
            created_at=moment(fields["created"], self.zone),
            messages=self._messages(identifier, fields, reporter),
            is_over=is_over,
            resolved_at=moment_or_none(fields.get("resolutiondate"), self.zone),
            solution=self._text(fields.get(self._solution)) if self._solution else "",
            is_answered=resolution.lower() not in self.no_answers,
            asked_by=reporter,
            tags=[*(fields.get("labels") or ()), *(text_of(each, "name") for each in fields.get("components") or ())],
            url=self._link(row, key),
            group=project or None,
            readers=self._readers(row, project, security),
            merged_into=original,
            attachments=[text_of(each, "filename") for each in fields.get("attachment") or ()],
            properties={
                "key": key,
                "type": text_of(fields, "issuetype", "name"),
                "priority": text_of(fields, "priority", "name"),
                "resolution": resolution,
            },
        )
        return ticket.record()

    def changed_at(self, row: Row) -> datetime:
        """When an issue was changed."""
        return moment(row["fields"]["updated"], self.zone)

    def _messages(self, identifier: str, fields: Row, reporter: str | None) -> list[Message]:
        inside = fields.get("comment")
        comments = inside.get("comments") if isinstance(inside, dict) else None
        found = {text_of(each, "id"): each for each in comments or () if isinstance(each, dict)}
        found.update({text_of(each, "id"): each for each in self.messages_of(identifier)})
        return [self._message(comment, reporter) for comment in found.values()]

    def _message(self, comment: Row, reporter: str | None) -> Message:
        user = comment.get("author") or self._tables.person(text_of(comment, "author_id"))
        author = self._person(user)
        return Message(
            id=text_of(comment, "id"),
            author=author,
            text=self._text(comment.get("body")),
            at=moment(comment["created"], self.zone),
            public=is_public(comment),
            by_agent=author is not None and author != reporter and not _is_app(user),
        )

    def _readers(self, row: Row, project: str, security: str) -> tuple[str, ...] | None:
        if security or not project:
            return (security,) if security else None
        return (f"{project} with internal comments",) if row.get("unmarked_comments") else (project,)

    def _original(self, fields: Row, resolution: str) -> str | None:
        """The id of the issue that this one repeats, when it was closed for that."""
        if resolution.lower() not in self.no_answers:
            return None
        for link in fields.get("issuelinks") or ():
            is_duplicate = "duplicate" in text_of(link, "type", "name").lower()
            if is_duplicate and (original := text_of(link, "outwardIssue", "id")):
                return original
        return None

    def _person(self, user: Any) -> str | None:
        foreign = text_of(user, "accountId") or text_of(user, "key") or text_of(user, "name")
        name = text_of(user, "displayName")
        if not foreign:
            return None
        shown = "" if name.lower().startswith(_DELETED_USER) else name
        return self.add_person(foreign, shown, text_of(user, "emailAddress"), _is_app(user))

    def _look_at_people(self, issue: Row) -> None:
        fields = issue["fields"]
        inside = fields.get("comment")
        comments = inside.get("comments") if isinstance(inside, dict) else None
        for user in (
            fields.get("reporter"),
            fields.get("assignee"),
            *(comment.get("author") for comment in comments or ()),
        ):
            self._person(user)

    def _text(self, value: Any) -> str:
        """Text of an Atlassian document, of HTML (in an export) or of wiki markup."""
        if isinstance(value, dict) and "html" in value:
            return html_text(value["html"])
        if isinstance(value, dict):
            return from_adf(value)
        return from_jira_markup(str(value), self.names) if value else ""

    def _link(self, row: Row, key: str) -> str | None:
        if text_of(row, "link"):
            return text_of(row, "link")
        site = self.site or text_of(row, "self").partition("/rest/")[0]
        return f"{site}/browse/{key}" if site and key else None


def is_public(comment: Row) -> bool:
    """False for a comment that is internal to a service project, or limited to a role or group."""
    if comment.get("jsdPublic") is False or comment.get("visibility"):
        return False
    properties = comment.get("properties")
    for each in properties if isinstance(properties, list) else ():
        if text_of(each, "key") == "sd.public.comment" and isinstance(each.get("value"), dict):
            return str(each["value"].get("internal")).lower() != "true"
    return True


def says_whether_public(comment: Row) -> bool:
    """True when a comment itself says whether it is public."""
    return "jsdPublic" in comment or bool(comment.get("properties")) or bool(comment.get("visibility"))


def _is_app(user: Any) -> bool:
    return text_of(user, "accountType") == "app"
