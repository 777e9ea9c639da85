"""web/insights/topic_changes.py: what leads change about topics on their pages, and what these say before it."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.audit_table import AuditEntry
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.tables import HelpRequest, Team
from recommender.errors import TopicRefused
from tests.conftest import sign_in
from tests.web.forms import forms_of, press
from tests.web.insights.topics import add_topic

Add = Callable[..., int]
Sessions = sessionmaker[Session]


@pytest.fixture
def topics(sessions: Sessions, add_request: Add, add_person: Add) -> dict[str, str]:
    """The addresses of topics: one with printers and parking, one with payslips, and one that only IT may see."""
    for handle, role, team in (("aino", "lead", "it"), ("maija", "lead", "hr"), ("oskari", "agent", "it")):
        add_person(handle, role, team)
    made = {
        "mixed": add_topic(sessions, add_request, "mixed", "printer", "parking"),
        "payslip": add_topic(sessions, add_request, "payslip", "salary"),
        "secret": add_topic(sessions, add_request, "secret", "cellar", audience="team:it"),
    }
    return {name: f"/insights/topics/{number}" for name, number in made.items()}


@pytest.fixture
def aino(open_client: Callable[[], FlaskClient], topics: dict[str, str]) -> FlaskClient:
    return sign_in(open_client(), "aino")


def _number(address: str) -> str:
    return address.rpartition("/")[2]


def _text(visitor: FlaskClient, path: str) -> str:
    return re.sub(r"\s+", " ", visitor.get(path).text)


def _sizes(sessions: Sessions) -> dict[int, int]:
    with sessions() as session:
        topics = session.scalars(
            select(TopicItem.topic_id)
            .join(TopicRow, TopicRow.id == TopicItem.topic_id)
            .where(TopicRow.ended_on.is_(None))
        ).all()
    return {topic: topics.count(topic) for topic in topics}


def test_a_lead_names_a_topic_in_each_language(aino: FlaskClient, topics: dict[str, str]) -> None:
    address = topics["mixed"]
    answer = press(aino, address, f"{address}/names", name_en="Devices and cars", name_fi="Laitteet")
    assert answer.location == f"{address}?changed=1"
    assert "<h1>Devices and cars</h1>" in _text(aino, answer.location)
    assert "<h1>Laitteet</h1>" in _text(aino, f"{address}?lang=fi")
    refused = press(aino, f"{address}?lang=en", f"{address}/names", name_en="Payslip", name_fi="Uusi nimi")
    assert refused.status_code == 422 and "Another topic has this name" in refused.text
    assert 'value="Payslip"' in refused.text and 'value="Uusi nimi"' in refused.text  # what was typed is kept
    assert press(aino, address, f"{address}/names", name_en="x" * 201).status_code == 422
    press(aino, address, f"{address}/names", name_en="", name_fi="")
    assert "<h1>Mixed</h1>" in _text(aino, address)


def test_before_two_topics_become_one_the_numbers_are_said(
    aino: FlaskClient, topics: dict[str, str], sessions: Sessions
) -> None:
    merge = f"{topics['payslip']}/merge"
    into = _number(topics["mixed"])
    page = _text(aino, f"{merge}?into={into}")
    assert "6 requests and guides" in page and "18 requests and guides" in page and "“Payslip” is not shown" in page
    form = next(form for form in forms_of(page) if form.action == merge)
    first = aino.post(merge, data=dict(form.fields))
    again = aino.post(merge, data=dict(form.fields))  # a double click
    assert first.location == again.location == f"{topics['mixed']}?changed=1"
    assert _sizes(sessions)[int(into)] == 18 and aino.get(topics["payslip"]).status_code == 404
    with sessions() as session:
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("topic."))).all() == [
            "topic.merged"
        ]


def test_a_topic_is_divided_into_the_parts_that_were_shown(
    aino: FlaskClient, topics: dict[str, str], sessions: Sessions
) -> None:
    split = f"{topics['mixed']}/split"
    page = _text(aino, split)
    assert page.count("6 requests and guides") == 2 and "Printer 1" in page.title() and "Parking 1" in page.title()
    meanwhile = press(aino, split, split, parts="of another topic")
    assert meanwhile.status_code == 409 and "has changed meanwhile" in meanwhile.text
    new = press(aino, split, split).location
    assert sorted(_sizes(sessions).values()) == [6, 6, 6, 6]
    assert "Nothing was computed for this topic yet" in aino.get(new).text
    new = new.partition("?")[0]
    assert f'"{new}"' in aino.get("/insights/").text and f'"{new}"' in aino.get("/insights/?team=it").text
    assert "does not fall into two parts" in _text(aino, f"{topics['payslip']}/split")
    assert aino.post(f"{topics['payslip']}/split", data={}).status_code == 200
    assert len(_sizes(sessions)) == 4


def test_who_divides_a_topic_that_changes_at_that_moment_sees_its_parts_again(
    aino: FlaskClient, topics: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_now: object) -> int:
        raise TopicRefused("Each part of a topic needs at least 5 of its items.", "too_small")

    monkeypatch.setattr("recommender.insights.topics.editing.split", refuse)
    split = f"{topics['mixed']}/split"
    answer = press(aino, split, split)
    assert answer.status_code == 409 and "has changed meanwhile" in answer.text


def test_after_a_part_went_to_another_team_the_topic_itself_is_shown(
    aino: FlaskClient, topics: dict[str, str], sessions: Sessions
) -> None:
    split = f"{topics['mixed']}/split"
    part = aino.get(split).text.partition("New topic</h2>")[2].casefold()
    with sessions.begin() as session:
        hr = session.scalars(select(Team.id).where(Team.handle == "hr")).one()
        moved = HelpRequest.title.icontains("printer" if "printer" in part else "parking")
        session.execute(update(HelpRequest).where(moved).values(team_id=hr))
    assert press(aino, split, split).location == f"{topics['mixed']}?changed=1"


def test_an_item_moves_to_another_topic(aino: FlaskClient, topics: dict[str, str], sessions: Sessions) -> None:
    mixed, payslip = topics["mixed"], topics["payslip"]
    answer = press(aino, mixed, f"{mixed}/move", into=_number(payslip))
    assert answer.location == f"{mixed}?changed=1"
    assert _sizes(sessions)[int(_number(mixed))] == 11 and _sizes(sessions)[int(_number(payslip))] == 7
    assert aino.post(f"{mixed}/move", data={"item": "request:999", "into": _number(payslip)}).status_code == 404


def test_a_topic_that_is_ended_is_shown_no_more(aino: FlaskClient, topics: dict[str, str], sessions: Sessions) -> None:
    end = f"{topics['payslip']}/end"
    page = _text(aino, end)
    assert "“Payslip” is not shown to anybody any more" in page and "6 requests and guides" in page
    assert "What is under way for the topic" in page
    assert press(aino, end, end).location == "/insights/"
    assert aino.get(topics["payslip"]).status_code == 404
    assert int(_number(topics["payslip"])) not in _sizes(sessions)


def test_an_ended_topic_is_shown_again(aino: FlaskClient, topics: dict[str, str], sessions: Sessions) -> None:
    end, again = f"{topics['payslip']}/end", f"{topics['payslip']}/show-again"
    press(aino, end, end)
    assert "Topics that are shown no more" in aino.get("/insights/?team=it").text
    assert press(aino, "/insights/", again).location == f"{topics['payslip']}?changed=1"
    assert _sizes(sessions)[int(_number(topics["payslip"]))] == 6
    assert "Topics that are shown no more" not in aino.get("/insights/").text
    assert aino.get(topics["payslip"]).status_code == 200


def test_topics_of_other_readers_are_not_offered(aino: FlaskClient, topics: dict[str, str]) -> None:
    assert aino.get(topics["secret"]).status_code == 200
    offered = {
        value for form in forms_of(aino.get(topics["mixed"]).text) for name, value in form.fields if name == "into"
    }
    assert offered == {_number(topics["payslip"])}
    for act in ("merge", "move"):
        sent = {"into": _number(topics["secret"]), "item": "request:1"}
        assert aino.post(f"{topics['mixed']}/{act}", data=sent).status_code == 404
    assert aino.get(f"{topics['mixed']}/merge?into={_number(topics['secret'])}").status_code == 404


@pytest.mark.parametrize(("handle", "status"), [("oskari", 403), ("maija", 404), ("", 401)])
def test_nobody_else_changes_a_topic(
    topics: dict[str, str], open_client: Callable[[], FlaskClient], sessions: Sessions, handle: str, status: int
) -> None:
    other = sign_in(open_client(), handle) if handle else open_client()
    other.application.config["WTF_CSRF_ENABLED"] = False
    into = _number(topics["payslip"])
    sent = {"into": into, "item": "request:1", "name_en": "Mine", "name_fi": "Oma", "parts": "x"}
    for act in ("names", "merge", "split", "move", "end", "show-again"):
        assert other.post(f"{topics['mixed']}/{act}", data=sent).status_code == status, act
        if act not in ("names", "move", "show-again"):
            page = other.get(f"{topics['mixed']}/{act}?into={into}")
            assert page.status_code == status and "Mixed" not in page.text
    assert sorted(_sizes(sessions).values()) == [6, 6, 12]
    with sessions() as session:
        assert session.scalars(select(TopicRow.given_en).where(TopicRow.given_en.is_not(None))).all() == []
