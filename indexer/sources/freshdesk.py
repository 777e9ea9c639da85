"""Freshdesk: tickets and solution articles over its REST interface, or from an administrator's XML or saved JSON."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from indexer.sources.exported import Exported, exported
from indexer.sources.freshdesk_solutions import Solutions, articles
from indexer.sources.listed import Listed
from indexer.sources.protocol import Abilities, Mark, Source
from indexer.sources.records import DeletedRecord, Located, Record
from indexer.sources.rest.access import basic
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.options import RestOptions, open_client
from indexer.sources.rest.paging import Fetch, Page, Row
from indexer.sources.ticket_system import ApiSource, ExportSource, System, changed_tickets, listed, place_of, text_of
from indexer.sources.tickets import Message, Ticket, html_text, moment, moment_or_none, person_id
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

_ROWS = 100
_OVER = frozenset({"4", "5"})  # resolved and closed; higher ones are states of the organisation
_PRIORITIES = {"1": "low", "2": "medium", "3": "high", "4": "urgent"}
_MERGED = re.compile(r"merged into (?:ticket )?#?(\d+)", re.IGNORECASE)


OPTIONS = RestOptions


def open_source(name: str, options: RestOptions) -> Source:
    """The Freshdesk at an address, or an export of it. Raises SourceError when it cannot be used."""
    path = place_of(options.place)
    system = Freshdesk(name, options.timezone, options.place if path is None else "")
    if path is not None:
        return ExportSource(path, system, read_xml if path.suffix.lower() == ".xml" else exported)
    return FreshdeskApi(client_of(name, options), system)


def client_of(name: str, options: RestOptions) -> RestClient:
    """A client for the Freshdesk at an address."""
    address = f"{options.place.rstrip('/')}/api/v2"
    return open_client(name, options, address, lambda token: basic(token)("X"))


class Freshdesk(System):
    """Tickets with their conversations, and articles; the older interface has the same under other names."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        super().__init__(name, zone, site)
        self.solutions = Solutions(name, zone, self.site)

    def look(self, found: Exported) -> Iterator[str]:
        """Remember people, groups, and messages that are in files of their own."""
        row = _unpacked(found.value)
        self.solutions.look(row)
        if "contact" in row or "email" in row or "requester_name" in row:
            self._look_at_person(row)
        if "unassigned_for" in row or "escalate_to" in row:
            self.groups[text_of(row, "id")] = text_of(row, "name")
        if "ticket_id" in row and "private" in row:
            self.messages[text_of(row, "ticket_id")][text_of(row, "id")] = row
        yield from ()

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """Tickets and articles."""
        row = _unpacked(found.value)
        if Solutions.is_article(row):
            yield f"article {text_of(row, 'id')}", row
        if {"subject", "requester_id"} <= row.keys() or "display_id" in row:
            yield _id(row), row

    def record(self, row: Row) -> Record:
        """The record of a ticket or an article; a ticket that was deleted or is spam is removed."""
        if Solutions.is_article(row):
            return self.solutions.record(row)
        if row.get("deleted") is True or row.get("spam") is True:
            return DeletedRecord(type="request", id=_id(row))
        self._look_at_person(row)
        identifier, group = _id(row), self.groups.get(text_of(row, "group_id"), "")
        notes = {
            text_of(note, "id"): note for note in map(_unpacked, row.get("notes") or row.get("conversations") or ())
        }
        notes |= {text_of(note, "id"): note for note in self.messages_of(identifier)}
        status = text_of(row, "status")
        ticket = Ticket(
            id=identifier,
            title=text_of(row, "subject"),
            body=_text(row, "description"),
            created_at=moment(row["created_at"], self.zone),
            messages=[self._message(note) for note in notes.values() if note.get("deleted") is not True],
            is_over=status in _OVER,
            resolved_at=moment_or_none(_resolved(row), self.zone),
            asked_by=person_id(self.name, row.get("requester_id")),
            tags=row.get("tags") or (),
            url=f"{self.site}/a/tickets/{identifier}" if self.site else None,
            group=group or None,
            readers=(group,) if group else None,
            merged_into=self._target(row, notes) if status == "5" else None,
            attachments=[text_of(file, "name") for file in row.get("attachments") or ()],
            properties={"priority": _PRIORITIES.get(text_of(row, "priority")), "type": row.get("type")},
        )
        return ticket.record()

    def _message(self, note: Row) -> Message:
        return Message(
            id=text_of(note, "id"),
            author=person_id(self.name, note.get("user_id")),
            text=_text(note, "body"),
            at=moment(note["created_at"], self.zone),
            public=note.get("private") is False,
            by_agent=note.get("incoming") is False,
        )

    def _target(self, row: Row, notes: dict[str, Row]) -> str | None:
        """The ticket that this one was merged into: a private note says it."""
        private = [_text(note, "body") for note in notes.values() if note.get("private") is True]
        found = [match for text in (*private, text_of(row, "subject")) if (match := _MERGED.search(text))]
        return found[0][1] if found and found[0][1] != _id(row) else None

    def _look_at_person(self, row: Row) -> None:
        """Remember an agent, a contact, or the people that a ticket names."""
        contact = row.get("contact") or row.get("user") or (row if "name" in row and "email" in row else {})
        foreign = row.get("user_id") or row.get("id")
        self.add_person(foreign if contact else None, text_of(contact, "name"), text_of(contact, "email"))
        requester = row.get("requester")
        if isinstance(requester, dict):
            self.add_person(row.get("requester_id"), requester.get("name"), requester.get("email"))
        for who in ("requester", "responder"):
            if text_of(row, f"{who}_name") and f"{self.name}-{row.get(f'{who}_id')}" not in self._people:
                self.add_person(row.get(f"{who}_id"), text_of(row, f"{who}_name"))


