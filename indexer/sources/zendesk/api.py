"""Reads Zendesk over its REST interface: the export of tickets by cursor, and the articles of the help center."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from indexer.sources.exported import Exported
from indexer.sources.protocol import Abilities, Mark
from indexer.sources.records import Located
from indexer.sources.rest.client import Answer, Refused, RestClient
from indexer.sources.rest.paging import Row
from indexer.sources.ticket_system import ApiSource, rows_in, text_of
from indexer.sources.zendesk.fields import Zendesk

_ROWS = 100  # each ticket takes a request for its comments, and there is a mark after each page
_START_DELAY = timedelta(minutes=2)  # the export refuses a start of less than a minute ago
_UNKNOWN_CURSOR = frozenset({400, 404, 410, 422})


class ZendeskApi(ApiSource):
    """The tickets and articles that the account of the token sees. A mark has the cursor of the export of tickets, its
    time, for when the cursor is refused, and the time up to which articles were read."""

    abilities = Abilities(lists_all=True, since=True, deletions=True, audiences=True, people=True)

    def __init__(self, client: RestClient, system: Zendesk) -> None:
        super().__init__(client, system)
        self._system = system

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """Articles and tickets from a mark on."""
        mark: dict[str, Any] = {"cursor": "", "tickets": 0, "articles": 0, **json.loads(since or "{}")}
        for path in ("groups", "brands", "ticket_fields", "help_center/user_segments", "help_center/sections"):
            self._look_at_all(f"{path}.json")
        self._system.is_open = self._has_open_help_center()
        yield from self._articles(mark)
        yield from self._tickets(mark)

    def _articles(self, mark: dict[str, Any]) -> Iterator[Located | Mark]:
        address: str | None = (
            f"help_center/incremental/articles.json?start_time={mark['articles']}&include=users,translations"
        )
        while address:
            answer = self._client.find(address)
            if answer is None:  # there is no help center
                return
            for article in answer.value.get("articles") or ():
                if "translations" not in article:
                    article["translations"] = self._translations(article["id"])
            yield from self._records(answer)
            mark["articles"] = min(int(answer.value.get("end_time") or 0), _epoch(answer)) or mark["articles"]
            yield Mark(json.dumps(mark))
            address = answer.value.get("next_page") if answer.value.get("articles") else None

    def _translations(self, article: int) -> list[Row]:
        rows: list[Row] = []
        address: str | None = f"help_center/articles/{article}/translations.json"
        while address:
            answer = self._client.find(address)
            rows += rows_in(Exported("", 1, answer.value), "translations") if answer else []
            address = _next(answer.value) if answer else None
        return rows

    def _has_open_help_center(self) -> bool:
        """False when the brand at this address says that its help center is not open to everybody."""
        host = urlsplit(self._client.address).hostname or ""
        return self._system.help_centers.get(host, "") in ("", "enabled")

    def _tickets(self, mark: dict[str, Any]) -> Iterator[Located | Mark]:
        while True:
            answer = self._page(mark)
            for ticket in answer.value["tickets"]:
                if ticket.get("status") != "deleted":
                    ticket["comments"] = self._comments(ticket["id"])
            yield from self._records(answer)
            times = [int(ticket.get("generated_timestamp") or 0) for ticket in answer.value["tickets"]]
            mark["tickets"] = min(max([mark["tickets"], *times]), _epoch(answer))
            mark["cursor"] = answer.value.get("after_cursor") or ""
            yield Mark(json.dumps(mark))
            if answer.value.get("end_of_stream", True) or not mark["cursor"]:
                return

    def _page(self, mark: dict[str, Any]) -> Answer:
        """The next page; by time when there is no cursor, or it is not known there any more."""
        path, include = "incremental/tickets/cursor.json", "users,groups,metric_sets"
        if mark["cursor"]:
            try:
                return self._client.get(path, {"cursor": mark["cursor"], "include": include, "per_page": _ROWS})
            except Refused as error:
                if error.status not in _UNKNOWN_CURSOR:
                    raise
        start = max(0, min(mark["tickets"] - 60, int((datetime.now(UTC) - _START_DELAY).timestamp())))
        return self._client.get(path, {"start_time": start, "include": include, "per_page": _ROWS})

    def _comments(self, ticket: int) -> list[Row]:
        """The comments of a ticket, and who wrote them."""
        comments: list[Row] = []
        address: str | None = f"tickets/{ticket}/comments.json?include=users&page[size]=100"
        while address:
            answer = self._client.find(address)
            if answer is None:  # deleted meanwhile
                break
            for user in rows_in(Exported("", 1, answer.value), "users"):
                self._system.user(user)
            comments += rows_in(Exported("", 1, answer.value), "comments")
            address = _next(answer.value)
        return comments

    def _look_at_all(self, address: str | None) -> None:
        while address:
            answer = self._client.find(address)
            for _problem in self._system.look(Exported("", 1, answer.value)) if answer else ():
                pass
            address = _next(answer.value) if answer else None

    def _records(self, answer: Answer) -> Iterator[Located]:
        found = Exported("", 1, answer.value)
        for user in rows_in(found, "users"):
            self._system.user(user)
        for key, row in self._system.items(found):
            yield from self._system.located(f"ticket {key}" if key.isdigit() else key, 0, row)


def _next(value: Row) -> str | None:
    """The address of the next page, in the newer and the older form."""
    if "meta" in value:
        return text_of(value, "links", "next") if value["meta"].get("has_more") else None
    return value.get("next_page")


def _epoch(answer: Answer) -> int:
    return int(answer.server_time.timestamp())
