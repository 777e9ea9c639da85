"""The pages about people for admins: the list, one person, adding somebody, and what is done with an account."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.accounts import password_links
from recommender.accounts import sessions as sign_in_sessions
from recommender.database.account_tables import Account, APIToken, OutgoingMail
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import Person, utc_now
from recommender.membership import people
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.conftest import OpenWith


@pytest.fixture
def admin(open_with: OpenWith, add_person: Callable[..., int]) -> FlaskClient:
    """The browser of an admin of the team it."""
    add_person("tuomas", "admin", "it")
    return sign_in(open_with(), "tuomas")


def _account(sessions: sessionmaker[Session], handle: str) -> Account:
    with sessions() as session:
        found = accounts.find(session, handle)
        assert found is not None
        session.expunge_all()
        return found


def _address(sessions: sessionmaker[Session], handle: str) -> str:
    with sessions() as session:
        return f"/admin/people/{session.scalars(select(Person.id).where(Person.handle == handle)).one()}"


def _done(sessions: sessionmaker[Session]) -> list[tuple[str, int | None]]:
    with sessions() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.via == "web").order_by(AuditEntry.id))
        return [(entry.action, entry.actor_id) for entry in entries]


@pytest.mark.parametrize("path", ["", "add", "1"])
def test_only_admins_see_these_pages(path: str, open_with: OpenWith, add_person: Callable[..., int]) -> None:
    for role in ("staff", "agent", "lead"):
        add_person(role, role, "it")
        visitor = sign_in(open_with(), role)
        assert visitor.get(f"/admin/people/{path}").status_code == 403
        assert visitor.post("/admin/people/1/disable", data={"confirmed": "1"}).status_code == 403


def test_people_are_searched_and_filtered(admin: FlaskClient, add_person: Callable[..., int]) -> None:
    add_person("vera", "lead", "hr")
    add_person("aino", "agent", "it")
    everybody = admin.get("/admin/people/").text
    assert all(name in everybody for name in ("Tuomas", "Vera", "Aino")) and "3 people" in everybody
    found = admin.get("/admin/people/?role=lead&team=hr&q=ver").text
    assert "1 person" in found and "Aino" not in found
    assert "Nobody found" in admin.get("/admin/people/?state=left").text


def test_somebody_is_added_invited_and_signs_in(admin: FlaskClient, sessions: sessionmaker[Session]) -> None:
    sent = {"handle": "aino", "name": "Aino Lahti", "email": "Aino@Example.org", "role": "agent", "teams": "it"}
    answer = admin.post("/admin/people/add", data=sent, follow_redirects=True)
    assert "Send them a link now" in answer.text
    aino = _account(sessions, "aino")
    assert (aino.person.role, aino.email) == ("agent", "aino@example.org")
    invited = admin.post(f"{_address(sessions, 'aino')}/invite").text
    link = re.search(r"http://localhost(/sign-in/new-password/[\w-]+)", invited)
    assert link is not None
    assert admin.get(_address(sessions, "aino")).text.count("new-password/") == 0  # shown once
    visitor = admin.application.test_client()
    assert visitor.get(link[1]).status_code == 200
    assert visitor.post(link[1], data={"password": "violet horse 9 stapler"}).status_code == 302
    with sessions() as session:
        assert accounts.sign_in(session, "aino", "violet horse 9 stapler") is not None
    assert admin.post(f"{_address(sessions, 'aino')}/invite").status_code == 403  # it would let the admin be her


def test_with_a_mail_server_the_link_goes_out_by_mail(
    settings: Settings, sessions: sessionmaker[Session], open_with: OpenWith, add_person: Callable[..., int]
) -> None:
    add_person("tuomas", "admin")
    mailing = {"mail_server": "smtp://localhost:25", "mail_from": "k@example.org", "public_url": "http://localhost"}
    admin = sign_in(open_with(settings_changed=mailing), "tuomas")
    sent = {"handle": "aino", "name": "Aino", "email": "aino@example.org"}
    admin.post("/admin/people/add", data=sent)
    answer = admin.post(f"{_address(sessions, 'aino')}/invite", follow_redirects=True)
    assert "will be sent by e-mail" in answer.text and "new-password/" not in answer.text
    with sessions() as session:
        assert session.scalars(select(OutgoingMail.kind)).all() == ["invitation"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"handle": "ai no"}, "without spaces"),
        ({"handle": "tuomas"}, "has this user name already"),
        ({"name": " "}, "Write the name"),
        ({"email": "aino"}, "not an e-mail address"),
        ({"email": "t@example.org"}, "Somebody else has this e-mail address"),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_nothing_is_lost(
    changed: dict[str, str], said: str, admin: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        accounts.set_email(session, session.scalars(select(Person)).one(), "t@example.org")
    sent = {"handle": "aino", "name": "Aino Lahti", "email": "aino@example.org", "role": "lead"} | changed
    answer = admin.post("/admin/people/add", data=sent)
    assert answer.status_code == 422 and said in answer.text
    assert f'value="{sent["handle"]}"' in answer.text and 'value="lead" checked' in answer.text
    with sessions() as session:
        assert session.scalars(select(Person.handle)).all() == ["tuomas"]


def test_a_person_is_changed_and_each_change_names_the_admin(
    admin: FlaskClient, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    number, me = add_person("aino", "staff", "it"), add_person("tuomas", "admin", "it")
    add_person("vera", "agent", "hr")
    sent = {"name": "Aino Lahti", "email": "a@example.org", "role": "agent", "teams": ["it", "hr"], "kind": "person"}
    for _ in range(2):
        assert admin.post(f"/admin/people/{number}", data=sent).status_code == 302
    with sessions() as session:
        aino = session.get_one(Person, number)
        assert (aino.name, aino.role, aino.stated_kind) == ("Aino Lahti", "agent", "person")
        assert [team.handle for team in aino.teams] == ["hr", "it"]
    actions = ("person.name", "person.role", "person.teams", "person.kind", "account.email")
    assert _done(sessions) == [(action, me) for action in actions]
    assert admin.post("/admin/people/999", data=sent).status_code == 404


def test_the_last_admin_is_not_changed_and_the_page_says_why(
    admin: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    own = _address(sessions, "tuomas")
    answer = admin.post(own, data={"name": "Tuomas", "role": "lead", "teams": "it", "kind": "guess"})
    assert answer.status_code == 422 and "only admin who may sign in" in answer.text
    answer = admin.post(f"{own}/disable", data={"confirmed": "1"})
    assert answer.status_code == 409 and "only admin who may sign in" in answer.text
    assert not _account(sessions, "tuomas").disabled and _account(sessions, "tuomas").person.role == "admin"


def test_disabling_says_first_what_ends_and_then_ends_it(
    admin: FlaskClient, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    number = add_person("aino")
    with sessions.begin() as session:
        aino = session.get_one(Person, number)
        sign_in_sessions.begin(session, aino, "password", days=1)
        token = accounts.make_token(session, aino, "night job", ["read"])
    asked = admin.post(f"/admin/people/{number}/disable").text
    assert "1 browser is signed out." in asked and "1 token is deleted for good." in asked
    with sessions() as session:
        assert accounts.token_of(session, token, utc_now().date()) is not None  # not yet
    admin.post(f"/admin/people/{number}/disable", data={"confirmed": "1"})
    with sessions() as session:
        assert accounts.token_of(session, token, utc_now().date()) is None
    assert _account(sessions, "aino").disabled
    assert "account disabled" in admin.get(f"/admin/people/{number}").text
    admin.post(f"/admin/people/{number}/enable")
    assert not _account(sessions, "aino").disabled


def test_a_service_gets_a_token_that_is_shown_once_and_its_last_use(
    admin: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    admin.post("/admin/people/add", data={"handle": "loader", "name": "Night load", "kind": "service"})
    address = _address(sessions, "loader")
    sent = {"token_name": "night job", "scopes": ["read", "load"], "days": "30"}
    made = admin.post(f"{address}/tokens", data=sent).text
    token = re.search(r"kollega_[\w-]{43}", made)
    assert token is not None and token[0] not in admin.get(address).text
    with sessions.begin() as session:
        row = accounts.token_of(session, token[0], utc_now().date())
        assert row is not None and (row.scopes, row.person.kind) == (["load", "read"], "service")
        number = row.id
    assert "token not used yet" in admin.get("/admin/people/?state=services").text
    for sent in ({"token_name": "", "scopes": ["read"], "days": "30"}, {"token_name": "x", "days": "30"}):
        answer = admin.post(f"{address}/tokens", data=sent, follow_redirects=True)
        assert "Nothing was made" in answer.text
    admin.post(f"{address}/tokens/revoke", data={"token": str(number)})
    assert admin.post(f"{address}/tokens/revoke", data={"token": str(number)}).status_code == 404


def test_an_admin_makes_no_token_of_another_person_but_their_own(
    admin: FlaskClient, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    sent = {"token_name": "x", "scopes": "read", "days": "30"}
    number = add_person("hilla", "lead", "hr")
    for kind in ("person", "service"):  # calling her a service changes nothing
        with sessions.begin() as session:
            person = session.get_one(Person, number)
            people.set_kind(session, person, kind)
            accounts.set_password(session, person, "Correct-horse 9")
        page = admin.get(f"/admin/people/{number}").text
        assert "Everybody makes their own tokens" in page and "What it is for" not in page
        assert admin.post(f"/admin/people/{number}/tokens", data=sent).status_code == 403
    with sessions() as session:
        assert session.scalars(select(APIToken)).all() == []
        kinds = session.scalars(select(AuditEntry.details).where(AuditEntry.action == "person.kind")).all()
        assert [details and details.get("widened") for details in kinds] == [None, True]
    assert "kollega_" in admin.post(f"{_address(sessions, 'tuomas')}/tokens", data=sent).text


def test_another_address_is_told_at_the_one_before(
    settings: Settings, sessions: sessionmaker[Session], open_with: OpenWith, add_person: Callable[..., int]
) -> None:
    add_person("tuomas", "admin")
    number = add_person("hilla", "lead", "hr")
    with sessions.begin() as session:
        accounts.set_email(session, session.get_one(Person, number), "hilla@example.org")
    mailing = {"mail_server": "smtp://localhost:25", "mail_from": "k@example.org", "public_url": "http://localhost"}
    admin = sign_in(open_with(settings_changed=mailing), "tuomas")
    sent = {"name": "Hilla", "email": "me@example.org", "role": "lead", "teams": "hr"}
    assert admin.post(f"/admin/people/{number}", data=sent).status_code == 302
    with sessions() as session:
        told = session.execute(select(OutgoingMail.kind, OutgoingMail.address)).all()
        assert [tuple(row) for row in told] == [("address_changed", "hilla@example.org")]


def test_a_link_to_the_provider_and_a_second_factor_are_removed_once_confirmed(
    admin: FlaskClient, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    number = add_person("aino")
    with sessions.begin() as session:
        aino = session.get_one(Person, number)
        accounts.link(session, accounts.open_account(session, aino), "subject-1")
    assert "user name aino" in admin.post(f"/admin/people/{number}/unlink").text
    assert _account(sessions, "aino").subject == "subject-1"
    admin.post(f"/admin/people/{number}/unlink", data={"confirmed": "1"})
    assert _account(sessions, "aino").subject is None
    assert "really them who asks" in admin.post(f"/admin/people/{number}/second-factor/reset").text
    confirmed = admin.post(f"/admin/people/{number}/second-factor/reset", data={"confirmed": "1"})
    assert confirmed.status_code == 302


def test_a_link_ends_when_the_account_is_disabled(
    admin: FlaskClient, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    number = add_person("aino")
    link = re.search(r"new-password/([\w-]+)", admin.post(f"/admin/people/{number}/invite").text)
    assert link is not None
    admin.post(f"/admin/people/{number}/disable", data={"confirmed": "1"})
    with sessions() as session:
        assert password_links.person_of(session, link[1]) is None
    assert admin.post(f"/admin/people/{number}/invite").status_code == 409
