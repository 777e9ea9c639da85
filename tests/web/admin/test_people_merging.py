"""The page on which two accounts of one person become one."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.account_tables import SecondFactor
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import Person, utc_now
from tests.conftest import sign_in
from tests.web.conftest import OpenWith


@pytest.fixture
def admin(open_with: OpenWith, add_person: Callable[..., int]) -> FlaskClient:
    add_person("tuomas", "admin", "it")
    return sign_in(open_with(), "tuomas")


def _handles(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Person.handle).order_by(Person.handle)))


@pytest.mark.parametrize(("keep", "left"), [("this", "aino"), ("other", "avi")])
def test_what_will_happen_is_said_first_and_then_one_is_left(
    keep: str, left: str, admin: FlaskClient, sessions: sessionmaker[Session], add_person: Callable[..., int],
    add_request: Callable[..., int],
) -> None:  # fmt: skip
    aino = add_person("aino", "agent", "it")
    add_person("avi", "staff", "hr")
    for asker in ("aino", "avi"):
        add_request("VPN", asked_by=asker, by="vera")
        add_request("Salary", asked_by=asker, by="vera", audience=(), team="hr")  # the admin may not read it
    sent = {"other": "avi", "keep": keep}
    asked = admin.post(f"/admin/people/{aino}/merge", data=sent).text
    assert "1 request they asked moves." in asked and "This cannot be undone." in asked
    assert _handles(sessions) == ["aino", "avi", "tuomas", "vera"]
    done = admin.post(f"/admin/people/{aino}/merge", data=sent | {"confirmed": "1"}, follow_redirects=True)
    assert "They are one person now" in done.text
    assert _handles(sessions) == sorted([left, "tuomas", "vera"])
    with sessions() as session:
        person = session.scalars(select(Person).where(Person.handle == left)).one()
        assert (person.role, [team.handle for team in person.teams]) == ("agent", ["hr", "it"])
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.merged")).one()
        assert entry.actor_id == session.scalars(select(Person.id).where(Person.handle == "tuomas")).one()


def test_what_becomes_of_a_second_factor_is_said_before(
    admin: FlaskClient, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    aino, avi = add_person("aino"), add_person("avi")
    with sessions.begin() as session:
        accounts.set_password(session, session.get_one(Person, avi), "Correct-horse 9")
        session.add(SecondFactor(person_id=avi, nonce="0" * 32, confirmed_at=utc_now(), last_step=1))
    asked = admin.post(f"/admin/people/{aino}/merge", data={"other": "avi", "keep": "this"}).text
    assert "The two-step sign-in of avi ends" in asked and "The password of avi ends" in asked
    assert "sign in with the password of avi" not in asked


@pytest.mark.parametrize(
    ("other", "said"), [("nobody", "Nobody has this user name"), ("aino", "the same account"), ("robot", "a service")]
)
def test_what_cannot_be_merged_is_said_beside_the_field(
    other: str, said: str, admin: FlaskClient, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    aino = add_person("aino")
    with sessions.begin() as session:
        session.add(Person(handle="robot", name="Robotti", stated_kind="service"))
    answer = admin.post(f"/admin/people/{aino}/merge", data={"other": other, "confirmed": "1"})
    assert answer.status_code == 422 and said in answer.text
    assert _handles(sessions) == ["aino", "robot", "tuomas"]
