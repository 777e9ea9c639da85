"""Who may see a space of Confluence, and the restrictions of single pages, as its REST interface says it."""

from typing import Any

from indexer.sources.confluence.fields import at, rows_at
from indexer.sources.confluence.readers import EVERYBODY, Level, person, space_level
from indexer.sources.rest.client import RestClient


def viewers_of(client: RestClient, key: str) -> Level:
    """Who may see a space; its own name when the account may not ask."""
    answer = client.find(f"rest/api/space/{key}", {"expand": "permissions"}) if key else None
    names: set[str] = set()
    for each in rows_at(answer.value if answer else None, "permissions"):
        operation = at(each, "operation", "operation") or at(each, "operation", "key")
        if operation != "read" or at(each, "operation", "targetType") not in (None, "space"):
            continue
        if at(each, "anonymousAccess"):
            return EVERYBODY
        names |= {str(at(group, "name")) for group in rows_at(each, "subjects", "group", "results")}
        people = rows_at(each, "subjects", "user", "results")
        names |= {person(str(at(one, "username") or at(one, "accountId"))) for one in people}
    return frozenset(names) or space_level(key)


class Restrictions:
    """The restrictions of pages and of what they lie in, each asked for once."""

    def __init__(self, client: RestClient) -> None:
        self._client = client
        self._known: dict[str, Any] = {}

    def of(self, identifier: str) -> dict[str, Any]:
        """The restrictions in the form in which a page has them; none when they may not be asked for, so that they are
        not known."""
        if identifier not in self._known:
            path = f"rest/api/content/{identifier}/restriction/byOperation/read"
            expand = {"expand": "restrictions.user,restrictions.group"}
            answer = self._client.find(path, expand) if identifier else None
            self._known[identifier] = at(answer.value, "restrictions") if answer else None
        held = self._known[identifier]
        return {"restrictions": {"read": {"restrictions": held}}} if held is not None else {}
