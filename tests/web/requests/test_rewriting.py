"""rewriting.py: people change and withdraw their own words; who reads what was said before."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import reader_of
from recommender.database.request_tables import EarlierText
from recommender.database.tables import HelpRequest, Person, Reply
from recommender.errors import Conflict
from recommender.knowledge import rewriting
from tests.conftest import sign_in

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]
BEFORE = "My password is hunter2"


@pytest.fixture
def number(add_person: Callable[..., int], add_request: Callable[..., int]) -> int:
    """An open request of matti to IT, which everyone may read."""
    made = add_request(
        "Screen stays black", BEFORE, "Which one?", by="kaisa", asked_by="matti", team="it", status="open",
        source="kollega",
    )  # fmt: skip
    for handle, role, teams in (("matti", "staff", ()), ("kaisa", "staff", ()), ("aino", "agent", ("it",))):
        add_person(handle, role, *teams)
    return made


@pytest.fixture
def visit(number: int, open_client: Callable[[], FlaskClient]) -> Visit:
    client = open_client()
    return lambda handle: sign_in(client, handle)


def test_the_asker_changes_the_request_and_only_the_asker_and_the_team_read_what_it_said(
    visit: Visit, number: int, sessions: Sessions
) -> None:
    changed = {"title": "Screen is black", "body": "Since the update", "before": BEFORE}
    assert visit("kaisa").post(f"/requests/{number}/text", data=changed).status_code == 403
    assert visit("aino").post(f"/requests/{number}/text", data=changed).status_code == 403
    assert visit("matti").post(f"/requests/{number}/text", data={**changed, "before": "other"}).status_code == 409
    assert visit("matti").post(f"/requests/{number}/text", data={**changed, "title": ""}).status_code == 422
    assert visit("matti").post(f"/requests/{number}/text", data=changed).status_code == 302
    readers = {name: "hunter2" in visit(name).get(f"/requests/{number}").text for name in ("matti", "kaisa", "aino")}
    assert readers == {"matti": True, "kaisa": False, "aino": True}
    assert "Since the update" in visit("kaisa").get(f"/requests/{number}").text


def test_what_an_anonymous_asker_said_before_is_read_only_by_those_who_know_them(
    visit: Visit, number: int, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, number)
        row.anonymous, row.name_known_to = True, []
    visit("matti").post(f"/requests/{number}/text", data={"title": "T", "body": "B", "before": BEFORE})
    assert "hunter2" not in visit("aino").get(f"/requests/{number}").text
    assert "hunter2" in visit("matti").get(f"/requests/{number}").text


def test_an_author_changes_and_withdraws_their_reply(visit: Visit, number: int, sessions: Sessions) -> None:
    with sessions.begin() as session:
        reply = session.query(Reply).one()
        reply.accepted, path = False, f"/requests/{number}/replies/{reply.id}"
    assert visit("matti").post(path, data={"body": "x", "before": "Which one?"}).status_code == 403
    assert visit("kaisa").post(path, data={"body": " ", "before": "Which one?"}).status_code == 422
    assert visit("kaisa").post(path, data={"body": "Which screen?", "before": "Which one?"}).status_code == 302
    assert "Which screen?" in visit("matti").get(f"/requests/{number}").text
    assert "Which one?" not in visit("matti").get(f"/requests/{number}").text
    assert visit("kaisa").post(path, data={"then": "withdraw"}).status_code == 302
    assert "Which screen?" not in visit("matti").get(f"/requests/{number}").text
    assert "Which screen?" in visit("aino").get(f"/requests/{number}").text
    assert visit("kaisa").post(path, data={"then": "withdraw"}).status_code == 302  # a second click
    assert visit("kaisa").post(path, data={"body": "again", "before": "Which screen?"}).status_code == 404
    with sessions() as session:
        assert [(text.body, text.withdrawn) for text in session.query(EarlierText)] == [
            ("Which one?", False), ("Which screen?", True),
        ]  # fmt: skip


def test_what_was_typed_stays_when_it_cannot_be_stored(visit: Visit, number: int, sessions: Sessions) -> None:
    with sessions.begin() as session:
        reply = session.query(Reply).one()
        reply.accepted, path = False, f"/requests/{number}/replies/{reply.id}"
    too_long = "Screen " * 20_000
    page = visit("kaisa").post(path, data={"body": too_long, "before": "Which one?"})
    assert page.status_code == 422 and too_long.strip() in page.text
    page = visit("matti").post(f"/requests/{number}/text", data={"title": "", "body": "New <words>", "before": BEFORE})
    assert page.status_code == 422 and "New &lt;words&gt;</textarea>" in page.text


def test_whom_a_changed_reply_mentions_is_told(visit: Visit, number: int, sessions: Sessions) -> None:
    with sessions.begin() as session:
        reply = session.query(Reply).one()
        reply.accepted, path = False, f"/requests/{number}/replies/{reply.id}"
    for _ in range(2):
        visit("kaisa").post(path, data={"body": "@aino which one?", "before": "Which one?"})
    assert visit("aino").get("/inbox/").text.count("Kaisa mentioned you") == 1


def test_the_reply_that_is_the_solution_is_not_withdrawn(visit: Visit, number: int, sessions: Sessions) -> None:
    with sessions() as session:
        path = f"/requests/{number}/replies/{session.query(Reply).one().id}"
    assert visit("kaisa").post(path, data={"then": "withdraw"}).status_code == 409


def test_a_withdrawn_request_is_gone_for_others_and_can_be_sent_again(visit: Visit, number: int) -> None:
    assert visit("aino").post(f"/requests/{number}/withdraw").status_code == 403
    assert visit("matti").post(f"/requests/{number}/withdraw").status_code == 302
    readers = {name: visit(name).get(f"/requests/{number}").status_code for name in ("matti", "kaisa", "aino")}
    assert readers == {"matti": 200, "kaisa": 404, "aino": 200}
    assert "Send it again" in visit("matti").get(f"/requests/{number}").text
    lists = {name: visit(name).get("/requests/").text for name in ("matti", "kaisa", "aino")}
    withdrawn = lists["matti"].partition('<h2 id="withdrawn">Withdrawn</h2>')[2]
    assert f'<a href="/requests/{number}" lang="en">Screen stays black</a>' in withdrawn
    assert [name for name, page in lists.items() if "Screen stays black" in page] == ["matti"]
    assert "Screen stays black" not in visit("matti").get("/requests/?state=open").text
    assert "Screen stays black" not in visit("aino").get("/desk/").text
    assert visit("kaisa").post(f"/requests/{number}/send-again").status_code in (404, 409)
    assert visit("aino").post(f"/requests/{number}/send-again").status_code == 403
    assert visit("matti").post(f"/requests/{number}/send-again").status_code == 302
    assert visit("kaisa").get(f"/requests/{number}").status_code == 200


def test_a_reply_that_becomes_the_solution_at_the_same_moment_is_not_withdrawn(
    number: int, sessions: Sessions, add_person: Callable[..., int]
) -> None:
    with sessions() as session:
        reply = session.query(Reply).one()
        reply.accepted = False
        session.commit()
        kaisa = reader_of(session.query(Person).filter_by(handle="kaisa").one())
        assert not reply.accepted  # as this session has read it; somebody else resolves the request with it now
        resolved = update(Reply).values(accepted=True).execution_options(synchronize_session=False)
        session.execute(resolved)
        with pytest.raises(Conflict):
            rewriting.withdraw_reply(session, reply, kaisa)
        assert session.query(Reply).count() == 1


def test_a_change_that_is_sent_twice_is_stored_once_and_no_conflict(
    visit: Visit, number: int, sessions: Sessions
) -> None:
    with sessions() as session:
        path = f"/requests/{number}/replies/{session.query(Reply).one().id}"
    asked = {"title": "Screen is black", "body": "Since the update", "before": BEFORE}
    replied = {"body": "Which screen?", "before": "Which one?"}
    for who, address, sent in (("matti", f"/requests/{number}/text", asked), ("kaisa", path, replied)):
        assert [visit(who).post(address, data=sent).status_code for _ in range(2)] == [302, 302]
    with sessions() as session:
        assert session.query(EarlierText).count() == 2
