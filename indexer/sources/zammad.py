"""Zammad: tickets and knowledge base answers, over its REST interface or from saved answers (JSON)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from indexer.sources.exported import Exported
from indexer.sources.listed import Listed
from indexer.sources.protocol import Abilities, Mark, Source
from indexer.sources.records import DeletedRecord, Located, Record
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
from indexer.sources.zammad_answers import Answers, answers

_ROWS = 100
_LAG = timedelta(minutes=15)  # the search engine behind the interface sees a change late
_TYPES = {1: "new", 2: "open", 3: "pending reminder", 4: "pending action", 5: "closed", 6: "merged", 7: "removed"}
"""The types of states, which are the same in every Zammad. Names of states are edited and translated."""
_STATES = {"1": 1, "2": 2, "3": 3, "4": 5, "5": 6, "6": 7, "7": 4}
"""The types of the states that a new Zammad has, by the id of the state."""
_WORDS = {each: each for each in (*_TYPES.values(), "removed")}
_OVER = frozenset({"closed", "merged"})


OPTIONS = RestOptions


def open_source(name: str, options: RestOptions) -> Source:
    """The Zammad at an address, or saved answers of it. Raises SourceError when it cannot be used."""
    path = place_of(options.place)
    system = Zammad(name, options.timezone, options.place if path is None else "")
    if path is not None:
        return ExportSource(path, system)
    return ZammadApi(client_of(name, options), system)


def client_of(name: str, options: RestOptions) -> RestClient:
    """A client for the Zammad at an address."""
    address = f"{options.place.rstrip('/')}/api/v1"
    return open_client(name, options, address, lambda token: f"Token token={token}")


class Zammad(System):
    """Tickets, their articles (messages), and answers of the knowledge base."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        super().__init__(name, zone, site)
        self.types: dict[str, str] = {identifier: _TYPES[kind] for identifier, kind in _STATES.items()}
        self.answers = Answers(name, zone)

    def look(self, found: Exported) -> Iterator[str]:
        """Remember people, groups, states, articles, and what answers of the knowledge base refer to."""
        value = found.value if isinstance(found.value, dict) else {}
        assets = value.get("assets", value)
        self.answers.look(assets)
        held = [assets.get(kind) for kind in ("User", "Group")] if isinstance(assets, dict) else []
        for row in (value, *(row for rows in held if isinstance(rows, dict) for row in rows.values())):
            if isinstance(row, dict):
                self.look_at(row)
        yield from ()

    def look_at(self, row: Row) -> None:
        """Remember a person, group, state or article, which are known by the fields they have."""
        identifier = text_of(row, "id")
        if "firstname" in row and "login" in row and "deletable_type" not in row:
            self.user(row)
        elif "state_type_id" in row and identifier:
            kind = row.get("state_type") or _TYPES.get(row["state_type_id"], "")
            self.types[identifier] = str(kind)
        elif "follow_up_possible" in row and identifier:
            self.groups[identifier] = text_of(row, "name")
        elif "ticket_id" in row and "content_type" in row and identifier:
            self.messages[text_of(row, "ticket_id")][identifier] = row

    def user(self, row: Row) -> None:
        """Remember a person; number 1 is the system itself."""
        name = f"{text_of(row, 'firstname')} {text_of(row, 'lastname')}".strip(" -")
        if text_of(row, "id") != "1" or name:
            self.add_person(row.get("id"), name, row.get("email"))

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """Tickets, and answers of the knowledge base in one language each."""
        value = found.value if isinstance(found.value, dict) else {}
        assets = value.get("assets", value)
        tickets = assets.get("Ticket") if isinstance(assets, dict) else None
        alone = [value] if "number" in value and "customer_id" in value and "id" in value else []
        for row in (*(tickets.values() if isinstance(tickets, dict) else ()), *rows_in(found, "tickets"), *alone):
            if isinstance(row, dict) and "number" in row:
                yield text_of(row, "id"), row
        for row in self.answers.translations_in(assets):
            yield f"answer {text_of(row, 'id')}", row

    def record(self, row: Row) -> Record | None:
        """The record of a ticket, or of an answer of the knowledge base."""
        return self.answers.record(row) if "answer_id" in row else self._ticket(row)

    def _ticket(self, row: Row) -> Record:
        identifier, group = text_of(row, "id"), text_of(row, "group") or self.groups.get(text_of(row, "group_id"), "")
        kind = self.types.get(text_of(row, "state_id")) or _WORDS.get(text_of(row, "state"), "open")
        if kind == "removed":
            return DeletedRecord(type="request", id=identifier)
        articles = [each for each in self.messages_of(identifier) if text_of(each, "sender") != "System"]
        articles.sort(key=lambda each: (text_of(each, "created_at"), int(text_of(each, "id"))))
        first = articles[0] if articles and articles[0].get("internal") is False else None
        ticket = Ticket(
            id=identifier,
            title=text_of(row, "title"),
            body=_text(first) if first else "",
            created_at=moment(row["created_at"], self.zone),
            messages=[self._message(each) for each in articles if each is not first],
            is_over=kind in _OVER,
            resolved_at=moment_or_none(row.get("last_close_at") or row.get("close_at"), self.zone),
            asked_by=person_id(self.name, row.get("customer_id")),
            reference=f"#{text_of(row, 'number')}",
            tags=row.get("tags") or (),
            url=f"{self.site}/#ticket/zoom/{identifier}" if self.site else None,
            group=group or None,
            readers=(group,) if group else None,
            merged_into=text_of(row, "merged_into") or None,
            attachments=[
                text_of(file, "filename")
                for each in articles
                for file in each.get("attachments") or ()
                if each.get("internal") is False
            ],
            properties={"number": row.get("number"), "priority": row.get("priority")},
        )
        return ticket.record()

    def _message(self, article: Row) -> Message:
        author = article.get("origin_by_id") or article.get("created_by_id")
        return Message(
            id=text_of(article, "id"),
            author=person_id(self.name, author) if text_of({"id": author}, "id") != "1" else None,
            text=_text(article),
            at=moment(article["created_at"], self.zone),
            public=article.get("internal") is False,
            by_agent=text_of(article, "sender") == "Agent" and text_of(article, "type") != "note",
        )


