"""web/admin/teams.py: the pages of teams."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from recommender.database.audit_table import AuditEntry
from recommender.database.handover_tables import TeamDestination
from recommender.database.tables import HelpRequest, Team, utc_now
from tests.conftest import sign_in
from tests.web.forms import forms_of, press

Sessions = sessionmaker[Session]
LIST, IT = "/admin/teams/", "/admin/teams/it"


@pytest.fixture
def admin(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> FlaskClient:
    """An admin who has signed in; the team "it" has one member."""
    add_person("boss", "admin")
    add_person("aino", "agent", "it")
    return sign_in(open_client(), "boss")


def _team(sessions: Sessions, handle: str = "it") -> Team:
    with sessions() as session:
        return session.scalars(select(Team).where(Team.handle == handle)).one()


def _actions(sessions: Sessions) -> list[str]:
    with sessions() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        return [action for action in actions if action.startswith("team.")]


def _confirm(admin: FlaskClient, page: str, action: str, **changed: str) -> str:
    """Press a button that asks, look at what it says, and go on; returns what it says."""
    asked = press(admin, page, action, **changed)
    assert asked.status_code == 200, asked.status_code
    form = next(form for form in forms_of(asked.text) if form.action == action)
    assert ("confirmed", "1") in form.fields
    assert admin.post(action, data=dict(form.fields)).status_code == 302
    return asked.text


def _join(admin: FlaskClient, handle: str) -> TestResponse:
    """Send the form that adds a member; there is one with the same address for each member."""
    form = next(form for form in forms_of(admin.get(IT).text) if ("join", "") in form.fields)
    return admin.post(form.action, data={**dict(form.fields), "join": handle})


def test_a_team_is_made_before_there_is_any(open_client: Callable[[], FlaskClient], add_person: Callable[..., int],
                                           sessions: Sessions) -> None:  # fmt: skip
    add_person("boss", "admin")
    admin = sign_in(open_client(), "boss")
    assert "There is no team yet" in admin.get(LIST).text
    made = press(admin, LIST, LIST, handle="hr", name="Human resources", name_fi="Henkilöstö", restricted="1")
    assert made.headers["Location"].startswith("/admin/teams/hr")
    row = _team(sessions, "hr")
    assert (row.name, row.name_fi, row.restricted) == ("Human resources", "Henkilöstö", True)
    assert _actions(sessions) == ["team.added", "team.restricted"]
    assert "Henkilöstö" in admin.get(f"{LIST}?lang=fi").text


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"handle": "a b", "name": "X"}, "handle"), ({"handle": "it", "name": "X"}, "handle"),
     ({"handle": "x", "name": " "}, "name"), ({"handle": "x", "name": "y" * 201}, "name")],
)  # fmt: skip
def test_what_cannot_be_a_team_is_said_at_its_field_and_stays_typed(
    admin: FlaskClient, sessions: Sessions, typed: dict[str, str], field: str
) -> None:
    refused = press(admin, LIST, LIST, **typed)
    assert refused.status_code == 422 and f'id="{field}-error"' in refused.text
    assert f'value="{typed["handle"]}"' in refused.text
    assert _actions(sessions) == []


def test_names_and_how_it_is_reached_are_saved(admin: FlaskClient, sessions: Sessions) -> None:
    press(admin, IT, f"{IT}/names", name="Help desk", name_fi="IT-tuki", name_sv="IT-stöd")
    press(
        admin,
        IT,
        f"{IT}/contact",
        phone="010 5",
        hours="weekdays 8-16",
        hours_fi="arkisin klo 8-16",
        hours_sv="vardagar",
    )
    row = _team(sessions)
    assert (row.name, row.name_fi, row.phone, row.hours_fi) == ("Help desk", "IT-tuki", "010 5", "arkisin klo 8-16")
    assert (row.name_sv, row.hours_sv) == ("IT-stöd", "vardagar")
    too_long = press(admin, IT, f"{IT}/contact", phone="1" * 65)
    assert too_long.status_code == 422 and "64 characters" in too_long.text and "1" * 65 in too_long.text
    assert _team(sessions).phone == "010 5"


def test_restricting_shows_whom_it_concerns_and_leaves_what_is_there(
    admin: FlaskClient, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    number = add_request("VPN", team="it")
    add_request("Private", team="it", audience=())
    said = _confirm(admin, IT, f"{IT}/restricted")
    assert "1 member of the team" in said and "everyone can read 1 of them, and 1 are kept" in said
    assert _team(sessions).restricted
    with sessions() as session:
        assert [row.token for row in session.get_one(HelpRequest, number).audience] == ["everyone"]
    assert "2 people" in _confirm(admin, IT, f"{IT}/restricted") and not _team(sessions).restricted
    assert _actions(sessions) == ["team.restricted", "team.restricted"]


def test_a_time_of_keeping_shows_what_it_deletes_before_it_is_set(
    admin: FlaskClient, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    for title in ("Old", "Older"):
        add_request(title, team="it", by="boss")
    add_request("New", team="it", at=utc_now(), by="boss")
    said = _confirm(admin, IT, f"{IT}/keeping", keep_days="20")
    assert "2 requests are older than that now" in said and "1 are deleted within 30 days" in said
    assert _team(sessions).keep_days == 20
    for wrong in ("0", "-1", "many", "99999"):
        assert press(admin, IT, f"{IT}/keeping", keep_days=wrong).status_code == 422
    assert press(admin, IT, f"{IT}/keeping", keep_days="").status_code == 302 and _team(sessions).keep_days is None


def test_where_requests_go_is_shown_without_what_opens_it(admin: FlaskClient, sessions: Sessions) -> None:
    address = "https://hooks.example.org/services/T0/s3cret"
    press(admin, IT, f"{IT}/destination", way="webhook", address=address)
    page = admin.get(IT).text
    assert "https://hooks.example.org/…" in page and "s3cret" not in page
    with sessions() as session:
        assert session.scalars(select(TeamDestination.target)).one() == address
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None and "s3cret" not in str(entry.details) and entry.subject == "team:it"
    for way, wrong in (("webhook", "ftp://x"), ("webhook", "https://["), ("mail", "it"), ("mail", "it@example.org")):
        assert press(admin, IT, f"{IT}/destination", way=way, address=wrong).status_code == 422
    press(admin, IT, f"{IT}/destination", way="here")
    with sessions() as session:
        assert session.scalars(select(TeamDestination)).all() == []


def test_members_are_added_and_taken_out(admin: FlaskClient, sessions: Sessions) -> None:
    _join(admin, "boss")
    assert "nobody with this user name" in _join(admin, "ghost").text
    with sessions() as session:
        row = session.scalars(select(Team)).one()
        assert sorted(person.handle for person in row.members) == ["aino", "boss"]
    taking_out = next(form for form in forms_of(admin.get(IT).text) if ("leave", "aino") in form.fields)
    admin.post(f"{IT}/members", data=dict(taking_out.fields))
    with sessions() as session:
        assert [person.handle for person in session.scalars(select(Team)).one().members] == ["boss"]


def test_removing_a_team_asks_where_its_things_go_and_shows_what_moves(
    admin: FlaskClient, sessions: Sessions, add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    add_request("VPN", team="it", audience=())
    add_person("eeva", "agent", "hr")
    assert press(admin, IT, f"{IT}/remove").status_code == 422
    said = _confirm(admin, IT, f"{IT}/remove", into="hr")
    assert "1 solved request" in said and "can then read 1 items" in said
    with sessions() as session:
        assert session.scalars(select(Team.handle)).all() == ["hr"]
        assert session.scalars(select(HelpRequest)).one().team.handle == "hr"
    assert admin.get(IT).status_code == 404


def test_new_teams_are_restricted_at_first_once_that_is_set(admin: FlaskClient, sessions: Sessions) -> None:
    answer = press(admin, LIST, "/admin/teams/new-ones", new_restricted="1")
    assert answer.status_code == 302 and "Saved." in admin.get(answer.location).text
    assert not _team(sessions).restricted  # those that are there stay as they are
    made = next(form for form in forms_of(admin.get(LIST).text) if form.action == LIST)
    assert ("restricted", "1") in made.fields
    press(admin, LIST, LIST, handle="legal", name="Legal")
    assert _team(sessions, "legal").restricted
    without = [field for field in made.fields if field[0] != "restricted"] + [("handle", "pr"), ("name", "PR")]
    admin.post(LIST, data=dict(without))
    assert not _team(sessions, "pr").restricted
