"""sources/stackexchange_api.py: a site on a local server, and saved answers; encoded titles, waiting, who is gone."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.mapping import mapped
from indexer.sources.protocol import Mark, Options
from indexer.sources.records import Located, PersonRecord, RequestRecord
from indexer.sources.stackexchange_api import OPTIONS, StackExchangeApi, open_source
from recommender.errors import SourceError
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.server import TOKEN, Faults, Reply, SystemServer, serving

BEGAN = 1_772_438_400  # 2026-03-02T08:00:00Z


def question(number: int, active: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "question_id": number,
        "title": f"Question &quot;{number}&quot;",
        "body": f"<p>Text {number}</p>",
        "tags": ["vpn", "c&#43;&#43;"],
        "owner": {"user_id": 5, "display_name": "Aino &amp; co", "user_type": "registered"},
        "creation_date": BEGAN,
        "last_activity_date": BEGAN + active,
        "link": f"https://x.example/q/{number}",
        **more,
    }


def answer(number: int, to: int, **more: Any) -> dict[str, Any]:
    body = "<p>Try <code>it</code></p>"
    owner = {"user_id": 6, "display_name": "Matti"}
    return {"answer_id": number, "question_id": to, "body": body, "owner": owner, "creation_date": BEGAN + 60, **more}


@dataclass
class Site:
    """Questions and answers, two a page."""

    questions: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    needs_token: bool = False
    desk: Desk = field(default_factory=Desk)
    address: str = ""

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("x-api-access-token") == (TOKEN if self.needs_token else None)

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        self.asked.append(params)
        if path == "/2.3/questions":
            rows = sorted(self.questions, key=lambda row: row["last_activity_date"])
            return self._page([row for row in rows if row["last_activity_date"] >= int(params["min"])], 1)
        ids = path.removeprefix("/2.3/questions/").removesuffix("/answers").split(";")
        return self._page([row for row in self.answers if str(row["question_id"]) in ids], int(params["page"]))

    def _page(self, rows: list[dict[str, Any]], page: int) -> Reply:
        some = rows[2 * page - 2 : 2 * page]
        return Reply({"items": some, "has_more": len(rows) > 2 * page, "quota_remaining": 99, **self.extra})


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def server(site: Site) -> Iterator[SystemServer]:
    with serving(site) as running:
        yield running


def read(
    place: str, since: str | None = None, **options: Any
) -> tuple[dict[str, RequestRecord], list[str], str | None]:
    """(questions by id, problems, the last mark)."""
    found, problems, mark = dict[str, RequestRecord](), list[str](), since
    for each in open_source("so", OPTIONS.model_validate({"place": place, **options})).read(since):
        if isinstance(each, Mark):
            mark = each.value
        elif isinstance(each, Located) and isinstance(each.record, RequestRecord):
            found[each.record.id] = each.record
        elif isinstance(each, Located) and each.record is None:
            problems.append(each.problem)
    return found, problems, mark


def test_a_question_has_its_answers_people_and_times(server: SystemServer, site: Site) -> None:
    site.questions = [
        question(1, answer_count=3),
        question(2, 9, owner={"user_type": "does_not_exist"}),
        question(3, 9),
    ]
    site.answers = [answer(11, 1, score=2), answer(12, 1, is_accepted=True), answer(13, 1, score=-1)]
    found, problems, _mark = read(f"{server.url}/2.3")
    first = found["1"]
    assert problems == []
    assert (first.title, first.body, first.tags) == ('Question "1"', "Text 1", ("vpn", "c++"))
    assert (first.asked_by, first.created_at, first.status) == ("so-user-5", datetime(2026, 3, 2, 8), "resolved")
    assert [(each.id, each.body, each.accepted, each.score) for each in first.replies] == [
        ("11", "Try `it`", False, 2), ("12", "Try `it`", True, 0), ("13", "Try `it`", False, -1)
    ]  # fmt: skip
    assert (first.resolved_at, first.readers_there) == (datetime(2026, 3, 2, 8, 1), ("public",))
    assert (found["2"].asked_by, found["2"].status, found["3"].url) == (None, "open", "https://x.example/q/3")
    people = [each.record for each in open_source("so", OPTIONS(place=f"{server.url}/2.3")).read()
              if isinstance(each, Located) and isinstance(each.record, PersonRecord)]  # fmt: skip
    assert {person.name for person in people} == {"Aino & co", "Matti"}


def test_only_questions_that_were_active_since_come_again(server: SystemServer, site: Site) -> None:
    site.questions = [question(number, 1_000 * number) for number in range(1, 8)]
    server.faults = Faults(failing_every=4, cut_every=5)
    found, _problems, mark = read(f"{server.url}/2.3")
    assert sorted(found) == ["1", "2", "3", "4", "5", "6", "7"]
    server.faults = Faults()
    site.questions[2] = question(3, 20_000, closed_date=BEGAN)
    again, _problems, _mark = read(f"{server.url}/2.3", mark)
    assert sorted(again) == ["3", "7"]  # and the last one, which may have changed in the same second
    assert again["3"].status == "closed"


def test_it_waits_as_long_as_the_site_says_and_stops_when_no_requests_are_left(
    server: SystemServer, site: Site
) -> None:
    site.questions = [question(number, number) for number in range(1, 5)]
    site.extra = {"backoff": 7}
    source, slept = open_source("so", OPTIONS(place=f"{server.url}/2.3")), list[float]()
    assert isinstance(source, StackExchangeApi)
    source._sleep = slept.append
    list(source.read())
    assert slept and set(slept) == {7.0}
    site.extra = {"quota_remaining": 0}
    with pytest.raises(SourceError, match="no requests are left for today"):
        read(f"{server.url}/2.3")


def test_a_team_gets_the_token_and_is_not_public(
    server: SystemServer, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLLEGA_SO_TOKEN", TOKEN)
    site.needs_token, site.questions = True, [question(1)]
    found, _problems, _mark = read(f"{server.url}/2.3", team_slug="stackoverflow.com/c/x")
    assert found["1"].readers_there == ("stackoverflow.com/c/x",)
    ours = mapped(found["1"], Options(place="x"), says_readers=False)[0]
    assert isinstance(ours, RequestRecord) and ours.audience == ()  # nobody but its team, without a rule
    assert site.asked[-1]["team"] == "stackoverflow.com/c/x" and "site" not in site.asked[-1]


def test_saved_answers_are_read_and_a_bad_one_is_told(tmp_path: Path) -> None:
    inside = question(1, answers=[answer(11, 1, score=1)])
    (tmp_path / "page1.json").write_text(json.dumps({"items": [inside, question(2, creation_date="soon")]}))
    (tmp_path / "page2").write_text(json.dumps([question(3, body=None, body_markdown="a &lt; b&#39;s\r\n", title="")]))
    (tmp_path / "answers.json").write_text(json.dumps({"items": [answer(31, 3, is_accepted=True)]}))
    found, problems, _mark = read(str(tmp_path))
    assert [each.id for each in found["1"].replies] == ["11"]
    assert (found["3"].title, found["3"].body, found["3"].status) == ("a < b's", "a < b's", "resolved")
    assert len(problems) == 1 and "soon" in problems[0]
