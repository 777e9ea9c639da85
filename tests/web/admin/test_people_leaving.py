"""The page on which somebody leaves: what hangs on them, the confirmation in numbers, doing it and taking it back."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.insight_tables import TopicRow
from recommender.database.tables import Document, HelpRequest, Person, utc_now
from tests.conftest import sign_in
from tests.web.conftest import OpenWith
from tests.web.insights.figures import fill


def _today() -> str:
    return utc_now().date().isoformat()


@pytest.fixture
def admin(
    open_with: OpenWith, sessions: sessionmaker[Session], add_person: Callable[..., int],
    add_request: Callable[..., int], add_document: Callable[..., int],
) -> FlaskClient:  # fmt: skip
    """The browser of an admin of it; aino is in it and hr, with an open request and a guide in each."""
    add_person("tuomas", "admin", "it")
    add_person("vera", "agent", "it")
    add_person("aino", "agent", "it", "hr")
    for team in ("it", "hr"):
        number = add_request(f"Help with {team}", team=team, status="open", audience=())
        add_document(f"Guide of {team}", "Text", audience=(), team=team, owner="aino")
        with sessions.begin() as session:
            session.get_one(HelpRequest, number).assigned_to_id = _id(session, "aino")
    return sign_in(open_with(), "tuomas")


def _id(session: Session, handle: str) -> int:
    return session.scalars(select(Person.id).where(Person.handle == handle)).one()


def _state(sessions: sessionmaker[Session]) -> tuple[list[str | None], list[str | None]]:
    with sessions() as session:
        requests = session.scalars(select(HelpRequest).order_by(HelpRequest.id))
        documents = session.scalars(select(Document).order_by(Document.id))
        return (
            [row.assigned_to.handle if row.assigned_to else None for row in requests],
            [row.owner.handle if row.owner else None for row in documents],
        )


def test_somebody_leaves_and_it_is_undone(admin: FlaskClient, sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        aino, vera = _id(session, "aino"), _id(session, "vera")
    page = admin.get(f"/admin/people/{aino}/leaving").text
    assert "1 open request is assigned to them." in page and "They own 1 guide" in page  # nothing of hr is counted
    sent = {"left_on": _today(), "requests_to": str(vera), "documents_to": str(vera), "end_access": "1"}
    asked = admin.post(f"/admin/people/{aino}/leaving", data=sent).text
    assert "1 open request goes to Vera." in asked and "go back to the queue" not in asked
    assert "1 guide gets Vera as its owner." in asked and "What you may not read is handed over too" in asked
    assert _state(sessions) == (["aino", "aino"], ["aino", "aino"])  # not yet
    done = admin.post(f"/admin/people/{aino}/leaving", data=sent | {"confirmed": "1"}, follow_redirects=True).text
    assert "It can be undone below" in done and "left on" in done
    assert _state(sessions) == (["vera", None], ["vera", None])  # what vera may not read went to nobody
    undone = admin.post(f"/admin/people/{aino}/leaving/undo", follow_redirects=True).text
    assert "Undone." in undone and "Undo the leaving" not in undone
    assert _state(sessions) == (["aino", "aino"], ["aino", "aino"])
    with sessions() as session:
        account = accounts.find(session, "aino")
        assert account is not None and not account.disabled and account.person.left_on is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"left_on": "31.1.2027"}, "Write the day as year-month-day"),
        ({"requests_to": "999"}, "This colleague cannot take it over"),
        ({"documents_to": "tuomas"}, "This colleague cannot take it over"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_done(
    changed: dict[str, str], said: str, admin: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    with sessions() as session:
        aino = _id(session, "aino")
    sent = {"left_on": _today(), "requests_to": "nobody", "documents_to": "keep", "confirmed": "1"} | changed
    answer = admin.post(f"/admin/people/{aino}/leaving", data=sent)
    assert answer.status_code == 422 and said in answer.text
    assert _state(sessions) == (["aino", "aino"], ["aino", "aino"])


def test_the_last_admin_cannot_leave_and_the_page_says_why(admin: FlaskClient, sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        tuomas = _id(session, "tuomas")
    sent = {"left_on": _today(), "requests_to": "keep", "documents_to": "keep", "confirmed": "1"}
    answer = admin.post(f"/admin/people/{tuomas}/leaving", data=sent)
    assert answer.status_code == 422 and "only admin who may sign in" in answer.text


def test_topics_that_hang_on_the_leaver_are_named_to_an_admin_who_may_see_them(
    admin: FlaskClient, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    add_person("pia", "agent", "it")
    with sessions.begin() as session:
        topic = session.get_one(TopicRow, fill(session))  # hangs on tuomas, the first of the team
        topic.name_en = "Label printers"
        people = [_id(session, handle) for handle in ("tuomas", "vera")]
    pages = [admin.get(f"/admin/people/{number}/leaving").text for number in people]
    assert ["Label printers" in page for page in pages] == [True, False]
    with sessions.begin() as session:
        session.scalars(select(TopicRow)).one().audience = "team:hr"  # which the admin is not in
    assert "Label printers" not in admin.get(f"/admin/people/{people[0]}/leaving").text
