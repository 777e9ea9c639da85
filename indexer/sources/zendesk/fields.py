"""The fields of Zendesk's tickets and articles, as the interface and its tables have them."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from indexer.sources.exported import Exported
from indexer.sources.records import DeletedRecord, DocumentRecord, Record
from indexer.sources.rest.paging import Row
from indexer.sources.ticket_system import System, rows_in, text_of
from indexer.sources.tickets import Message, Ticket, html_text, moment, moment_or_none, person_id, web_address

_OVER = frozenset({"solved", "closed"})
_AGENTS = frozenset({"agent", "admin"})
_MERGED_TAG = "closed_by_merge"
_TICKET_OF_FILE = re.compile(r"(?:tickets?|comments)[/_-](\d+)", re.IGNORECASE)


class Zendesk(System):
    """Tickets and articles."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        super().__init__(name, zone, site)
        self.by_brand = False
        self.brands: dict[str, str] = {}
        self.segments: dict[str, str] = {}
        self.sections: dict[str, str] = {}
        self.is_open = True  # False for a help center that is not open to everybody
        self.help_centers: dict[str, str] = {}
        self._custom: dict[str, Row] = {}
        self._roles: dict[str, str] = {}
        self._merged: dict[str, str] = {}
        self._tags: dict[str, list[str]] = {}

    def look(self, found: Exported) -> Iterator[str]:
        """Remember people, names of groups, brands and sections, and comments in files of their own."""
        if found.table:
            self._look_at_row(found.value)
        for user in (*rows_in(found, "users"), *rows_in(found, "user")):
            self.user(user)
        for into, name in ((self.groups, "groups"), (self.brands, "brands"), (self.segments, "user_segments")):
            into |= {text_of(row, "id"): text_of(row, "name") for row in rows_in(found, name)}
        for row in rows_in(found, "brands"):
            self.help_centers[f"{text_of(row, 'subdomain')}.zendesk.com"] = text_of(row, "help_center_state")
        self._custom |= {text_of(row, "id"): row for row in rows_in(found, "ticket_fields")}
        self.sections |= {text_of(row, "id"): text_of(row, "name") for row in rows_in(found, "sections")}
        if comments := rows_in(found, "comments") if "subject" not in (found.value or ()) else []:
            ticket = _TICKET_OF_FILE.search(found.file)
            if ticket is None:
                yield "these comments do not say of which ticket they are. Name the file comments_NUMBER.json"
            else:
                self.messages[ticket[1]] |= {text_of(comment, "id"): comment for comment in comments}
        for _key, row in self.items(found):
            for merged in _list(row.get("merged_ticket_ids")):
                self._merged[str(merged)] = text_of(row, "id")

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """Tickets and articles."""
        value = found.value if isinstance(found.value, dict) else {}
        results = [row for row in rows_in(found, "results") if row.get("result_type") == "ticket"]
        alone = [value] if "requester_id" in value and "subject" in value else []
        for row in (*rows_in(found, "tickets"), *rows_in(found, "ticket"), *results, *alone):
            yield text_of(row, "id"), row
        for row in (*rows_in(found, "articles"), *rows_in(found, "article")):
            for article in (row, *_translations(row)):
                yield f"article {text_of(article, 'id')}", article

    def record(self, row: Row) -> Record | None:
        """The record of a ticket or an article."""
        return self._article(row) if "section_id" in row else self._ticket(row)

    def _ticket(self, row: Row) -> Record:
        identifier, status = text_of(row, "id"), text_of(row, "status")
        if status == "deleted" or text_of(row, "subject") == "SCRUBBED":
            return DeletedRecord(type="request", id=identifier)
        comments = {text_of(each, "id"): each for each in row.get("comments") or () if isinstance(each, dict)}
        comments |= {text_of(each, "id"): each for each in self.messages_of(identifier)}
        told = sorted(comments.values(), key=lambda each: (self._time(each), int(text_of(each, "id") or 0)))
        tags = [*(row.get("tags") or ()), *self._tags.get(identifier, ())]
        group = (self.brands if self.by_brand else self.groups).get(
            text_of(row, "brand_id" if self.by_brand else "group_id"), ""
        )
        is_public = row.get("is_public") is not False
        first = told[0] if told and (told[0].get("public") is True or not is_public) else None
        ticket = Ticket(
            id=identifier,
            title=text_of(row, "subject") or text_of(row, "raw_subject"),
            body=(self._text(first) if first else "") or ("" if told and not first else text_of(row, "description")),
            created_at=moment(row["created_at"], self.zone),
            messages=[self._message(each, text_of(row, "requester_id")) for each in told if each is not first],
            is_over=status in _OVER,
            resolved_at=moment_or_none(text_of(row, "metric_set", "solved_at"), self.zone),
            asked_by=person_id(self.name, row.get("requester_id")),
            tags=tags,
            url=f"{self.site}/agent/tickets/{identifier}" if self.site else text_of(row, "url") or None,
            group=group or None,
            readers=_readers(group, is_public),
            merged_into=self._target(identifier, tags, told),
            attachments=[
                text_of(file, "file_name")
                for each in told
                for file in each.get("attachments") or ()
                if each.get("public") is True or not is_public
            ],
            properties={
                **self._custom_values(row),
                "priority": row.get("priority"),
                "type": row.get("type"),
                "brand": self.brands.get(text_of(row, "brand_id")),
            },
        )
        return ticket.record()

    def _custom_values(self, row: Row) -> dict[str, str]:
        """The values of those fields of the organisation that the person who asked sees too."""
        found: dict[str, str] = {}
        for held in _list(row.get("custom_fields")):
            known = self._custom.get(text_of(held, "id"), {})
            if known.get("visible_in_portal") is not True or text_of(known, "type") == "partialcreditcard":
                continue
            names = {text_of(each, "value"): text_of(each, "name") for each in known.get("custom_field_options") or ()}
            values = held["value"] if isinstance(held["value"], list) else [held["value"]]
            shown = [names.get(str(value), str(value)) for value in values if value not in (None, "", False)]
            found[text_of(known, "title")] = ", ".join("yes" if value == "True" else value for value in shown)
        return found

    def _target(self, identifier: str, tags: list[Any], told: list[Row]) -> str | None:
        """The ticket that this one was merged into: the last comment names it."""
        named = re.search(r"#(\d+)", self._text(told[-1])) if told and _MERGED_TAG in tags else None
        return named[1] if named else self._merged.get(identifier)

    def _message(self, comment: Row, requester: str) -> Message:
        author = text_of(comment, "author_id") or text_of(comment, "user_id")
        role = self._roles.get(author)
        return Message(
            id=text_of(comment, "id"),
            author=person_id(self.name, author) if author and not author.startswith("-") else None,
            text=self._text(comment),
            at=self._time(comment),
            public=comment.get("public") is True,
            by_agent=role in _AGENTS if role else author != requester and not author.startswith("-"),
        )

    def _article(self, row: Row) -> Record:
        identifier = text_of(row, "id")
        if row.get("draft") or row.get("hidden"):
            return DeletedRecord(type="document", id=identifier)
        return DocumentRecord(
            id=identifier,
            title=text_of(row, "title") or text_of(row, "name"),
            body=html_text(text_of(row, "body")),
            owner=person_id(self.name, row.get("author_id")),
            language=text_of(row, "locale")[:2].lower() or None,
            updated_at=moment(row.get("edited_at") or row["updated_at"], self.zone),
            url=web_address(row.get("html_url")),
            group=self.sections.get(text_of(row, "section_id")) or None,
            readers_there=self._readers_of(row),
        )

    def _readers_of(self, article: Row) -> tuple[str, ...]:
        """The user segments of an article, or everybody where the help center is open."""
        held = {str(each): None for each in (*_list(article.get("user_segment_ids")), article.get("user_segment_id"))}
        names = [f"{self.segments.get(each, each)} (user segment)" for each in held if each != "None"]
        return tuple(names) or (("public",) if self.is_open else ("help center",))

    def _text(self, comment: Row) -> str:
        html = text_of(comment, "html_body")
        return html_text(html) if html.strip() else text_of(comment, "plain_body") or text_of(comment, "body")

    def _time(self, comment: Row) -> datetime:
        return moment(comment.get("created_at") or comment.get("created"), self.zone)

    def user(self, user: Row) -> None:
        """Remember a person and their role."""
        self._roles[text_of(user, "id")] = text_of(user, "role")
        self.add_person(user.get("id"), user.get("name"), user.get("email"))

    def _look_at_row(self, row: Row) -> None:
        """Remember a row of a table with the fields of the interface."""
        if "role" in row and "email" in row:
            self.user(row)
        elif "/groups/" in text_of(row, "url"):
            self.groups[text_of(row, "id")] = text_of(row, "name")
        elif "ticket_id" in row and "public" in row:
            self.messages[text_of(row, "ticket_id")][text_of(row, "id")] = row
        elif "ticket_id" in row and "tag" in row:
            self._tags.setdefault(text_of(row, "ticket_id"), []).append(text_of(row, "tag"))


def _readers(group: str, is_public: bool) -> tuple[str, ...] | None:
    if not group:
        return None
    return (group,) if is_public else (f"{group} (private tickets)",)


def _translations(article: Row) -> Iterator[Row]:
    """The article in its other languages, each with an id of its own."""
    for each in article.get("translations") or ():
        locale = text_of(each, "locale")
        if locale and locale != text_of(article, "locale"):
            own = {
                name: each.get(name)
                for name in ("title", "body", "locale", "draft", "hidden", "updated_at", "html_url")
            }
            yield {**article, **own, "id": f"{text_of(article, 'id')}-{locale}", "edited_at": None, "translations": []}


def _list(value: Any) -> list[Any]:
    """A list, also when a table has it as text."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []
