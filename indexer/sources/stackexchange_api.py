"""Stack Exchange over its API, and Stack Overflow for Teams, or saved answers of it (JSON).

Questions come by the time of their last activity, and answers for a hundred questions at once. The API says how many
seconds to wait (`backoff`) and how many requests are left for the day.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any

from pydantic import Field

from indexer.sources.exported import Exported
from indexer.sources.protocol import Abilities, Mark, Source
from indexer.sources.records import Located, ReplyRecord, RequestRecord
from indexer.sources.rest.access import access_or_none
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.options import RestOptions
from indexer.sources.ticket_system import ExportSource, System, place_of
from indexer.sources.tickets import html_text
from indexer.texts.subject import first_words, title_of
from recommender.database.handles import visible
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_ROWS = 100
_OVERLAP = 600  # seconds: what was written shortly before a mark may become visible late
Row = dict[str, Any]


class StackExchangeOptions(RestOptions):
    """The options of a site that is asked."""

    site: str = Field("stackoverflow", description="The site, such as superuser, as the API calls it.")
    tagged: str | None = Field(None, description="Read only questions with all these tags, separated by semicolons.")
    team_slug: str | None = Field(
        None, description="The team of Stack Overflow for Teams, such as stackoverflow.com/c/x."
    )


OPTIONS = StackExchangeOptions


def open_source(name: str, options: StackExchangeOptions) -> Source:
    """The API at an address, or saved answers at a path. Raises SourceError when it cannot be used."""
    path = place_of(options.place)
    readers = (options.team_slug or "public",)
    site = StackExchangeSite(name, options.timezone, readers)
    if path is not None:
        return ExportSource(path, site)
    access = access_or_none(name, options.token_file, lambda token: token, "X-API-Access-Token")
    client = RestClient(name, options.place, access, ca_file=options.ca_file, allow_http=options.allow_http)
    return StackExchangeApi(client, site, options)


class StackExchangeSite(System):
    """Questions with their answers."""

    def __init__(self, name: str, zone: str = "UTC", readers: tuple[str, ...] = ("public",)) -> None:
        super().__init__(name, zone)
        self._readers = readers

    def look(self, found: Exported) -> Iterator[str]:
        """Remember answers that were saved apart from their questions. Yields nothing."""
        for row in _items(found.value):
            if "answer_id" in row and "question_id" in row:
                self.messages[f"question {row['question_id']}"][str(row["answer_id"])] = row
        yield from ()

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """The questions of an answer of the API."""
        for row in _items(found.value):
            if "question_id" in row and "answer_id" not in row:
                yield f"question {row['question_id']}", row

    def record(self, row: Row) -> RequestRecord:
        """The record of a question. One with an accepted or upvoted answer is resolved; one that is closed without any
        is closed."""
        several = [*(row.get("answers") or ()), *self.messages_of(f"question {row['question_id']}")]
        answers = {str(each["answer_id"]): each for each in several}
        replies = tuple(self._reply(each) for each in sorted(answers.values(), key=lambda each: each["creation_date"]))
        good = [reply for reply in replies if reply.accepted] or [reply for reply in replies if reply.score > 0]
        tags = tuple(visible(unescape(str(tag))) for tag in row.get("tags") or ())
        body = _text(row)
        return RequestRecord(
            id=str(row["question_id"]),
            title=title_of(unescape(str(row.get("title") or ""))) or first_words(body, 80) or ", ".join(tags),
            body=body,
            tags=tags,
            asked_by=self._owner(row),
            created_at=_time(row["creation_date"]),
            status="resolved" if good else "closed" if row.get("closed_date") else "open",
            resolved_at=max(good, key=lambda reply: (reply.accepted, reply.score)).created_at if good else None,
            url=str(row.get("link") or "") or None,
            replies=replies,
            readers_there=self._readers,
        )

    def _reply(self, row: Row) -> ReplyRecord:
        return ReplyRecord(
            id=str(row["answer_id"]),
            author=self._owner(row),
            body=_text(row),
            created_at=_time(row["creation_date"]),
            accepted=bool(row.get("is_accepted")),
            score=int(row.get("score") or 0),
        )

    def _owner(self, row: Row) -> str | None:
        """The handle of who wrote it; None for somebody who is no longer there."""
        owner = row.get("owner") or {}
        name = unescape(str(owner.get("display_name") or ""))
        return self.add_person(f"user-{owner['user_id']}", name) if owner.get("user_id") else None


class StackExchangeApi:
    """The questions of a site, by the time of their last activity."""

    abilities = Abilities(lists_all=True, since=True, people=True)

    def __init__(
        self,
        client: RestClient,
        site: StackExchangeSite,
        options: StackExchangeOptions,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self._client, self._site, self._options, self._sleep = site.name, client, site, options, sleep

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """Questions that were active since a mark, each behind the people in it."""
        start = int(since) - _OVERLAP if since else 0
        with self._client:
            while True:
                value = self._ask("questions", {"order": "asc", "sort": "activity", "min": max(start, 0)})
                rows = _items(value)
                self._complete(rows)
                for row in rows:
                    yield from self._site.located(f"question {row.get('question_id')}", 0, row)
                latest = max((int(row.get("last_activity_date") or 0) for row in rows), default=0)
                if latest:
                    yield Mark(str(latest))
                if not value.get("has_more") or not rows:
                    return
                start = latest if latest > start else start + 1  # the next ones, not the next page: rows move

    def _complete(self, rows: list[Row]) -> None:
        """Fetch the answers to questions that have some."""
        ids = [str(row["question_id"]) for row in rows if row.get("answer_count")]
        page = 1
        for row in rows:
            row["answers"] = []
        by_id = {str(row["question_id"]): row for row in rows}
        while ids:
            path = f"questions/{';'.join(ids)}/answers"
            value = self._ask(path, {"order": "asc", "sort": "creation", "page": page})
            for answer in _items(value):
                by_id[str(answer["question_id"])]["answers"].append(answer)
            if not value.get("has_more"):
                return
            page += 1

    def _ask(self, path: str, params: dict[str, str | int]) -> Row:
        asked: dict[str, str | int] = {"filter": "withbody", "pagesize": _ROWS, **params}
        asked |= {"team": self._options.team_slug} if self._options.team_slug else {"site": self._options.site}
        if self._options.tagged and path == "questions":
            asked["tagged"] = self._options.tagged
        value: Row = self._client.get(path, asked).value
        if not isinstance(value, dict) or not isinstance(value.get("items"), list):
            raise SourceError(
                Sentence(
                    "%(source)s: the answer has no questions. Check the address, such as .../2.3.", source=self.name
                )
            )
        if value.get("backoff"):
            self._sleep(float(value["backoff"]))
        if value.get("has_more") and value.get("quota_remaining") == 0:
            raise SourceError(
                Sentence(
                    "%(source)s: no requests are left for today. What was read before stays; go on tomorrow.",
                    source=self.name,
                )
            )
        return value


def _items(value: Any) -> list[Row]:
    """The rows of an answer of the API; a row that stands alone is one."""
    rows = value.get("items", [value]) if isinstance(value, dict) else ()
    return [row for row in rows if isinstance(row, dict)]


def _text(row: Row) -> str:
    """The text of a post: HTML, or Markdown whose signs are encoded."""
    html = row.get("body")
    return html_text(str(html)) if html else unescape(str(row.get("body_markdown") or "")).replace("\r\n", "\n").strip()


def _time(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
