"""Discourse: topics of a forum over its interface, or saved answers of it (JSON).

A topic is a request, its first post the question. The answer is the post that was accepted (plugin *Solved*), else
there is none. Whispers, private messages, deleted and hidden posts are left out.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from indexer.sources.discourse_text import from_cooked
from indexer.sources.exported import Exported
from indexer.sources.protocol import Abilities, Mark, Source
from indexer.sources.records import DeletedRecord, Located, ReplyRecord, RequestRecord
from indexer.sources.rest.access import NoAccess, access_or_none
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.options import RestOptions
from indexer.sources.rest.paging import Row, from_mark
from indexer.sources.ticket_system import ExportSource, System, place_of, text_of
from indexer.sources.tickets import moment, moment_or_none
from indexer.texts.subject import first_words, title_of
from recommender.database.handles import visible
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_REGULAR = 1  # post_type; 2 and 3 are acts of moderators, 4 is a whisper
_LIKE = 2  # id of an action
_POSTS_AT_ONCE = 50
_OVERLAP = timedelta(minutes=10)
OPTIONS = RestOptions


def open_source(name: str, options: RestOptions) -> Source:
    """The forum at an address, or saved answers at a path. Raises SourceError when it cannot be used."""
    path = place_of(options.place)
    forum = Discourse(name, options.timezone, options.place if path is None else "")
    if path is not None:
        return ExportSource(path, forum)
    access = access_or_none(name, options.token_file, lambda token: token, "Api-Key")
    client = RestClient(name, options.place, access, ca_file=options.ca_file, allow_http=options.allow_http)
    return DiscourseApi(client, forum, isinstance(access, NoAccess))


class Discourse(System):
    """Topics, and posts that were saved apart from their topic. `readers` are those of categories by their ids."""

    def __init__(self, name: str, zone: str = "UTC", site: str = "") -> None:
        super().__init__(name, zone, site)
        self.readers: dict[str, tuple[str, ...] | None] = {}

    def look(self, found: Exported) -> Iterator[str]:
        """Remember categories, and posts that were saved apart. Yields nothing."""
        value = found.value if isinstance(found.value, dict) else {}
        listed = value.get("categories") or (value.get("category_list") or {}).get("categories") or ()
        for category in listed if isinstance(listed, list) else ():
            self.groups[str(category.get("id"))] = str(category.get("name") or "")
        apart = [value] if "cooked" in value and "topic_id" in value else _posts(value) if "title" not in value else []
        for post in apart:
            self.messages[f"topic {post.get('topic_id')}"][str(post.get("id"))] = post
        yield from ()

    def items(self, found: Exported) -> Iterator[tuple[str, Row]]:
        """The topic of an answer of the interface."""
        value = found.value
        if isinstance(value, dict) and "post_stream" in value and "title" in value:
            yield f"topic {value['id']}", value

    def record(self, row: Row) -> RequestRecord | None:
        """The record of a topic; None for a private message, or one that is not shown."""
        if row.get("archetype") == "private_message" or row.get("visible") is False or row.get("deleted_at"):
            return None
        several = [*_posts(row), *self.messages_of(f"topic {row['id']}")]
        held = {str(post["id"]): post for post in several}
        posts = sorted((post for post in held.values() if _is_shown(post)), key=lambda post: post["post_number"])
        if not posts or posts[0]["post_number"] != 1:
            return None
        question, *others = posts
        accepted = (row.get("accepted_answer") or {}).get("post_number")
        replies = tuple(reply for post in others if (reply := self._reply(post, accepted)).body)
        answer = next((reply for reply in replies if reply.accepted), None)
        category, body = str(row.get("category_id") or ""), from_cooked(str(question.get("cooked") or ""), self.site)
        return RequestRecord(
            id=str(row["id"]),
            title=title_of(str(row.get("title") or "")) or first_words(body, 80),
            body=body,
            tags=tuple(dict.fromkeys(filter(None, (_tag(tag) for tag in row.get("tags") or ())))),
            asked_by=self._author(question),
            created_at=moment(row.get("created_at") or question["created_at"], self.zone),
            status="resolved" if answer else "closed" if row.get("closed") or row.get("archived") else "open",
            resolved_at=answer.created_at if answer else None,
            group=self.groups.get(category) or None,
            readers_there=self.readers.get(category),
            url=f"{self.site}/t/{row['id']}" if self.site else None,
            replies=replies,
        )

    def _reply(self, post: Row, accepted: int | None) -> ReplyRecord:
        likes = [act.get("count") or 0 for act in post.get("actions_summary") or () if act.get("id") == _LIKE]
        return ReplyRecord(
            id=str(post["id"]),
            author=self._author(post),
            body=from_cooked(str(post.get("cooked") or ""), self.site),
            created_at=moment(post["created_at"], self.zone),
            accepted=bool(post.get("accepted_answer")) or post["post_number"] == accepted,
            score=int(sum(likes)),
        )

    def _author(self, post: Row) -> str | None:
        number = post.get("user_id")
        is_service = isinstance(number, int) and number < 0
        return self.add_person(number or None, post.get("name") or post.get("username"), is_service=is_service)


class DiscourseApi:
    """The topics that the key sees, or anybody when there is none (`is_open`)."""

    abilities = Abilities(lists_all=True, since=True, audiences=True, people=True)

    def __init__(self, client: RestClient, forum: Discourse, is_open: bool) -> None:
        self.name, self._client, self._forum, self._is_open = forum.name, client, forum, is_open

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """Topics that were written to since a mark, newest first, each behind the people in it. The first run reads the
        oldest first, and goes on from its page when it was broken off."""
        page, space, began = (since or "").partition(" ")  # a time, or a page of the first run and when that began
        with self._client:
            now = self._learn()
            if since is None or space:
                start = began or now.isoformat()
                for number, topics in self._oldest_first(max(0, int(page or 0) - 1)):
                    for topic in topics:
                        yield from self._record_or_deletion(topic)
                    yield Mark(f"{number + 1} {start}")
                yield Mark(start)
                return
            for topic in self._changed(from_mark(since) - _OVERLAP):
                yield from self._record_or_deletion(topic)
            yield Mark(now.isoformat())  # what is written meanwhile moves to the first page: the next run reads it

    def _oldest_first(self, page: int) -> Iterator[tuple[int, list[str]]]:
        """(page, the ids of its topics) in the order in which they were made."""
        while True:
            value = self._listed(page, {"order": "created", "ascending": "true"})
            topics = [str(row["id"]) for row in value.get("topics") or ()]
            yield page, topics
            if not topics or not value.get("more_topics_url"):
                return
            page += 1

    def _record_or_deletion(self, topic: str) -> Iterator[Located]:
        found = list(self._located(topic))
        yield from found or [Located(f"topic {topic}", 0, DeletedRecord(type="request", id=topic))]

    def _listed(self, page: int, order: dict[str, str]) -> Row:
        answer = self._client.get("latest.json", {"page": page, "no_definitions": "true", **order}).value
        value = answer.get("topic_list") if isinstance(answer, dict) else None
        if not isinstance(value, dict):
            raise SourceError(
                Sentence("%(source)s: the answer has no topics. Check the address of the forum.", source=self.name)
            )
        return value

    def _learn(self) -> datetime:
        """Learn names and readers of categories; the time of the forum's clock."""
        answer = self._client.get("site.json")
        known = answer.value.get("categories") if isinstance(answer.value, dict) else None
        for category in known or ():
            key = str(category["id"])
            self._forum.groups[key] = str(category.get("name") or "")
            if self._is_open:
                self._forum.readers[key] = ("public",)
            elif category.get("read_restricted"):
                self._forum.readers[key] = self._groups_of(key)
            else:
                self._forum.readers[key] = ("everyone",)
        return answer.server_time

    def _groups_of(self, category: str) -> tuple[str, ...]:
        answer = self._client.find(f"c/{category}/show.json")
        rights = (answer.value.get("category") or {}).get("group_permissions") if answer else None
        names = [str(right["group_name"]) for right in rights or () if right.get("group_name")]
        return tuple(names) or ("not known",)

    def _changed(self, start: datetime) -> Iterator[str]:
        """The ids of topics that were written to since a time, each once."""
        page, seen = 0, set[str]()
        while True:
            value = self._listed(page, {})
            rows = value.get("topics") or []
            others = [row for row in rows if not (row.get("pinned") or row.get("pinned_globally"))]
            times = [moment_or_none(row.get("bumped_at") or row.get("last_posted_at")) for row in others]
            for row in rows:
                bumped = moment_or_none(row.get("bumped_at") or row.get("last_posted_at"))
                if str(row["id"]) not in seen and (bumped is None or bumped >= start):
                    seen.add(str(row["id"]))
                    yield str(row["id"])
            old = [time for time in times if time is not None and time < start]
            if not rows or not value.get("more_topics_url") or old:
                return
            page += 1

    def _located(self, topic: str) -> Iterator[Located]:
        """The records of a topic with all its posts; none when it cannot be seen any more."""
        answer = self._client.find(f"t/{topic}.json")
        if answer is None:
            return
        row = answer.value
        have = {post.get("id") for post in _posts(row)}
        missing = [number for number in row["post_stream"].get("stream") or () if number not in have]
        for first in range(0, len(missing), _POSTS_AT_ONCE):
            asked = "&".join(f"post_ids[]={number}" for number in missing[first : first + _POSTS_AT_ONCE])
            row["post_stream"]["posts"] += _posts(self._client.get(f"t/{topic}/posts.json?{asked}").value)
        yield from self._forum.located(f"topic {topic}", 0, row)


def _posts(value: Row) -> list[Row]:
    posts = (value.get("post_stream") or {}).get("posts")
    return [post for post in posts if isinstance(post, dict)] if isinstance(posts, list) else []


def _is_shown(post: Row) -> bool:
    gone = post.get("deleted_at") or post.get("user_deleted") or post.get("hidden")
    return post.get("post_type", _REGULAR) == _REGULAR and not gone


def _tag(tag: Any) -> str:
    return visible(text_of(tag, "name") if isinstance(tag, dict) else str(tag)).strip()
