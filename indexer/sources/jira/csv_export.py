"""The CSV that Jira writes of a search with all fields, as the fields of its interface.

Headings come again (Comment, Labels, Attachment), and a comment is `time;account;text`, whose text may hold `;` and new
lines. Times are in the language and zone of whoever exported. The file says nothing about the category of a state, so
an issue is over when it has a time of resolution. It does not say either which comments of a service project are
internal, so such an issue is only for whoever a rule names for `PROJECT with internal comments`.
"""

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from indexer.sources.exported import Exported
from recommender.sentences.sentence import Sentence

_TIMES = ("%d/%b/%y %I:%M %p", "%d/%b/%Y %I:%M %p", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M")
_TIMES_MORE = ("%d/%m/%Y %H:%M", "%m/%d/%y %H:%M", "%d.%m.%y %H:%M", "%b %d, %Y %I:%M %p")
_SERVICE = "service_desk"


def is_jira_csv(path: Path) -> bool:
    """True for a file with the headings that every export of issues has."""
    if path.suffix.lower() != ".csv":
        return False
    with path.open("rb") as file:
        first = file.readline(1_000_000).decode("utf-8-sig", "replace")
    return {"Issue key", "Issue id"} <= set(next(csv.reader([first], delimiter=_separator(first)), []))


def read_csv(path: Path, zone: str) -> Iterator[Exported]:
    """The issues of a file."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = file.readline()
        headings = next(csv.reader([first], delimiter=_separator(first)))
        rows = csv.reader(file, delimiter=_separator(first))
        try:
            for cells in rows:
                if any(cells):
                    yield _exported(path.name, rows.line_num + 1, headings, cells, zone)
        except csv.Error as error:
            yield Exported(
                path.name,
                rows.line_num + 1,
                None,
                Sentence("cannot be read further (%(reason)s). Export it again", reason=error),
            )


def _exported(name: str, line: int, headings: list[str], cells: list[str], zone: str) -> Exported:
    if len(cells) != len(headings):
        return Exported(
            name,
            line,
            None,
            Sentence(
                "%(count)s cells under %(headings)s headings. Export it again", count=len(cells), headings=len(headings)
            ),
        )
    try:
        return Exported(name, line, _issue(headings, cells, zone))
    except ValueError as error:
        return Exported(name, line, None, str(error))


def _issue(headings: list[str], cells: list[str], zone: str) -> dict[str, Any]:
    row: dict[str, list[str]] = {}
    for heading, cell in zip(headings, cells, strict=True):
        if cell.strip():
            row.setdefault(heading, []).append(cell)

    def first(heading: str) -> str:
        return row.get(heading, [""])[0]

    def named(heading: str) -> dict[str, str] | None:
        return {"name": first(heading)} if first(heading) else None

    resolved = _time(first("Resolved"), zone) if first("Resolved") else None
    comments = [_comment(number, cell, zone) for number, cell in enumerate(row.get("Comment", []), 1)]
    fields: dict[str, Any] = {
        "summary": first("Summary"),
        "description": first("Description"),
        "created": _time(first("Created"), zone),
        "updated": _time(first("Updated") or first("Created"), zone),
        "resolutiondate": resolved,
        "status": {"statusCategory": {"key": "done" if resolved else "new"}},
        "issuetype": named("Issue Type"),
        "priority": named("Priority"),
        "resolution": named("Resolution"),
        "security": named("Security Level"),
        "reporter": {"accountId": first("Reporter Id") or first("Reporter"), "displayName": first("Reporter")},
        "assignee": {"accountId": first("Assignee Id") or first("Assignee"), "displayName": first("Assignee")},
        "project": {"key": first("Project key")},
        "labels": row.get("Labels", []),
        "components": [{"name": name} for name in row.get("Component/s", [])],
        "attachment": [
            {"filename": cell.split(";", 3)[2]} for cell in row.get("Attachment", []) if cell.count(";") > 2
        ],
        "comment": {"comments": comments},
        **{heading: "\n".join(values) for heading, values in row.items() if heading.startswith("Custom field (")},
    }
    unmarked = first("Project type") == _SERVICE and bool(comments)
    return {"id": first("Issue id"), "key": first("Issue key"), "unmarked_comments": unmarked, "fields": fields}


def _comment(number: int, cell: str, zone: str) -> dict[str, Any]:
    time, _, rest = cell.partition(";")
    author, _, text = rest.partition(";")
    return {"id": f"{number}", "author": {"accountId": author}, "body": text, "created": _time(time, zone)}


def _time(written: str, zone: str) -> str:
    """The ISO form of a time in one of the forms that Jira writes. Raises ValueError for any other."""
    for form in (*_TIMES, *_TIMES_MORE):
        try:
            time = datetime.strptime(written.strip(), form)
        except ValueError:
            continue
        return time.replace(tzinfo=ZoneInfo(zone)).isoformat()
    raise ValueError(
        Sentence(
            "%(time)r is a time in a form that is not known. Set your profile in Jira to English, and export again",
            time=written[:40],
        )
    )


def _separator(first: str) -> str:
    return ";" if first.count(";") > first.count(",") else ","
