"""Reads Jira over its REST interface: Cloud (pages by token) and Data Center (pages by number).

The condition `updated >= "2026/03/02 10:15"` is read by Jira in the time zone of the account that asks, and in minutes.
So the zone is asked for first; an account that does not tell it is read from a day earlier.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from indexer.sources.jira.fields import Jira, says_whether_public
from indexer.sources.protocol import Mark
from indexer.sources.records import Located
from indexer.sources.rest.client import Answer, RestClient
from indexer.sources.rest.paging import BEGINNING, Page, Row
from indexer.sources.ticket_system import ApiSource, changed_tickets, listed, text_of

_ROWS = 100
_UNKNOWN_ZONE = timedelta(hours=26)


class JiraApi(ApiSource):
    """The issues that the account of the token sees."""

    def __init__(self, client: RestClient, system: Jira, projects: tuple[str, ...] = (), condition: str | None = None):
        super().__init__(client, system)
        self._system = system
        self._projects, self._condition = projects, condition
        self._zone: ZoneInfo | None = None
        self._is_cloud = False

    def changes(self, since: str | None) -> Iterator[Located | Mark]:
        """Issues from a mark on, each behind the people in it."""
        self._is_cloud = self._deployment() == "Cloud"
        self._zone = self._zone_of_account()
        token: list[str] = []

        def fetch(start: datetime, number: int, before: int) -> Page:
            answer = self._search(start, before, token[-1] if number and token else None)
            rows = listed(answer.value["issues"])
            token[:] = [answer.value["nextPageToken"]] if answer.value.get("nextPageToken") else []
            more = bool(token) if self._is_cloud else before + len(rows) < int(answer.value["total"])
            return Page(rows, answer.server_time, more and bool(rows))

        yield from changed_tickets(self._system, fetch, since, self._complete, step=timedelta(minutes=1))

    def _search(self, start: datetime, before: int, token: str | None) -> Answer:
        params: dict[str, str | int] = {"jql": self._jql(start), "fields": "*all", "maxResults": _ROWS}
        if self._is_cloud:
            return self._client.get("rest/api/3/search/jql", {**params, **({"nextPageToken": token} if token else {})})
        return self._client.get("rest/api/2/search", {**params, "startAt": before})

    def _jql(self, start: datetime) -> str:
        conditions = [f'updated >= "{self._local(start):%Y/%m/%d %H:%M}"']
        if self._projects:
            keys = ", ".join('"' + key.replace('"', "") + '"' for key in self._projects)
            conditions.insert(0, f"project in ({keys})")
        if self._condition:
            conditions.insert(0, f"({self._condition})")
        return " AND ".join(conditions) + " ORDER BY updated ASC, key ASC"

    def _local(self, start: datetime) -> datetime:
        """The time as Jira reads it; an earlier one in the hour in which summer time ends, which comes twice."""
        if self._zone is None:
            return max(BEGINNING, start - _UNKNOWN_ZONE)
        local = start.astimezone(self._zone)
        if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
            return max(BEGINNING, start - timedelta(hours=2)).astimezone(self._zone)
        return local

    def _deployment(self) -> str:
        found = self._client.find("rest/api/2/serverInfo")
        return text_of(found.value, "deploymentType") if found else "Cloud"

    def _zone_of_account(self) -> ZoneInfo | None:
        found = self._client.get("rest/api/2/myself")
        try:
            return ZoneInfo(text_of(found.value, "timeZone") or "?")
        except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
            return None
        except KeyError:
            return None

    def _complete(self, row: Row) -> None:
        """Fetch the comments that a search leaves out, and whether each is public where only the service desk knows."""
        inside = row["fields"].get("comment")
        key = text_of(row, "key")
        comments: list[Row] = list(inside.get("comments") or ()) if isinstance(inside, dict) else []
        total = int(inside.get("total") or 0) if isinstance(inside, dict) else 0
        if not isinstance(inside, dict) or total > len(comments):
            comments = self._comments(key)
        row["fields"]["comment"] = {"comments": comments}
        is_desk = text_of(row, "fields", "project", "projectTypeKey") == "service_desk"
        if is_desk and not all(says_whether_public(comment) for comment in comments):
            public = self._public_ids(key)
            for comment in comments:
                comment["jsdPublic"] = str(comment.get("id")) in public

    def _comments(self, key: str) -> list[Row]:
        api, comments = "rest/api/3" if self._is_cloud else "rest/api/2", list[Row]()
        while True:
            answer = self._client.get(f"{api}/issue/{key}/comment", {"startAt": len(comments), "maxResults": _ROWS})
            page = answer.value["comments"]
            comments += page
            if not page or len(comments) >= int(answer.value["total"]):
                return comments

    def _public_ids(self, key: str) -> set[str]:
        """The ids of public comments; none when the account may not ask, so that all are internal."""
        found, start = set[str](), 0
        while True:
            params: dict[str, str | int] = {"public": "true", "start": start, "limit": _ROWS}
            answer = self._client.find(f"rest/servicedeskapi/request/{key}/comment", params)
            page = answer.value.get("values", []) if answer else []
            found |= {str(comment["id"]) for comment in page}
            if answer is None or not page or answer.value.get("isLastPage", True):
                return found
            start += len(page)
