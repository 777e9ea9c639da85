"""web/set_up/knowledge.py: the demo is loaded and removed by a job, after it was said what comes and what goes."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.job_tables import Job
from recommender.database.tables import HelpRequest
from recommender.jobs import kinds
from tests.conftest import sign_in
from tests.web.forms import forms_of

Sessions = sessionmaker[Session]
STEP, LOAD, REMOVE = "/setup/knowledge", "/setup/demo", "/setup/demo/remove"


@pytest.fixture
def admin(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> FlaskClient:
    add_person("boss", "admin")
    return sign_in(open_client(), "boss")


def _jobs(sessions: Sessions) -> list[tuple[str, dict[str, bool]]]:
    with sessions() as session:
        return [(job.kind, job.payload) for job in session.scalars(select(Job).order_by(Job.id))]


def _press_and_confirm(client: FlaskClient, action: str) -> str:
    """Press the button of the step, and go on; what is said in between."""
    button = next(form for form in forms_of(client.get(STEP).text) if form.action == action)
    asked = client.post(action, data=dict(button.fields)).text
    form = next(form for form in forms_of(asked) if form.action == action)
    assert ("confirmed", "1") in form.fields
    answer = client.post(action, data=dict(form.fields))
    assert answer.status_code == 303 and answer.location.startswith("/admin/jobs/")
    return asked


def test_the_demo_is_loaded_after_its_numbers_were_told(admin: FlaskClient, sessions: Sessions) -> None:
    assert _jobs(sessions) == []
    said = _press_and_confirm(admin, LOAD)
    assert "310 requests, 46 guides, 28 people and 6 teams" in said and "are invented" in said
    assert _jobs(sessions) == [(kinds.DEMO, {})]
    assert "Work on the demo is under way" in admin.get(STEP).text


def test_it_is_removed_after_it_was_said_what_goes(
    admin: FlaskClient, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    number = add_request("Invented")
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, number)
        request.source, request.external_id = "demo", "it-001"
    assert "The demo is loaded: invented answers" in admin.get("/admin/").text
    assert "1 requests and 0 guides of the demo are deleted" in _press_and_confirm(admin, REMOVE)
    assert _jobs(sessions) == [(kinds.DEMO, {"remove": True})]


def test_it_is_not_offered_beside_own_data(
    admin: FlaskClient, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    add_request("Our own printer")
    page = admin.get(STEP).text
    assert f'action="{LOAD}"' not in page and f'action="{REMOVE}"' not in page and "kollega demo --serve" in page
    for action in (LOAD, REMOVE):
        assert admin.post(action, data={"confirmed": "1"}).location == STEP
    assert _jobs(sessions) == []
    assert "The demo is loaded" not in admin.get("/admin/").text


def test_the_demo_server_does_not_remove_itself(
    open_with: Callable[..., FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int],
    sessions: Sessions,
) -> None:  # fmt: skip
    add_person("boss", "admin")
    number = add_request("Invented")
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, number)
        request.source, request.external_id = "demo", "it-001"
    admin = sign_in(open_with(settings_changed={"demo": True}), "boss")
    assert "Remove the demo" not in admin.get(STEP).text
    admin.post(REMOVE, data={"confirmed": "1"})
    assert _jobs(sessions) == []


def test_only_admins_may(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> None:
    add_person("boss", "admin")
    add_person("aino", "lead", "it")
    aino = sign_in(open_client(), "aino")
    assert [aino.post(action).status_code for action in (LOAD, REMOVE)] == [403, 403]
