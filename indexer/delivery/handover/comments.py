"""Adds comments to tickets that were made of requests, in each kind of ticket system. Before a comment is sent again,
the comments of the ticket are read, since the last attempt may have been taken before we could note it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from indexer.delivery.handover.systems import in_html
from indexer.delivery.handover.text import Comment
from indexer.sources.configuration import ConfiguredSource
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.paging import Row

_PAGE, _MOST_PAGES = 100, 20  # of comments that are looked through: judgements


@dataclass(frozen=True)
class SentTicket:
    """The ticket that gets a comment: its id, the number that people use, the options with which it was made, and the
    time since when the comment may be there."""

    id: str
    number: str
    options: Mapping[str, str]
    since: datetime


Add = Callable[[RestClient, SentTicket, str], Any]
"""What adds a comment with a text; its id."""
List = Callable[[RestClient, SentTicket], Iterable[Row]]
"""The comments of a ticket; the newest are among them."""


def add_comment(configured: ConfiguredSource, ticket: SentTicket, comment: Comment, again: bool) -> str:
    """The id of a comment, added now unless an earlier attempt has added it. Raises SourceError when it is not certain
    that it is there, and Refused when the system refuses it."""
    add, comments = COMMENTS[configured.kind]
    with configured.client() as client:
        found = _of(comment, comments(client, ticket)) if again else None
        return found or str(add(client, ticket, comment.text))


def _of(comment: Comment, there: Iterable[Row]) -> str | None:
    """The id of the first comment that ends with the address of the reply; later ones may quote it."""
    wanted = urlsplit(comment.url)
    address = re.compile(re.escape(f"{wanted.path}#{wanted.fragment}") + r"(?!\d)")
    ids = [str(row["id"]) for row in there if address.search(str(row.get("body") or ""))]
    return min(ids, key=lambda each: (len(each), each), default=None)


def _jira_add(client: RestClient, ticket: SentTicket, text: str) -> Any:
    if "service_desk" in ticket.options:
        path, body = f"rest/servicedeskapi/request/{ticket.number}/comment", {"body": text, "public": True}
    else:
        path, body = f"rest/api/2/issue/{ticket.number}/comment", {"body": text}
    return client.post(path, body).value["id"]


def _jira_list(client: RestClient, ticket: SentTicket) -> Iterable[Row]:
    newest: dict[str, str | int] = {"orderBy": "-created", "maxResults": _PAGE, "startAt": 0}
    rows: list[Row] = client.get(f"rest/api/2/issue/{ticket.number}/comment", newest).value["comments"]
    return rows


def _zammad_add(client: RestClient, ticket: SentTicket, text: str) -> Any:
    article = {"ticket_id": int(ticket.id), "body": in_html(text), "content_type": "text/html", "type": "note"}
    return client.post("ticket_articles", {**article, "internal": False}).value["id"]


def _zammad_list(client: RestClient, ticket: SentTicket) -> Iterable[Row]:
    rows: list[Row] = client.get(f"ticket_articles/by_ticket/{ticket.id}").value
    return rows


def _zendesk_add(client: RestClient, ticket: SentTicket, text: str) -> Any:
    body = {"ticket": {"comment": {"body": text, "public": True}}}
    events = client.put(f"tickets/{ticket.id}.json", body).value["audit"]["events"]
    return next(event["id"] for event in events if event["type"] == "Comment")


def _zendesk_list(client: RestClient, ticket: SentTicket) -> Iterable[Row]:
    rows: list[Row] = client.get(f"tickets/{ticket.id}/comments.json", {"sort_order": "desc"}).value["comments"]
    return rows


def _freshdesk_add(client: RestClient, ticket: SentTicket, text: str) -> Any:
    return client.post(f"tickets/{ticket.id}/notes", {"body": in_html(text), "private": False}).value["id"]


def _freshdesk_list(client: RestClient, ticket: SentTicket) -> Iterable[Row]:
    for page in range(1, _MOST_PAGES + 1):
        rows = client.get(f"tickets/{ticket.id}/conversations", {"page": page, "per_page": _PAGE}).value
        yield from rows
        if len(rows) < _PAGE:
            return


def _github_path(ticket: SentTicket) -> str:
    return f"repos/{ticket.options['repository']}/issues/{ticket.number.lstrip('#')}/comments"


def _github_add(client: RestClient, ticket: SentTicket, text: str) -> Any:
    return client.post(_github_path(ticket), {"body": text}).value["id"]


def _github_list(client: RestClient, ticket: SentTicket) -> Iterable[Row]:
    since: dict[str, str | int] = {"since": f"{ticket.since:%Y-%m-%dT%H:%M:%SZ}", "per_page": _PAGE}
    rows: list[Row] = client.get(_github_path(ticket), since).value
    return rows


def _gitlab_path(ticket: SentTicket) -> str:
    return f"projects/{ticket.options['project'].replace('/', '%2F')}/issues/{ticket.number.lstrip('#')}/notes"


def _gitlab_add(client: RestClient, ticket: SentTicket, text: str) -> Any:
    return client.post(_gitlab_path(ticket), {"body": text}).value["id"]


def _gitlab_list(client: RestClient, ticket: SentTicket) -> Iterable[Row]:
    newest: dict[str, str | int] = {"sort": "desc", "order_by": "created_at", "per_page": _PAGE}
    rows: list[Row] = client.get(_gitlab_path(ticket), newest).value
    return rows


COMMENTS: dict[str, tuple[Add, List]] = {
    "jira": (_jira_add, _jira_list),
    "zammad": (_zammad_add, _zammad_list),
    "zendesk": (_zendesk_add, _zendesk_list),
    "freshdesk": (_freshdesk_add, _freshdesk_list),
    "github": (_github_add, _github_list),
    "gitlab": (_gitlab_add, _gitlab_list),
}
