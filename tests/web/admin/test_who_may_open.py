"""Every address of the admin area, as each kind of person: leads may see and do what is theirs, and nobody but admins
the rest."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Team
from tests.conftest import sign_in
from tests.routes import values_of

FOR_LEADS = {
    ("GET", "admin_teams.listed"), ("GET", "admin_teams.show"), ("POST", "admin_teams.set_contact"),
}  # fmt: skip
"""(method, endpoint) of what the lead of the team "it" may open; of another team they may open nothing."""
AREA = "admin"


@pytest.fixture
def client(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], sessions: sessionmaker[Session]
) -> FlaskClient:
    add_person("staff", "staff", "it")
    add_person("agent", "agent", "it")
    add_person("lead", "lead", "it")
    add_person("other", "lead", "hr")
    add_person("admin", "admin")
    opened = open_client()
    opened.application.config["WTF_CSRF_ENABLED"] = False  # otherwise every form is refused before anybody is asked who
    return opened


def addresses(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(method, endpoint, address) of everything in the admin area, with the team "it" where a team is named."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if rule.endpoint.partition(".")[0].split("_")[0] != AREA:
                continue
            values = values_of(rule)
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                yield method, rule.endpoint, app.url_map.bind("localhost").build(rule.endpoint, values, method)


def _status(client: FlaskClient, method: str, address: str) -> int:
    return client.open(address, method=method).status_code


def test_there_are_addresses(client: FlaskClient) -> None:
    found = {(method, endpoint) for method, endpoint, _ in addresses(client.application)}
    assert found > FOR_LEADS | {("GET", "admin.home")}


def test_nobody_opens_anything_before_signing_in(client: FlaskClient) -> None:
    opened = {address: _status(client, method, address) for method, _, address in addresses(client.application)}
    assert {address: status for address, status in opened.items() if status != 401} == {}


@pytest.mark.parametrize("who", ["staff", "agent", "other"])
def test_staff_agents_and_leads_of_others_open_nothing_of_a_team(client: FlaskClient, who: str) -> None:
    client = sign_in(client, who)
    opened = {
        (method, address): _status(client, method, address)
        for method, endpoint, address in addresses(client.application)
        if (who, endpoint) != ("other", "admin_teams.listed") or method == "POST"
    }
    assert {what: status for what, status in opened.items() if status != 403} == {}


def test_a_lead_opens_the_page_of_the_team_and_nothing_else(client: FlaskClient) -> None:
    client = sign_in(client, "lead")
    for method, endpoint, address in addresses(client.application):
        expected = (200, 302) if (method, endpoint) in FOR_LEADS else (403,)
        assert _status(client, method, address) in expected, (method, address)


def test_an_admin_is_refused_nothing(client: FlaskClient) -> None:
    client = sign_in(client, "admin")
    for method, endpoint, address in addresses(client.application):
        if method == "GET":
            assert _status(client, method, address) not in (401, 403), (endpoint, address)


def test_a_lead_is_not_told_which_teams_there_are(client: FlaskClient) -> None:
    client = sign_in(client, "lead")
    assert client.get("/admin/teams/hr").status_code == client.get("/admin/teams/nowhere").status_code == 403
    page = client.get("/admin/teams/").text
    assert "/admin/teams/it" in page and "/admin/teams/hr" not in page and "Make a team" not in page
    menu = client.get("/admin/teams/it").text
    assert "/admin/teams/" in menu and "/admin/people" not in menu and "/admin/audit" not in menu


def test_what_a_lead_sends_changes_how_the_team_is_reached_and_nothing_else(
    client: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    client = sign_in(client, "lead")
    with sessions() as session:
        before = session.query(Team).filter_by(handle="it").one()
        unchanged = before.name, before.restricted, before.keep_days, before.private_matters
    sent = {
        "phone": "010 1", "hours": "weekdays", "hours_fi": "", "name": "Mine", "restricted": "1", "confirmed": "1",
        "keep_days": "1", "private_matters": "1", "way": "mail", "address": "me@example.org", "join": "other",
        "into": "hr",
    }  # fmt: skip
    for method, _, address in addresses(client.application):
        if method == "POST":
            client.post(address, data=sent)
    with sessions() as session:
        after = session.query(Team).filter_by(handle="it").one()
        assert (after.phone, after.hours) == ("010 1", "weekdays")
        assert (after.name, after.restricted, after.keep_days, after.private_matters) == unchanged
        assert sorted(person.handle for person in after.members) == ["agent", "lead", "staff"]
