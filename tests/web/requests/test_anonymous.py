"""Who asked without a name stays unknown: nothing that others see depends on who it was."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import HelpRequest, Person, Reply, RequestAttempt, RequestAudience, Team, utc_now
from tests.conftest import sign_in
from tests.web.forms import forms_of, press

Sessions = sessionmaker[Session]
ASKERS = ("matti", "pirjo", "sanna")  # in no team; in HR, and an expert on the subject; in IT, and an agent


@pytest.fixture
def world(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
    sessions: Sessions,
) -> Iterator[tuple[FlaskClient, int, Callable[[str], None]]]:
    """(a browser, an open anonymous request to HR that every colleague may read, a function that changes who asked).
    Kaisa is a colleague, Hilkka one in HR, Aino the agent of HR, and Veikko an agent of IT."""
    add_request("Unpaid leave for a course", "How long?", "At most one year.", by="pirjo", team="hr")
    add_request("Unpaid leave of a student", "", "Ask first.", by="sanna", asked_by="pirjo")
    add_request("Leave for IT people", "", "As for all.", by="sanna", team="it", audience=["team:it"])
    add_document("Unpaid leave", "Who gets it.", team="hr", audience=["team:hr"])
    add_document("Leave in IT", "Internal.", team="it", audience=["team:it"])
    for handle, role, teams in (
        ("matti", "staff", ()), ("pirjo", "staff", ("hr",)), ("sanna", "agent", ("it",)),
        ("kaisa", "staff", ()), ("aino", "agent", ("hr",)), ("veikko", "agent", ("it",)), ("hilkka", "staff", ("hr",)),
    ):  # fmt: skip
        add_person(handle, role, *teams)
    with sessions.begin() as session:
        team = session.query(Team).filter_by(handle="hr").one()
        row = HelpRequest(
            title="Unpaid leave", body="How do I get it?", language="en", team=team, anonymous=True,
            name_known_to=[team.id], created_at=utc_now(), audience=[RequestAudience(token="everyone")],
            attempts=[RequestAttempt(item="document:1", position=0, opened=True)],
            asked_by_id=session.query(Person).filter_by(handle="matti").one().id,
        )  # fmt: skip
        row.replies.append(Reply(author_id=row.asked_by_id, body="It is for May.", created_at=utc_now()))
        session.add(row)
        session.flush()
        number = row.id
    client = open_client()

    def asked_by(handle: str) -> None:
        with sessions.begin() as session:
            row, person = session.get_one(HelpRequest, number), session.query(Person).filter_by(handle=handle).one()
            row.replies = row.replies[:1]
            row.asked_by_id = row.replies[0].author_id = person.id

    yield client, number, asked_by


def _seen(client: FlaskClient, reader: str, number: int, sessions: Sessions) -> list[tuple[int, str]]:
    """All that a reader can see of the request: pages, calls, and what their replies are answered."""
    visitor = sign_in(client, reader)
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle=reader).one()
        token = accounts.make_token(session, person, "t", ("read", "write"))
    headers = {"Authorization": f"Bearer {token}"}
    links = "see /documents/1 and /documents/2 and /requests/1 and /requests/3"
    answers = [visitor.get(path) for path in (
        f"/requests/{number}", "/requests/", "/desk/?state=all", "/desk/?words=leave", f"/documents/new?from={number}",
        *(f"/people/{handle}" for handle in ASKERS),
    )]  # fmt: skip
    answers += [client.get(f"/api/v1{path}", headers=headers) for path in (
        f"/requests/{number}", "/requests", f"/requests/{number}/similar", "/recommend?q=unpaid leave",
        *(f"/people/{handle}" for handle in ASKERS),
    )]  # fmt: skip
    answers += [
        visitor.post("/suggest", data={"q": "unpaid leave"}),  # unlike the whole page, it does not count who came first
        visitor.post(f"/requests/{number}/replies", data={"body": links}),
        client.post(f"/api/v1/requests/{number}/replies", json={"body": links}, headers=headers),
        *(
            visitor.post(f"/desk/{number}/insert", data={"insert": f"link {key}"})
            for key in ("document:1", "document:2", "request:3")
        ),
    ]
    varying = r'name="(?:sent_as|csrf_token)" value="[^"]*"|reply-\d+|"id":\d+|"created_at":"[^"]*"|datetime="[^"]*"'
    return [(answer.status_code, re.sub(varying, "", answer.text)) for answer in answers]


@pytest.mark.parametrize(
    ("state", "unknowing"),
    [("shared", ("kaisa", "veikko")), ("private", ("hilkka",)), ("moved", ("veikko",))],
)
def test_nothing_that_others_see_depends_on_who_asked_without_a_name(
    world: tuple[FlaskClient, int, Callable[[str], None]], sessions: Sessions, state: str, unknowing: tuple[str, ...]
) -> None:
    client, number, asked_by = world
    if state != "shared":
        with sessions.begin() as session:
            session.get_one(HelpRequest, number).audience = []
    if state == "moved":
        with sessions.begin() as session:
            session.get_one(HelpRequest, number).team = session.query(Team).filter_by(handle="it").one()
    seen = {}
    for asker in ("matti", "pirjo"):
        asked_by(asker)
        seen[asker] = {reader: _seen(client, reader, number, sessions) for reader in unknowing}
    for reader in unknowing:
        for first, second in zip(seen["matti"][reader], seen["pirjo"][reader], strict=True):
            assert first == second, reader


def test_a_moved_request_keeps_its_name_with_the_first_team_until_the_asker_shows_it(
    world: tuple[FlaskClient, int, Callable[[str], None]], sessions: Sessions
) -> None:
    client, number, _asked_by = world
    path = f"/requests/{number}"

    def names() -> dict[str, bool]:
        return {who: "Matti</a>" in sign_in(client, who).get(path).text for who in ("aino", "veikko", "sanna")}

    assert names() == {"aino": True, "veikko": False, "sanna": False}
    notice = sign_in(client, "matti").get(path).text
    assert "Only the agents of HR see who asked." in notice and "Show them my name" not in notice
    assert press(sign_in(client, "aino"), path, f"/desk/{number}/move", team="it").status_code == 302
    assert names() == {"aino": True, "veikko": False, "sanna": False}
    assert "Matti" not in sign_in(client, "veikko").get("/desk/").text
    assert "The agents of IT, who handle it now, do not see who asked." in sign_in(client, "matti").get(path).text
    assert "Answers shown before sending" not in sign_in(client, "veikko").get(path).text
    assert sign_in(client, "veikko").post(f"{path}/name").status_code == 403
    assert press(sign_in(client, "matti"), path, f"{path}/name").status_code == 302
    assert names() == {"aino": True, "veikko": True, "sanna": True}
    assert press(sign_in(client, "veikko"), path, f"/desk/{number}/move", team="hr").status_code == 302
    assert names()["aino"]


def test_the_name_is_shown_only_to_the_team_that_the_page_named(
    world: tuple[FlaskClient, int, Callable[[str], None]], sessions: Sessions
) -> None:
    client, number, _asked_by = world
    path, matti = f"/requests/{number}", sign_in(client, "matti")
    assert press(sign_in(client, "aino"), path, f"/desk/{number}/move", team="it").status_code == 302
    page = next(form for form in forms_of(matti.get(path).text) if form.action == f"{path}/name")
    with sessions.begin() as session:  # while Matti reads the page
        row, finance = session.get_one(HelpRequest, number), Team(handle="finance", name="Finance")
        row.team = finance
    for data in (dict(page.fields), {}):
        answer = matti.post(f"{path}/name", data=data)
        assert answer.status_code == 409 and "your name was not shown" in answer.text
    with sessions() as session:
        row = session.get_one(HelpRequest, number)
        assert row.team is not None and row.team.id not in row.name_known_to
    assert press(matti, path, f"{path}/name").status_code == 302
    with sessions() as session:
        row = session.get_one(HelpRequest, number)
        assert row.team is not None and row.team.id in row.name_known_to


def test_the_asker_reads_of_every_team_that_knows_their_name(
    world: tuple[FlaskClient, int, Callable[[str], None]], sessions: Sessions
) -> None:
    client, number, _asked_by = world
    path, matti = f"/requests/{number}", sign_in(client, "matti")
    press(sign_in(client, "aino"), path, f"/desk/{number}/move", team="it")
    press(matti, path, f"{path}/name")
    both = "Only the agents of these teams see who asked: HR, IT."
    assert both in matti.get(path).text
    assert press(sign_in(client, "veikko"), path, f"/desk/{number}/move", team="hr").status_code == 302
    assert both in matti.get(path).text
    with sessions.begin() as session:
        session.get_one(HelpRequest, number).team = None
    assert both in matti.get(path).text and "No agent sees who asked" not in matti.get(path).text


def test_no_agent_learns_the_name_by_taking_an_anonymous_request_of_no_team(
    world: tuple[FlaskClient, int, Callable[[str], None]], sessions: Sessions
) -> None:
    client, _number, _asked_by = world
    sent = {"title": "Whom do I ask", "team": "unknown", "audience": "team", "anonymous": "1"}
    path = sign_in(client, "matti").post("/requests/", data=sent).headers["Location"].partition("?")[0]
    assert "No agent sees who asked." in sign_in(client, "matti").get(path).text
    number = path.rpartition("/")[2]
    assert press(sign_in(client, "veikko"), path, f"/desk/{number}/move", team="it").status_code == 302
    assert "Matti" not in sign_in(client, "veikko").get(path).text
    assert f"{path}/name" in [form.action for form in forms_of(sign_in(client, "matti").get(path).text)]