class ZammadApi(ApiSource):
    """The answers of the knowledge base and the tickets that the account of the token sees."""

    abilities = Abilities(lists_all=True, since=True, deletions=True, audiences=True, people=True)

    def __init__(self, client: RestClient, system: Zammad) -> None:
        super().__init__(client, system)
        self._system = system
        self._known: set[str] = set()

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """All answers of the knowledge base, and tickets from a mark on."""
        for path in ("groups", "ticket_states", "roles"):
            found = self._client.find(path, {"expand": "true", "per_page": 500})
            for row in found.value if found else ():
                if path == "roles":
                    self._system.answers.roles[text_of(row, "id")] = text_of(row, "name")
                else:
                    self._system.look_at(row)
        guides = Listed.of(since)
        for answer in answers(self._ask_for_texts, self._system.answers):
            guides.now.append(text_of(answer, "id"))
            self._look_up(text_of(answer, "updated_by_id"))
            yield from self._system.located(f"answer {text_of(answer, 'id')}", 0, answer)
        yield from guides.gone()
        yield guides.mark()

        def fetch(start: datetime, number: int, _before: int) -> Page:
            query = f"updated_at:[{start:%Y-%m-%dT%H:%M:%SZ} TO *]"
            order: dict[str, str | int] = {"sort_by": "updated_at", "order_by": "asc", "expand": "true"}
            paging: dict[str, str | int] = {"query": query, "page": number + 1, "per_page": _ROWS, "limit": _ROWS}
            answer = self._client.get("tickets/search", {**order, **paging})
            return Page(listed(answer.value), answer.server_time)

        for each in changed_tickets(self._system, fetch, guides.tickets, self._complete, lag=_LAG):
            yield guides.mark(each) if isinstance(each, Mark) else each

    def _ask_for_texts(self, contents: list[int]) -> Any:
        """The knowledge base, with these texts; nothing when there is none, or the account may not read it."""
        found = self._client.find("knowledge_bases/init", question={"answer_translation_content_ids": contents})
        return found.value if found else {}

    def _complete(self, row: Row) -> None:
        """Fetch the messages of a ticket, the people in it, and into which one it was merged."""
        identifier = text_of(row, "id")
        found = self._client.find(f"ticket_articles/by_ticket/{identifier}")
        articles: list[Row] = found.value if found else []
        self._system.messages[identifier] = {text_of(each, "id"): each for each in articles}
        people: list[Any] = [row.get("customer_id")]
        for article in articles:
            people.append(article.get("origin_by_id") or article.get("created_by_id"))
        for person in people:
            self._look_up(text_of({"id": person}, "id"))
        if self._system.types.get(text_of(row, "state_id")) == "merged":
            params: dict[str, str | int] = {"link_object": "Ticket", "link_object_value": identifier}
            links = self._client.find("links", params)
            for link in links.value.get("links", []) if links else []:
                if link.get("link_type") == "parent":
                    row["merged_into"] = text_of(link, "link_object_value")

    def _look_up(self, person: str) -> None:
        if person and person not in self._known:
            self._known.add(person)
            found = self._client.find(f"users/{person}")
            if found:
                self._system.user(found.value)


def _text(article: Row) -> str:
    body = text_of(article, "body")
    return html_text(body) if "html" in text_of(article, "content_type") else body
