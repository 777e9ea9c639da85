"""The set-up in a browser, without scripts: code, organisation, admin, teams."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import Person, Team
from recommender.first_run import code
from recommender.organisation.values import Organisation
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from web.app import create_app

ADMIN = {
    "handle": "aino", "name": "Aino Admin", "email": "aino@example.org", "password": "correct horse battery staple",
    "again": "correct horse battery staple",
}  # fmt: skip
ORGANISATION = {"name": "Esimerkki Oy", "languages": ["fi", "en"], "language": "fi", "time_zone": "Europe/Helsinki"}
Open = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def set_up_already() -> None:
    """In these tests nobody can sign in yet."""


@pytest.fixture
def open_new(settings: Settings, open_recommender: Callable[[], Recommender]) -> Iterator[Open]:
    """Opens a client of an application that is not set up, with changed settings."""
    apps: list[Flask] = []

    def opened(**changes: Any) -> FlaskClient:
        made = create_app(replace(settings, anonymous_reading=False, **changes), recommender=open_recommender())
        made.config["WTF_CSRF_ENABLED"] = False
        apps.append(made)
        return made.test_client()

    yield opened
    for app in apps:
        close_app(app)


def _code(sessions: sessionmaker[Session], settings: Settings) -> str:
    with sessions.begin() as session:
        printed = code.code_to_print(session, settings)
    assert printed is not None
    return printed


def _give_code(client: FlaskClient, sessions: sessionmaker[Session], settings: Settings) -> None:
    answer = client.post("/setup", data={"code": _code(sessions, settings)})
    assert (answer.status_code, answer.location) == (303, "/setup/organisation")


@pytest.mark.parametrize("address", ("/", "/sign-in", "/desk/", "/admin/", "/people/me", "/no-such-page-of-ours/x"))
def test_every_page_leads_to_the_set_up(open_new: Open, address: str) -> None:
    answer = open_new().get(address)
    if address.startswith("/no-such"):
        assert answer.status_code == 404
    else:
        assert (answer.status_code, answer.location) == (303, "/setup")


def test_what_is_no_page_answers_as_usual(open_new: Open) -> None:
    client = open_new()
    assert client.get("/health/live").status_code == 200
    assert client.get("/api/v1/requests/1").status_code == 401
    with client.get("/static/icon.svg") as answer:
        assert answer.status_code == 200


def test_nothing_can_be_set_up_without_the_code(
    open_new: Open, sessions: sessionmaker[Session], settings: Settings
) -> None:
    client = open_new()
    _code(sessions, settings)
    for address in ("/setup/organisation", "/setup/admin", "/setup/teams", "/setup/knowledge"):
        assert client.get(address).location == "/setup"
    for address, form in (("/setup/organisation", ORGANISATION), ("/setup/admin", ADMIN), ("/setup/teams", {})):
        assert client.post(address, data=form).location == "/setup"
    wrong = client.post("/setup", data={"code": "AAAA-AAAA-AAAA"})
    assert wrong.status_code == 422 and "not the right code" in wrong.get_data(as_text=True)
    with sessions() as session:
        assert session.scalars(select(Person)).all() == []


def test_somebody_who_tries_codes_keeps_nobody_else_from_setting_up(
    open_new: Open, sessions: sessionmaker[Session], settings: Settings
) -> None:
    client = open_new()
    printed = _code(sessions, settings)
    other = {"REMOTE_ADDR": "192.0.2.7"}
    for _try in range(10):
        assert client.post("/setup", data={"code": "AAAA"}, environ_base=other).status_code == 422
    waits = client.post("/setup", data={"code": printed}, environ_base=other)
    assert waits.status_code == 429 and "Too many wrong codes. Wait" in waits.get_data(as_text=True)
    assert client.post("/setup", data={"code": printed}).location == "/setup/organisation"


def test_where_people_can_sign_in_but_no_admin_pages_are_as_usual_and_the_set_up_is_open(
    open_new: Open, sessions: sessionmaker[Session], settings: Settings, add_person: Callable[..., int]
) -> None:
    number = add_person("matti")
    with sessions.begin() as session:
        accounts.open_account(session, session.get_one(Person, number)).email = "matti@example.org"
    client = open_new()
    assert client.get("/sign-in").status_code == 200
    _give_code(client, sessions, settings)
    assert client.post("/setup/organisation", data=ORGANISATION).location == "/setup/admin"
    assert client.post("/setup/admin", data=ADMIN | {"handle": "matti"}).location == "/setup/teams"
    with sessions() as session:
        assert session.get_one(Person, number).role == "admin"


def test_the_set_up_changes_no_team_that_is_there(
    open_new: Open, sessions: sessionmaker[Session], settings: Settings
) -> None:
    with sessions.begin() as session:
        session.add(Team(handle="wellbeing", name="Wellbeing", private_matters=True, hours="9-15", restricted=True))
    client = open_new()
    _give_code(client, sessions, settings)
    client.post("/setup/organisation", data=ORGANISATION)
    client.post("/setup/admin", data=ADMIN)
    page = client.get("/setup/teams?lang=en").get_data(as_text=True)
    assert 'href="/admin/teams/wellbeing"' in page and 'value="wellbeing"' not in page
    form = {"rows": "1", "on-0": "1", "name-0-en": "WELLBEING!"}
    assert client.post("/setup/teams", data=form).status_code == 422
    old = {"rows": "1", "on-0": "1", "handle-0": "wellbeing", "name-0-en": "Wellbeing", "name-0-fi": "Uusi"}
    client.post("/setup/teams", data=old)
    with sessions() as session:
        team = session.scalars(select(Team).where(Team.handle == "wellbeing")).one()
        kept = team.name, team.name_fi, team.private_matters, team.hours, team.restricted
        assert kept == ("Wellbeing", None, True, "9-15", True)


def test_from_the_code_to_the_teams(open_new: Open, sessions: sessionmaker[Session], settings: Settings) -> None:
    client = open_new()
    _give_code(client, sessions, settings)
    assert client.post("/setup/organisation", data=ORGANISATION).location == "/setup/admin"
    assert client.post("/setup/admin", data=ADMIN).location == "/setup/teams"
    form = {
        "rows": "3", "handle-0": "it", "on-0": "1", "name-0-en": "IT", "name-0-fi": "IT-tuki", "phone-0": "123",
        "handle-1": "hr", "name-1-en": "HR", "restricted-1": "1",
        "on-2": "1", "name-2-en": "Sähkö ja lämpö", "restricted-2": "1",
    }  # fmt: skip
    assert client.post("/setup/teams", data=form).location == "/setup/knowledge"
    assert "Where your knowledge comes from" in client.get("/setup/knowledge?lang=en").get_data(as_text=True)
    assert client.get("/admin/").status_code == 200  # the admin is signed in
    with sessions() as session:
        made = Organisation.read(session, settings)
        assert (made.name, made.settings.language, made.settings.time_zone) == (
            "Esimerkki Oy", "fi", "Europe/Helsinki"
        )  # fmt: skip
        person = session.scalars(select(Person)).one()
        assert (person.handle, person.role) == ("aino", "admin")
        found = session.scalars(select(Team).order_by(Team.handle)).all()
        assert [(team.handle, team.name, team.name_fi, team.restricted, team.phone) for team in found] == [
            ("it", "IT", "IT-tuki", False, "123"), ("sahko-ja-lampo", "Sähkö ja lämpö", None, True, None)
        ]  # fmt: skip
        actions = set(session.scalars(select(AuditEntry.action)))
        assert {"organisation.name", "set_up.admin", "account.password", "team.added"} <= actions
    visitor = client.application.test_client()
    assert visitor.get("/setup").location == "/"
    assert visitor.get("/setup/admin").status_code == 401
    assert not (settings.home / "set_up_code").exists()


def test_what_cannot_be_used_is_said_and_nothing_is_stored(
    open_new: Open, sessions: sessionmaker[Session], settings: Settings
) -> None:
    client = open_new()
    _give_code(client, sessions, settings)
    form = {**ORGANISATION, "name": " ", "languages": [], "time_zone": "Nowhere"}
    page = client.post("/setup/organisation", data=form)
    assert page.status_code == 422
    text = page.get_data(as_text=True)
    assert all(f'href="#{name}"' in text for name in ("name", "languages", "time_zone"))
    for changes, name in (
        ({"password": "short", "again": "short"}, "password"),
        ({"again": "another"}, "again"),
        ({"handle": "two words"}, "handle"),
        ({"email": "nowhere"}, "email"),
        ({"name": ""}, "name"),
    ):
        page = client.post("/setup/admin", data={**ADMIN, **changes})
        assert page.status_code == 422 and f'href="#{name}"' in page.get_data(as_text=True)
        assert "correct horse" not in page.get_data(as_text=True)
    with sessions() as session:
        assert session.scalars(select(Person)).all() == []
        assert Organisation.read(session, settings).name == ""
    assert client.post("/setup/admin", data=ADMIN).location == "/setup/teams"  # the code was not used up


def test_behind_a_proxy_the_first_admin_needs_no_password(
    open_new: Open, sessions: sessionmaker[Session], settings: Settings
) -> None:
    client = open_new(proxy_header="X-User")
    _give_code(client, sessions, settings)
    headers = {"X-User": "aino.a"}
    page = client.get("/setup/admin", headers=headers).get_data(as_text=True)
    assert 'value="aino.a"' in page and 'type="password"' not in page
    form = {"handle": "aino.a", "name": "Aino", "email": "", "password": "", "again": ""}
    assert client.post("/setup/admin", data=form, headers=headers).location == "/setup/teams"
    assert client.get("/setup/teams", headers=headers).status_code == 200
    assert client.get("/setup/teams").status_code == 401


def test_with_an_openid_provider_the_password_may_be_left_out(
    open_new: Open, sessions: sessionmaker[Session], settings: Settings
) -> None:
    client = open_new(oidc_issuer="https://id.example.org", oidc_client_id="kollega")
    _give_code(client, sessions, settings)
    assert "preferred_username" in client.get("/setup/admin").get_data(as_text=True)
    form = {**ADMIN, "password": "", "again": ""}
    assert client.post("/setup/admin", data=form).location == "/setup/teams"
    assert client.get("/setup/teams").status_code == 200


def test_visitors_who_may_read_are_not_kept_from_what_is_there(
    open_new: Open, add_request: Callable[..., int], settings: Settings
) -> None:
    add_request("Printer is stuck", answer="Open the tray.")
    client = open_new()
    client.application.extensions["kollega_settings"] = replace(settings, anonymous_reading=True)
    assert client.get("/").status_code == 200
    client.application.extensions["kollega_settings"] = replace(settings, anonymous_reading=False)
    assert client.get("/").location == "/setup"
