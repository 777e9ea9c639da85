"""Makes a ticket in each kind of ticket system. Before a question is sent again, the system is asked for the ticket of
its key, since the last attempt may have been taken before we could note it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from indexer.delivery.handover.text import Question
from indexer.sources.configuration import ConfiguredSource
from indexer.sources.rest.client import RestClient
from recommender.errors import SourceError
from recommender.outbox.handover import Ticket

Options = Mapping[str, str]
Create = Callable[[RestClient, Question, Options, str], Ticket]
"""What makes a ticket, with (client, question, options, address of the system)."""
Find = Callable[[RestClient, Question, Options, str], Ticket | None]
"""What finds the ticket of a question that may have been taken before."""


@dataclass(frozen=True)
class System:
    """A kind of ticket system; `needs` are the options without which it cannot make a ticket."""

    create: Create
    find: Find
    needs: tuple[str, ...] = ()


def send_to_system(configured: ConfiguredSource, question: Question, options: Options, again: bool) -> Ticket:
    """The ticket of a question, made now unless an earlier attempt has made it. Raises SourceError when it is not
    certain that there is one, and Refused when the system refuses it."""
    system = SYSTEMS[configured.kind]
    with configured.client() as client:
        site = configured.options.place.rstrip("/")
        found = system.find(client, question, options, site) if again else None
        return found or system.create(client, question, options, site)


def check_options(kind: str, options: Options) -> None:
    """Raises SourceError for a kind of system that takes no questions, and for an option that is missing."""
    if kind not in SYSTEMS:
        raise SourceError(f"Questions cannot be sent to {kind}. They can be to: {', '.join(sorted(SYSTEMS))}.")
    missing = [name for name in SYSTEMS[kind].needs if name not in options]
    if missing:
        raise SourceError(f"{kind} needs {', '.join(missing)}. Add: --set {missing[0]}=VALUE")


def in_html(text: str) -> str:
    """A text as HTML, for systems that take nothing else."""
    return escape(text).replace("\n", "<br>\n")


def _jira_create(client: RestClient, question: Question, options: Options, site: str) -> Ticket:
    if "service_desk" in options:
        body: dict[str, Any] = {
            "serviceDeskId": options["service_desk"],
            "requestTypeId": options.get("request_type", ""),
            "requestFieldValues": {"summary": question.title, "description": f"{question.text}\n\n{question.key}"},
        }
        made = client.post("rest/servicedeskapi/request", body).value
        return _jira_ticket({"id": made["issueId"], "key": made["issueKey"]}, site)
    fields = {
        "project": {"key": options["project"]},
        "issuetype": {"name": options.get("issue_type", "Task")},
        "summary": " ".join(question.title.split())[:250],
        "description": question.text,
        "labels": [question.key],
    }
    return _jira_ticket(client.post("rest/api/2/issue", {"fields": fields}).value, site)


def _jira_find(client: RestClient, question: Question, options: Options, site: str) -> Ticket | None:
    wanted = f'text ~ "\\"{question.key}\\""' if "service_desk" in options else f'labels = "{question.key}"'
    found = client.find("rest/api/2/search", {"jql": wanted, "maxResults": 1, "fields": "summary"})
    if found is None:  # Jira Cloud has another address for it
        found = client.get("rest/api/3/search/jql", {"jql": wanted, "maxResults": 1, "fields": "summary"})
    issues = found.value.get("issues") or []
    return _jira_ticket(issues[0], site) if issues else None


def _jira_ticket(issue: Mapping[str, Any], site: str) -> Ticket:
    return Ticket(str(issue["id"]), str(issue["key"]), f"{site}/browse/{issue['key']}")


def _zammad_create(client: RestClient, question: Question, options: Options, site: str) -> Ticket:
    body = {
        "title": question.title,
        "group": options["group"],
        "customer_id": f"guess:{question.email or options['customer']}",
        "tags": question.key,
        "article": {
            "subject": question.title,
            "body": in_html(question.text),
            "content_type": "text/html",
            "type": "web",
            "internal": False,
        },
    }
    return _zammad_ticket(client.post("tickets", body).value, site)


def _zammad_find(client: RestClient, question: Question, _options: Options, site: str) -> Ticket | None:
    found = client.get("tickets/search", {"query": f'tags:"{question.key}"', "expand": "true", "limit": 1}).value
    rows = found if isinstance(found, list) else []
    return _zammad_ticket(rows[0], site) if rows else None


def _zammad_ticket(ticket: Mapping[str, Any], site: str) -> Ticket:
    return Ticket(str(ticket["id"]), str(ticket.get("number", "")), f"{site}/#ticket/zoom/{ticket['id']}")


def _zendesk_create(client: RestClient, question: Question, options: Options, site: str) -> Ticket:
    email = question.email or options.get("requester", "")
    ticket: dict[str, Any] = {
        "subject": question.title,
        "comment": {"body": question.text},
        "external_id": question.key,
        **({"requester": {"name": question.asker or "Kollega", "email": email}} if email else {}),
        **({"group_id": int(options["group_id"])} if options.get("group_id", "").isdigit() else {}),
    }
    made = client.post("tickets.json", {"ticket": ticket}, {"Idempotency-Key": question.key}).value
    return _zendesk_ticket(made["ticket"], site)


def _zendesk_find(client: RestClient, question: Question, _options: Options, site: str) -> Ticket | None:
    tickets = client.get("tickets.json", {"external_id": question.key}).value.get("tickets") or []
    return _zendesk_ticket(tickets[0], site) if tickets else None


def _zendesk_ticket(ticket: Mapping[str, Any], site: str) -> Ticket:
    return Ticket(str(ticket["id"]), str(ticket["id"]), f"{site}/agent/tickets/{ticket['id']}")


def _freshdesk_create(client: RestClient, question: Question, options: Options, site: str) -> Ticket:
    body: dict[str, Any] = {
        "subject": question.title,
        "description": in_html(question.text),
        "email": question.email or options["requester"],
        "status": 2,
        "priority": 1,
        "tags": [question.key],
        **({"group_id": int(options["group_id"])} if options.get("group_id", "").isdigit() else {}),
    }
    return _freshdesk_ticket(client.post("tickets", body).value, site)


def _freshdesk_find(client: RestClient, question: Question, _options: Options, site: str) -> Ticket | None:
    found = client.get("search/tickets", {"query": f"\"tag:'{question.key}'\""}).value
    rows = found.get("results") or []
    return _freshdesk_ticket(rows[0], site) if rows else None


def _freshdesk_ticket(ticket: Mapping[str, Any], site: str) -> Ticket:
    return Ticket(str(ticket["id"]), str(ticket["id"]), f"{site}/a/tickets/{ticket['id']}")


def _github_create(client: RestClient, question: Question, options: Options, _site: str) -> Ticket:
    body = {"title": question.title, "body": f"{question.text}\n\n<!-- {question.key} -->"}
    return _github_ticket(client.post(f"repos/{options['repository']}/issues", body).value)


def _github_find(client: RestClient, question: Question, options: Options, _site: str) -> Ticket | None:
    newest: dict[str, str | int] = {"state": "all", "sort": "created", "direction": "desc", "per_page": 100}
    for issue in client.get(f"repos/{options['repository']}/issues", newest).value:
        if question.key in (issue.get("body") or ""):
            return _github_ticket(issue)
    return None


def _github_ticket(issue: Mapping[str, Any]) -> Ticket:
    return Ticket(str(issue["id"]), f"#{issue['number']}", str(issue["html_url"]))


def _gitlab_create(client: RestClient, question: Question, options: Options, _site: str) -> Ticket:
    path = f"projects/{options['project'].replace('/', '%2F')}/issues"
    body = {"title": question.title[:255], "description": f"{question.text}\n\n<!-- {question.key} -->"}
    return _gitlab_ticket(client.post(path, body).value)


def _gitlab_find(client: RestClient, question: Question, options: Options, _site: str) -> Ticket | None:
    path = f"projects/{options['project'].replace('/', '%2F')}/issues"
    found = client.get(path, {"search": question.key, "in": "description", "scope": "all"}).value
    return _gitlab_ticket(found[0]) if found else None


def _gitlab_ticket(issue: Mapping[str, Any]) -> Ticket:
    return Ticket(str(issue["id"]), f"#{issue['iid']}", str(issue["web_url"]))


SYSTEMS: dict[str, System] = {
    "jira": System(_jira_create, _jira_find, ("project",)),
    "zammad": System(_zammad_create, _zammad_find, ("group", "customer")),
    "zendesk": System(_zendesk_create, _zendesk_find),
    "freshdesk": System(_freshdesk_create, _freshdesk_find, ("requester",)),
    "github": System(_github_create, _github_find, ("repository",)),
    "gitlab": System(_gitlab_create, _gitlab_find, ("project",)),
}
