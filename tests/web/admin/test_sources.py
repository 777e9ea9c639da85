"""web/admin/sources.py: a source that fails is found on the first page of admins and says what to do."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.sources.kinds import KINDS
from recommender.database.job_tables import Job
from recommender.database.source_tables import state_of
from recommender.database.tables import HelpRequest, utc_now
from recommender.jobs import kinds, queue
from recommender.monitoring import source_states
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.forms import forms_of, press

Sessions = sessionmaker[Session]
LIST, DESK = "/admin/sources/", "/admin/sources/desk"
FILE = """
[desk]
kind = "zammad"
place = "https://robot:hunter2@desk.example"
every = "15m"
full_every = "1d"
api_key = "sesame"
[desk.teams]
"Service Desk" = "it"
[desk.audiences]
"All staff" = ["everyone"]
[forum]
kind = "jsonl"
place = "forum.jsonl"
token_file = "/etc/kollega/forum"
"""


@pytest.fixture
def admin(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], sessions: Sessions, settings: Settings
) -> FlaskClient:
    """An admin who has signed in; there are two sources."""
    add_person("boss", "admin")
    settings.sources_file.write_text(FILE)
    return sign_in(open_client(), "boss")


def _fail(sessions: Sessions, name: str, error: str) -> None:
    with sessions.begin() as session:
        state = state_of(session, name)
        state.error, state.failures, state.started_at = error, 1, utc_now()


def _jobs(sessions: Sessions) -> list[Job]:
    with sessions() as session:
        return list(session.scalars(select(Job).order_by(Job.id)))


def test_sources_are_listed_with_their_mapping_and_without_secrets(admin: FlaskClient, sessions: Sessions) -> None:
    page = admin.get(LIST)
    assert (
        page.status_code == 200
        and "Not read yet" in page.text
        and "every 15 minutes; from the beginning every day" in page.text
    )
    with sessions.begin() as session:
        state = state_of(session, "desk")
        state.started_at = state.finished_at = utc_now()
        state.counts = {"added": 7, "updated": 2, "unchanged": 1, "removed": 1, "deleted": 3}
        state.problems = ["ticket 9: title: it is empty"]
    one = admin.get(DESK).text
    assert "7 added, 2 changed, 1 unchanged, 4 removed." in one and "ticket 9: title: it is empty" in one
    assert "Service Desk → it" in one and "All staff → everyone" in one and "https://desk.example" in one
    assert "hunter2" not in one + page.text and "sesame" not in one + page.text
    assert "1 record of the source desk could not be used." in admin.get("/admin/").text
    assert admin.get(f"{LIST}nowhere").status_code == 404


@pytest.mark.parametrize(
    ("name", "said"), [("desk", "Set KOLLEGA_DESK_TOKEN to it"), ("forum", "Write it into the file /etc/kollega/forum")]
)
def test_a_wrong_token_is_seen_on_the_first_page_and_its_remedy_on_the_page_of_the_source(
    admin: FlaskClient, sessions: Sessions, name: str, said: str
) -> None:
    assert "cannot be read" not in admin.get("/admin/").text
    _fail(sessions, name, f"{name}: the token is refused (401): make a new one.")
    assert f'<a href="{LIST}{name}">The source {name} cannot be read.</a>' in admin.get("/admin/").text
    page = admin.get(f"{LIST}{name}").text
    assert "the token is refused (401)" in page and said in page
    assert "ei voi lukea" in admin.get(f"{LIST}{name}?lang=fi").text


def test_another_failure_says_to_correct_what_is_said(admin: FlaskClient, sessions: Sessions) -> None:
    _fail(sessions, "forum", "forum.jsonl is not there.")
    page = admin.get(f"{LIST}forum").text
    assert "Correct what is said above" in page and "chmod" not in page


def test_a_source_is_read_and_tried_out_as_a_job(admin: FlaskClient, sessions: Sessions) -> None:
    for what in ("read", "try"):
        assert press(admin, DESK, f"{DESK}/{what}").status_code == 302
    assert [(job.kind, job.payload) for job in _jobs(sessions)] == [
        (kinds.SYNC, {"source": "desk"}),
        (kinds.SYNC, {"source": "desk", "dry_run": True}),
    ]
    assert "Waiting" in admin.get(DESK).text and "data-follow" in admin.get(LIST).text


def test_reading_from_the_beginning_says_first_how_much_is_here(admin: FlaskClient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        for number in range(3):
            session.add(HelpRequest(title="x", body="", source="desk", external_id=str(number), status="open",
                                    language="en", created_at=utc_now()))  # fmt: skip
    asked = press(admin, DESK, f"{DESK}/full")
    assert "3 items of it are here now." in asked.text and _jobs(sessions) == []
    (form,) = [form for form in forms_of(asked.text) if form.action == f"{DESK}/full"]
    assert admin.post(form.action, data=dict(form.fields)).status_code == 302
    assert _jobs(sessions)[0].payload == {"source": "desk", "full": True}


def test_a_file_that_cannot_be_read_and_a_job_that_has_failed_are_told(
    admin: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    settings.sources_file.write_text("[desk\n")
    with sessions.begin() as session:
        number = queue.add(session, kinds.EXPORT, payload={}).id
        queue.claim(session, number)
        queue.fail(session, number, 1, "The disk is full.", again=False)
    home = admin.get("/admin/").text
    assert "sources.toml cannot be read." in home and "A job has failed: Write everything into a file" in home
    assert "This file cannot be read:" in admin.get(LIST).text


@pytest.mark.parametrize(
    "file",
    [
        '[a]\nkind = "csv"\nplace = "https://[bad/hunter2"\n',
        '[""]\nkind = "csv"\nplace = "x"\n',
        '["a/b"]\nkind = "csv"\nplace = "x"\n',
        '["a/b"]\nkind = 3\nplace = []\nevery = 2026-01-01\nteams = 4\n',
    ],
)
def test_a_source_that_is_written_wrong_takes_no_page_with_it(
    file: str, admin: FlaskClient, settings: Settings
) -> None:
    settings.sources_file.write_text(file)
    answers = [admin.get(address) for address in (LIST, "/admin/", f"{LIST}a")]
    assert [answer.status_code for answer in answers[:2]] == [200, 200] and answers[2].status_code in (200, 404)
    assert not any("hunter2" in answer.text for answer in answers)


def test_a_section_that_fails_is_told_on_the_first_page_of_admins(
    admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError("a fault")

    monkeypatch.setattr("web.admin.source_words.attention", fail)
    page = admin.get("/admin/")
    assert page.status_code == 200 and "The state of the sources could not be read." in page.text


def test_secrets_in_an_address_or_in_an_unknown_option_are_not_shown(admin: FlaskClient, settings: Settings) -> None:
    settings.sources_file.write_text(
        '[desk]\nkind = "jira"\nplace = "https://robot:hunter2@desk.example/jira?access_token=hunter2#hunter2"\n'
        'filter = "project = IT"\naddress = "https://desk.example/page?pass=hunter2"\npasswort = "hunter2"\n'
        'headers = {Authorization = "Bearer hunter2"}\n'
    )
    page = admin.get(DESK).text
    assert "https://desk.example/jira" in page and "project = IT" in page and "https://desk.example/page" in page
    assert "hunter2" not in page and "hunter2" not in admin.get(LIST).text


def test_the_options_of_all_kinds_are_shown_but_those_that_name_a_secret() -> None:
    elsewhere = {"place", "teams", "audiences", "token_file", "password_file"}
    known = {option for kind in KINDS.values() for option in kind.options().model_fields}
    assert known - elsewhere == set(source_states.OPTIONS)