class FreshdeskApi(ApiSource):
    """The articles and tickets that the account of the key sees, and which tickets were deleted or marked as spam."""

    abilities = Abilities(lists_all=True, since=True, deletions=True, audiences=True, people=True)

    def __init__(self, client: RestClient, system: Freshdesk) -> None:
        super().__init__(client, system)
        self._system = system
        self._asked: set[str] = set()

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """All articles, and tickets from a mark on, the deleted ones first, so that a mark never passes one of them."""
        for path in ("groups", "agents"):
            for row in self._all(path):
                for _problem in self._system.look(Exported("", 1, row)):
                    pass
        guides = Listed.of(since)
        for article in articles(self._all, self._system.solutions):
            guides.now.append(text_of(article, "id"))
            yield from self._system.located(f"article {article['id']}", 0, article)
        yield from guides.gone()
        since = guides.tickets
        yield guides.mark()
        for gone in ("deleted", "spam") if since else ():
            removed = changed_tickets(
                self._system, self._listing({"filter": gone}), since, lambda row: row.update({"deleted": True})
            )
            yield from (each for each in removed if isinstance(each, Located))
        listing = self._listing({"include": "description,requester,stats"})
        for each in changed_tickets(self._system, listing, since, self._complete):
            yield guides.mark(each) if isinstance(each, Mark) else each

    def _listing(self, wanted: dict[str, str | int]) -> Fetch:
        def fetch(since: datetime, number: int, _before: int) -> Page:
            order: dict[str, str | int] = {
                "order_by": "updated_at",
                "order_type": "asc",
                "per_page": _ROWS,
                "page": number + 1,
            }
            answer = self._client.get("tickets", {"updated_since": f"{since:%Y-%m-%dT%H:%M:%SZ}", **order, **wanted})
            return Page(listed(answer.value), answer.server_time, bool(answer.next_page))

        return fetch

    def _complete(self, row: Row) -> None:
        row["conversations"] = self._all(f"tickets/{row['id']}/conversations")
        self._look_up(row)

    def _all(self, path: str) -> list[Row]:
        """All rows of a list; none when the account may not read it."""
        rows: list[Row] = []
        address: str | None = f"{path}?per_page={_ROWS}"
        while address:
            answer = self._client.find(address)
            rows += answer.value if answer else []
            address = answer.next_page if answer else None
        return rows

    def _look_up(self, row: Row) -> None:
        """Ask for the contacts who wrote in a ticket and are not known yet."""
        for note in row["conversations"]:
            person = text_of(note, "user_id")
            if person and person not in self._system.names and person not in self._asked:
                self._asked.add(person)
                found = self._client.find(f"contacts/{person}")
                if found:
                    self._system.add_person(person, text_of(found.value, "name"), text_of(found.value, "email"))


def read_xml(path: Path) -> Iterator[Exported]:
    """The tickets of the XML that an administrator exports. Raises SourceError when it cannot be read further."""
    number = 0
    try:
        for _event, element in iterparse(path, events=("end",)):
            if element.tag == "helpdesk-ticket":
                number += 1
                yield Exported(path.name, number, _value(element))
                element.clear()
    except (ParseError, DefusedXmlException) as error:
        raise SourceError(
            Sentence(
                "%(file)s is cut short or no XML that can be read, after ticket %(number)s; the tickets "
                "before were loaded. Export it again.",
                file=path, number=number,
            )
        ) from error  # fmt: skip
    except OSError as error:
        raise SourceError(
            Sentence("%(file)s cannot be read: %(reason)s. Check the path.", file=path, reason=reason_of(error))
        ) from error


def _value(element: Element) -> Any:
    """The value of an element: a list, an object, true or false, or its text."""
    if element.get("type") == "array":
        return [_value(child) for child in element]
    if len(element):
        return {child.tag.replace("-", "_"): _value(child) for child in element}
    if element.get("nil") == "true":
        return None
    text = (element.text or "").strip()
    return text == "true" if element.get("type") == "boolean" else text


def _unpacked(value: Any) -> Row:
    """The object itself, without the name that the older interface packs it into."""
    for name in ("helpdesk_ticket", "note", "agent", "user"):
        if isinstance(value, dict) and len(value) == 1 and isinstance(value.get(name), dict):
            return dict(value[name])
    return value if isinstance(value, dict) else {}


def _id(row: Row) -> str:
    """The number that people see, which the newer interface calls id."""
    return text_of(row, "display_id") or text_of(row, "id")


def _resolved(row: Row) -> str:
    return text_of(row, "stats", "resolved_at") or text_of(row, "stats", "closed_at")


def _text(row: Row, name: str) -> str:
    """The text of a ticket or note: HTML where there is some. In the newer interface `body` is HTML itself."""
    html = text_of(row, f"{name}_html") or (text_of(row, name) if f"{name}_text" in row else "")
    return html_text(html) if html else text_of(row, name).replace("\r\n", "\n")
