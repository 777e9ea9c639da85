"""sources/discourse.py: a forum on a local server, and saved answers; all posts, and nothing private."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.discourse import OPTIONS, open_source
from indexer.sources.discourse_text import from_cooked
from indexer.sources.protocol import Mark
from indexer.sources.records import DeletedRecord, RequestRecord
from recommender.errors import SourceError
from tests.indexer.sources.servers.desk import BEGINNING, Desk
from tests.indexer.sources.servers.server import TOKEN, Faults, Reply, SystemServer, serving


def post(number: int, topic: int = 1, **more: Any) -> dict[str, Any]:
    user = {"user_id": number % 3 + 1, "username": f"user{number % 3 + 1}", "name": f"Name {number % 3 + 1}"}
    time = f"2026-03-02T08:{number % 60:02}:00.000Z"
    return {
        "id": 100 * topic + number, "topic_id": topic, "post_number": number, "post_type": 1, "created_at": time,
        "cooked": f"<p>Post {number}</p>", **user, **more,
    }  # fmt: skip


@dataclass
class Topic:
    id: int
    title: str
    bumped: datetime
    posts: list[dict[str, Any]]
    more: dict[str, Any] = field(default_factory=dict)
    pinned: bool = False
    hidden: bool = False

    def row(self, most: int) -> dict[str, Any]:
        stream = {"posts": self.posts[:most], "stream": [each["id"] for each in self.posts]}
        base = {"id": self.id, "title": self.title, "category_id": 3, "archetype": "regular", "visible": True}
        return {**base, "created_at": "2026-03-02T08:00:00.000Z", "post_stream": stream, **self.more}


@dataclass
class Forum:
    """Topics by their ids, three a page, twenty posts at once."""

    topics: dict[int, Topic] = field(default_factory=dict)
    needs_token: bool = False
    restricted: bool = False
    desk: Desk = field(default_factory=Desk)
    address: str = ""
    now: datetime = BEGINNING

    def put(self, number: int, title: str, *posts: dict[str, Any], **more: Any) -> Topic:
        self.now += timedelta(hours=1)
        self.topics[number] = Topic(number, title, self.now, list(posts) or [post(1, number)], more)
        return self.topics[number]

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("api-key") == (TOKEN if self.needs_token else None)

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        if path == "/site.json":
            return Reply({"categories": [{"id": 3, "name": "Tuki", "read_restricted": self.restricted}]})
        if path == "/c/3/show.json":
            return Reply({"category": {"group_permissions": [{"group_name": "staff", "permission_type": 1}]}})
        if path == "/latest.json":
            shown = [each for each in self.topics.values() if not each.hidden]
            rows = sorted(shown, key=lambda each: (each.pinned, each.bumped), reverse=True)
            if params.get("order") == "created":
                rows = sorted(shown, key=lambda each: each.id)
            start = 3 * int(params["page"])
            some = [
                {"id": each.id, "bumped_at": f"{each.bumped:%Y-%m-%dT%H:%M:%S.000Z}", "pinned": each.pinned}
                for each in rows[start : start + 3]
            ]
            more = {"more_topics_url": "/latest?page=1"} if start + 3 < len(rows) else {}
            return Reply({"topic_list": {"topics": some, **more}})
        found = re.fullmatch(r"/t/(\d+)(\.json|/posts\.json)", path)
        topic = self.topics.get(int(found[1])) if found else None
        if found is None or topic is None or topic.hidden:
            return None
        return Reply(topic.row(20) if found[2] == ".json" else {"post_stream": {"posts": topic.posts[20:]}})


@pytest.fixture
def forum() -> Forum:
    return Forum()


@pytest.fixture
def server(forum: Forum) -> Iterator[SystemServer]:
    with serving(forum) as running:
        yield running


class Copy:
    """What a reader of the forum has."""

    def __init__(self, place: str) -> None:
        self._place, self.topics = place, dict[str, RequestRecord]()
        self.mark: str | None = None
        self.read: list[str] = []
        self.problems: list[str] = []

    def sync(self) -> "Copy":
        self.read = []
        for each in open_source("forum", OPTIONS(place=self._place)).read(self.mark):
            if isinstance(each, Mark):
                self.mark = each.value
            elif isinstance(each.record, RequestRecord):
                self.topics[each.record.id] = each.record
                self.read.append(each.record.id)
            elif isinstance(each.record, DeletedRecord):
                self.topics.pop(each.record.id, None)
            elif each.record is None:
                self.problems.append(each.problem)
        return self


def test_a_topic_has_all_its_posts_and_its_accepted_answer(server: SystemServer, forum: Forum) -> None:
    posts = [post(number) for number in range(1, 46)]
    posts[2]["cooked"] = '<p>Restart <code>it</code> <img class="emoji" alt=":smile:" src="x.png"></p>'
    posts[4]["actions_summary"] = [{"id": 2, "count": 5}]
    forum.put(1, "Tulostin &amp; jono", *posts, accepted_answer={"post_number": 3}, tags=["printer", {"name": "win"}])
    topic = Copy(server.url).sync().topics["1"]
    assert (topic.title, topic.body, topic.group, topic.tags) == (
        "Tulostin & jono",
        "Post 1",
        "Tuki",
        ("printer", "win"),
    )
    assert [reply.id for reply in topic.replies] == [str(number) for number in range(102, 146)]
    answer = topic.replies[1]
    assert (answer.body, answer.accepted, topic.replies[3].score) == ("Restart `it` :smile:", True, 5)
    assert (topic.status, topic.resolved_at) == ("resolved", datetime(2026, 3, 2, 8, 3))
    assert (topic.readers_there, topic.url) == (("public",), f"{server.url}/t/1")


def test_whispers_private_messages_and_what_was_taken_away_are_left_out(server: SystemServer, forum: Forum) -> None:
    hidden = [
        post(2, post_type=4), post(3, post_type=3), post(4, deleted_at="2026-03-02T09:00:00Z"), post(5, hidden=True),
        post(6, user_deleted=True), post(7),
    ]  # fmt: skip
    forum.put(1, "Open", post(1), *hidden)
    forum.put(2, "Secret", archetype="private_message")
    forum.put(3, "Unlisted", visible=False)
    forum.put(4, "Closed", closed=True)
    forum.put(5, "First post gone", post(1, 5, deleted_at="2026-03-02T09:00:00Z"), post(2, 5))
    copy = Copy(server.url).sync()
    assert sorted(copy.topics) == ["1", "4"]
    assert [reply.id for reply in copy.topics["1"].replies] == ["107"]
    assert (copy.topics["1"].status, copy.topics["4"].status) == ("open", "closed")


def test_only_topics_that_were_written_to_come_again_whatever_is_pinned(server: SystemServer, forum: Forum) -> None:
    for number in range(1, 12):
        forum.put(number, f"Topic {number}")
    forum.topics[2].pinned = True
    server.faults = Faults(failing_every=6, cut_every=7, skew=forum.now - datetime.now(forum.now.tzinfo))
    copy = Copy(server.url).sync()
    assert len(copy.topics) == 11
    server.faults = Faults(skew=forum.now - datetime.now(forum.now.tzinfo))
    forum.put(4, "Topic 4", post(1, 4, cooked="<p>new</p>"))
    forum.put(12, "Topic 12")
    forum.put(5, "Topic 5", visible=False)
    copy.sync()
    assert sorted(copy.read) == ["11", "12", "4"]  # and the last one, which is within the overlap
    assert copy.topics["4"].body == "new" and "5" not in copy.topics


def test_a_first_run_that_breaks_off_goes_on_from_its_page(server: SystemServer, forum: Forum) -> None:
    for number in range(1, 21):
        forum.put(number, f"Topic {number}")
    skew = forum.now - datetime.now(forum.now.tzinfo)
    server.faults, copy = Faults(token_ends_after=14, skew=skew), Copy(server.url)
    with pytest.raises(SourceError, match="401"):
        copy.sync()
    first = list(copy.topics)
    assert first[:6] == ["1", "2", "3", "4", "5", "6"]
    server.faults = Faults(skew=skew)
    copy.sync()
    assert len(copy.topics) == 20 and len(copy.read) < 20
    forum.put(21, "New")
    assert "21" in copy.sync().read and len(copy.read) < 5


def test_readers_of_a_forum_with_a_key_are_groups(
    server: SystemServer, forum: Forum, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLLEGA_FORUM_TOKEN", TOKEN)
    forum.needs_token = True
    forum.put(1, "Topic")
    assert Copy(server.url).sync().topics["1"].readers_there == ("everyone",)
    forum.restricted = True
    assert Copy(server.url).sync().topics["1"].readers_there == ("staff",)


def test_saved_answers_are_read_and_a_bad_one_is_told(tmp_path: Path) -> None:
    topic = Topic(1, "Saved", BEGINNING, [post(1), post(2), post(3)])
    (tmp_path / "1.json").write_text(json.dumps(topic.row(2)))
    (tmp_path / "posts.json").write_text(json.dumps({"post_stream": {"posts": [post(3)]}}))
    (tmp_path / "post.json").write_text(json.dumps(post(4)))
    (tmp_path / "latest.json").write_text(json.dumps({"topic_list": {"topics": [{"id": 1}]}}))
    (tmp_path / "2.json").write_text(
        json.dumps(Topic(2, "Bad", BEGINNING, [post(1, 2, created_at="x")]).row(1) | {"created_at": ""})
    )
    copy = Copy(str(tmp_path)).sync()
    assert [reply.id for reply in copy.topics["1"].replies] == ["102", "103", "104"]
    assert len(copy.problems) == 1 and "'x' is not a time" in copy.problems[0]


def test_what_discourse_adds_to_a_post_is_left_out() -> None:
    cooked = (
        '<aside class="quote" data-username="x"><div class="title"><img class="avatar" alt="" src="a"> x:</div>'
        "<blockquote><p>said</p></blockquote></aside><p>no <a class='mention' href='/u/y'>@y</a></p>"
        '<div class="lightbox-wrapper"><a href="b.png"><img alt="error" src="c.png"><div class="meta">'
        "<span>error 800×600 9 KB</span></div></a></div>"
        '<pre><code class="lang-sh">ls</code></pre><ul><li>one</li></ul>'
    )
    assert from_cooked(cooked) == "> said\n\nno @y\n\nerror\n\n```sh\nls\n```\n\n- one"
    assert from_cooked("") == ""
    assert from_cooked('<p><a href="/t/5">five</a></p>') == "five"
    assert from_cooked('<p><a href="/t/5">five</a></p>', "https://f.example") == "[five](https://f.example/t/5)"
