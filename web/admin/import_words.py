"""What the columns of a table can be, in the page's language, and what an admin has chosen of that."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

_KINDS = ("request", "document", "person")
_STATES = ("open", "resolved", "cancelled")
_DATES = ("day-first", "month-first")


def role_names() -> dict[str, str]:
    """The roles of columns by their names in a mapping, those that matter most first; the empty one is not used."""
    return {
        "": gettext("Not used"),
        "id": gettext("Identifier"),
        "title": gettext("Title"),
        "body": gettext("Question or text"),
        "answer": gettext("Solution"),
        "status": gettext("State"),
        "group": gettext("Team or queue"),
        "asker": gettext("Asker"),
        "asker_email": gettext("E-mail of the asker"),
        "agent": gettext("Who answered"),
        "agent_email": gettext("E-mail of who answered"),
        "created": gettext("Sent at"),
        "resolved": gettext("Solved at"),
        "updated": gettext("Changed at"),
        "comments": gettext("Later replies"),
        "notes": gettext("Internal notes"),
        "outcome": gettext("How it ended"),
        "tags": gettext("Keywords"),
        "language": gettext("Language"),
        "url": gettext("Address"),
        "owner": gettext("Owner"),
        "owner_email": gettext("E-mail of the owner"),
        "verified": gettext("Verified at"),
        "readers": gettext("Who may read"),
        "private": gettext("Only for the team: yes or no"),
        "public": gettext("For everyone: yes or no"),
        "name": gettext("Name of a person"),
        "email": gettext("E-mail of a person"),
        "asker_id": gettext("Identifier of the asker"),
        "agent_id": gettext("Identifier of who answered"),
        "duplicate_of": gettext("Same as another request"),
        "attachments": gettext("Attached files"),
        "properties": gettext("Other facts"),
    }


def chosen(form: MultiDict[str, str], look: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping that a form says, of the columns and words of the state that were found."""
    columns: dict[str, list[str | int]] = {}
    known = role_names()
    for number, column in enumerate(look["columns"]):
        role = form.get(f"column-{number}", "")
        if role and role in known:
            columns.setdefault(role, []).append(column["name"])
    status: dict[str, list[str]] = {}
    for number, word in enumerate(look["status"]):
        state = form.get(f"status-{number}", "")
        if state in _STATES:
            status.setdefault(state, []).append(word)
    kind, dates = form.get("kind", ""), form.get("dates", "")
    values: dict[str, Any] = {"columns": columns, "status": status}
    values |= {"kind": kind} if kind in _KINDS else {}
    return values | ({"dates": dates} if dates in _DATES else {})
