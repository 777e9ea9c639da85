"""The audit log: who did what to what, and when, newest first, with filters, in pages and as a CSV file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from recommender import access, audit
from recommender.database.audit_table import AuditEntry
from recommender.database.days import beginning
from recommender.database.tables import Document, HelpRequest, Person
from web.admin import audit_words
from web.admin.frame import current_admin
from web.current import session
from web.input import page_number
from web.insights.csv_file import csv_file
from web.sign_in.session import current_reader

blueprint = Blueprint("admin_audit", __name__, url_prefix="/admin/audit")
_PAGE, _MOST_ROWS = 50, 50_000  # entries on a page and in a file: judgements
_FILTERS = ("by", "action", "subject", "since", "until", "widened")
_PERSON = re.compile(r"\bperson:(\d+)\b")
_LONGEST_NUMBER = 10  # digits of an id, one more


@dataclass(frozen=True)
class Line:
    """An entry as it is shown: who (empty when that is not known), and what it was done to, with the title and address
    of a request or guide that the admin may read."""

    at: datetime
    who: str
    via: str
    action: str
    subject: str
    title: str
    address: str
    details: str
    widened: bool


@blueprint.get("/")
def listed() -> ResponseReturnValue:
    """A page of the log; 422 when a filter cannot be used."""
    current_admin()
    typed = {name: request.args.get(name, "").strip() for name in _FILTERS}
    chosen, problems = _chosen(typed)
    page = page_number()
    entries, pages = audit.newest(session(), chosen, page, _PAGE) if not problems else ([], 1)
    kept = {name: value for name, value in typed.items() if value}
    shown = render_template(
        "admin/audit.html", lines=_lines(entries), page=page, pages=pages, typed=typed, kept=kept,
        problems=problems, areas=_areas(), most=_MOST_ROWS, words=audit_words,
    )  # fmt: skip
    return (shown, 422) if problems else shown


@blueprint.get("/log.csv")
def as_csv() -> ResponseReturnValue:
    """The chosen entries as a CSV file, newest first, with times in UTC; 422 when a filter cannot be used."""
    current_admin()
    chosen, problems = _chosen({name: request.args.get(name, "").strip() for name in _FILTERS})
    if problems:
        return listed()
    found = list(islice(audit.chosen_entries(session(), chosen, newest_first=True), _MOST_ROWS))
    head = ("time (UTC)", "who", "through", "action", "subject", "details")
    rows = (
        (f"{line.at:%Y-%m-%d %H:%M:%S}", line.who, line.via, line.action, line.subject, line.details)
        for line in _lines(found)
    )
    return csv_file([head, *rows], "audit-log.csv")


def _chosen(typed: Mapping[str, str]) -> tuple[audit.Chosen, dict[str, str]]:
    """(the entries that are wanted, what is wrong with which filter)."""
    problems: dict[str, str] = {}
    since, until = _day(typed["since"], "since", problems), _day(typed["until"], "until", problems)
    actor_id = _person_id(typed["by"]) if typed["by"] else None
    if typed["by"] and actor_id is None:
        problems["by"] = gettext("There is nobody with this user name.")
    subject = typed["subject"]
    if subject.startswith("person:"):
        number = _person_id(subject.removeprefix("person:"))
        subject = f"person:{number}" if number is not None else subject
    start = beginning(since) if since else None
    end = beginning(until + timedelta(days=1)) if until else None
    return audit.Chosen(start, end, typed["action"], subject, actor_id, bool(typed["widened"])), problems


def _day(text: str, field: str, problems: dict[str, str]) -> date | None:
    """A day; None for an empty text, and for what is none, which is then among the problems."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        if date(2000, 1, 1) <= day <= date(2999, 1, 1):
            return day
    except ValueError:
        pass
    problems[field] = gettext("Write a day as year-month-day, such as 2026-01-31.")
    return None


def _person_id(name: str) -> int | None:
    """The id of the person with this user name, else the number itself, of somebody who was erased."""
    known = session().scalar(select(Person.id).where(Person.handle == name))
    is_number = name.isascii() and name.isdecimal() and len(name) < _LONGEST_NUMBER
    return known if known is not None or not is_number else int(name)


def _lines(entries: Iterable[AuditEntry]) -> list[Line]:
    found = list(entries)
    handles = {number: handle for number, handle in session().execute(select(Person.id, Person.handle))}
    titles = _titles({entry.subject for entry in found})

    def named(text: str) -> str:
        return _PERSON.sub(lambda match: f"person:{handles.get(int(match[1]), match[1])}", text)

    lines = []
    for entry in found:
        details = entry.details or {}
        who = handles.get(entry.actor_id or 0, str(entry.actor_id or ""))
        title, address = titles.get(entry.subject, ("", ""))
        lines.append(
            Line(
                entry.at, who or str(details.get("account", "")), entry.via, entry.action, named(entry.subject), title,
                address, named(audit.in_words(entry.details)), bool(details.get("widened")),
            )
        )  # fmt: skip
    return lines


def _titles(subjects: Iterable[str]) -> dict[str, tuple[str, str]]:
    """(title, address) of those requests and guides that this admin may read, by subject."""
    reader, found = current_reader(), {}
    numbers: dict[str, list[int]] = {"request": [], "document": []}
    for subject in subjects:
        kind, _, number = subject.partition(":")
        if kind in numbers and number.isdecimal():
            numbers[kind].append(int(number))
    readable = HelpRequest.hidden.is_(False), access.readable_requests(reader)
    requests = select(HelpRequest.id, HelpRequest.title).where(HelpRequest.id.in_(numbers["request"]), *readable)
    for row_id, title in session().execute(requests):
        found[f"request:{row_id}"] = (title, url_for("requests.show", request_id=row_id))
    readable = Document.hidden.is_(False), access.readable_documents(reader)
    documents = select(Document.id, Document.title).where(Document.id.in_(numbers["document"]), *readable)
    for row_id, title in session().execute(documents):
        found[f"document:{row_id}"] = (title, url_for("documents.show", document_id=row_id))
    return found


def _areas() -> list[tuple[str, str]]:
    """(beginning of actions, name) of what can be looked for."""
    return [
        ("", gettext("Everything")),
        ("sign_in", gettext("Signing in")),
        ("person", gettext("People")),
        ("account", gettext("Accounts")),
        ("team", gettext("Teams")),
        ("token", gettext("Tokens")),
        ("request", gettext("Requests")),
        ("document", gettext("Guides")),
        ("import", gettext("Imports")),
        ("job", gettext("Jobs")),
        ("organisation", gettext("Settings")),
        ("store", gettext("Backups and exports")),
        ("audit", gettext("The audit log itself")),
    ]
