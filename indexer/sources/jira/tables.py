"""Tables of Jira as data warehouses have them (issues, comments, users, states), as the fields of its interface."""

from typing import Any

from indexer.sources.rest.paging import Row
from indexer.sources.ticket_system import text_of

_CATEGORIES = {"2": "new", "3": "done", "4": "indeterminate"}
"""The categories of states, by their ids, which are the same in every Jira."""


class Tables:
    """What the rows of tables refer to by ids: people, and the category of each state."""

    def __init__(self) -> None:
        self._people: dict[str, Row] = {}
        self._categories: dict[str, str] = {}

    def look(self, row: Row) -> None:
        """Remember a person or a state."""
        if "status_category_id" in row:
            self._categories[text_of(row, "id")] = _CATEGORIES.get(text_of(row, "status_category_id"), "")
        elif "time_zone" in row and "email" in row:
            self._people[text_of(row, "id")] = row

    def issue(self, row: Row) -> Row | None:
        """The issue of a row; None for a row of another table."""
        if not {"summary", "key", "project", "reporter"} <= row.keys():
            return None
        names = {"resolutiondate": "resolved"}
        fields: dict[str, Any] = {
            name: row.get(names.get(name, name))
            for name in ("summary", "description", "created", "updated", "resolutiondate")
        }
        category = self._categories.get(text_of(row, "status")) or ("done" if row.get("resolution") else "new")
        fields |= {
            "status": {"statusCategory": {"key": category}},
            "reporter": self.person(text_of(row, "reporter")),
            "project": {"key": row.get("project")},
            "resolution": {"name": row.get("resolution")} if row.get("resolution") else None,
        }
        if not fields["updated"]:
            fields["updated"] = fields["created"]
        return {"id": row.get("id"), "key": row.get("key"), "fields": fields}

    def comment(self, row: Row) -> Row | None:
        """The comment of a row, with the id of its issue; None for a row of another table."""
        if not {"issue_id", "body", "is_public"} <= row.keys():
            return None
        known = {name: row.get(name) for name in ("id", "issue_id", "author_id", "body", "created")}
        return {**known, "jsdPublic": row.get("is_public") is not False}

    def person(self, identifier: str) -> Row:
        """A person as the interface gives them."""
        known = self._people.get(identifier, {})
        return {"accountId": identifier, "displayName": known.get("name"), "emailAddress": known.get("email")}
