"""web/admin/jobs.py and index.py: jobs are followed, ended and done once more on pages, and what changes the index says
first in numbers what will happen."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database import leading
from recommender.database.audit_table import AuditEntry
from recommender.database.job_tables import Job
from recommender.database.tables import Person
from recommender.index import generations
from recommender.jobs import kinds, progress, queue
from recommender.monitoring import freshness, index_state
from recommender.sentences.sentence import Sentence, joined
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.forms import forms_of, press

Sessions = sessionmaker[Session]
JOBS, INDEX = "/admin/jobs/", "/admin/index/"


@pytest.fixture
def admin(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int]
) -> FlaskClient:
    """An admin who has signed in; one item is in the index."""
    add_person("boss", "admin")
    add_request("Printer")
    return sign_in(open_client(), "boss")


def _jobs(sessions: Sessions) -> list[Job]:
    with sessions() as session:
        return list(session.scalars(select(Job).order_by(Job.id)))


def _run(sessions: Sessions, number: int) -> int:
    with sessions.begin() as session:
        job = queue.claim(session, number)
        assert job is not None
        return job.attempts


def test_a_change_that_no_search_can_find_does_not_wait_for_the_index(
    admin: FlaskClient, sessions: Sessions, settings: Settings, add_request: Callable[..., int]
) -> None:
    with sessions() as session:
        noted = freshness.look(session)
    freshness.Seen(*noted, str(generations.live_name(settings.index_dir))).write(settings.index_dir)
    with sessions.begin() as session:
        session.scalars(select(Person).where(Person.handle == "boss")).one().updated_at += timedelta(seconds=1)
    page = admin.get(INDEX).text
    assert "Up to date: 1 item." in page and "The oldest change that waits" not in page
    add_request("Network")
    page = admin.get(INDEX).text
    assert "Up to date" not in page and "The oldest change that waits" in page


def test_before_the_index_is_changed_it_is_said_in_numbers_what_will_happen(
    admin: FlaskClient, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    page = admin.get(INDEX)
    assert page.status_code == 200 and "Up to date: 1 item." in page.text
    add_request("Network")
    add_request("Screen")
    assert "Up to date" not in admin.get(INDEX).text
    asked = press(admin, INDEX, f"{INDEX}update")
    assert "2 new or changed items are read." in asked.text and "not known yet" in asked.text
    assert _jobs(sessions) == []
    (form,) = [form for form in forms_of(asked.text) if form.action == f"{INDEX}update"]
    for _twice in range(2):
        assert admin.post(form.action, data=dict(form.fields)).headers["Location"] == f"{JOBS}1"
    (job,) = _jobs(sessions)
    assert (job.kind, job.payload, job.state) == (kinds.REINDEX, {}, queue.WAITING)
    with sessions() as session:
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "job:1")).all() == ["job.added"]


def test_how_long_it_takes_follows_from_the_last_time(admin: FlaskClient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        number = queue.add(session, kinds.REINDEX, "index-x", {}).id
        queue.finish(session, number, {"items": 9, "passages": 90, "encoded": 90, "reused": 0, "seconds": 45.0})
    asked = press(admin, INDEX, f"{INDEX}full")
    assert "1 item is read anew." in asked.text and "at 2 passages a second, as the last time" in asked.text


@pytest.mark.parametrize(("what", "said"), [("check", "Nothing is changed."), ("repair", "built anew if need be")])
def test_checking_says_whether_it_changes_anything(admin: FlaskClient, what: str, said: str) -> None:
    assert said in press(admin, INDEX, f"{INDEX}{what}").text


def test_there_is_nothing_to_go_back_to_without_an_index_before(admin: FlaskClient, sessions: Sessions) -> None:
    assert f"{INDEX}rollback" not in admin.get(INDEX).text
    form = next(form for form in forms_of(admin.get(INDEX).text) if form.action == f"{INDEX}update")
    assert admin.post(f"{INDEX}rollback", data={**dict(form.fields), "confirmed": "1"}).status_code == 302
    assert _jobs(sessions) == []


def test_another_model_must_exist_and_no_setting_may_name_one(
    admin: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    assert "KOLLEGA_MODEL sets the model" in admin.get(INDEX).text  # as in these tests
    form = next(form for form in forms_of(admin.get(INDEX).text) if form.action == f"{INDEX}update")
    token = dict(form.fields)["csrf_token"]
    assert admin.post(f"{INDEX}model", data={"csrf_token": token, "other": "x"}).status_code == 409
    assert _jobs(sessions) == []


def test_a_job_is_followed_cancelled_and_done_once_more(admin: FlaskClient, sessions: Sessions) -> None:
    assert "There are no jobs yet" in admin.get(JOBS).text
    with sessions.begin() as session:
        number = queue.add(session, kinds.SYNC, "source:wiki", {"source": "wiki"}).id
    attempt = _run(sessions, number)
    with sessions.begin() as session:
        progress.report(session, number, attempt, queue.LEASE, done=3, total=9, unit="items", stage="reading")
        progress.note(session, number, "Begun.")
    page = admin.get(f"{JOBS}{number}")
    assert "Read the source wiki" in page.text and "3 of 9" in page.text and "data-follow" in page.text
    assert '<progress max="9" value="3"' in page.text and "Begun." in page.text
    assert "kollega watch is not running" in page.text
    assert "Luetaan lähde wiki" in admin.get(f"{JOBS}{number}?lang=fi").text
    admin.get(f"{JOBS}?lang=en")
    assert press(admin, f"{JOBS}{number}", f"{JOBS}{number}/cancel").status_code == 302
    assert "Being cancelled" in admin.get(f"{JOBS}{number}").text
    with sessions.begin() as session:
        queue.end_cancelled(session, number, attempt)
    assert press(admin, f"{JOBS}{number}", f"{JOBS}{number}/retry").status_code == 302
    assert _jobs(sessions)[0].state == queue.WAITING
    assert admin.get(f"{JOBS}99").status_code == 404


def test_what_programs_have_sent_is_no_job_of_the_page(admin: FlaskClient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        number = queue.add(session, kinds.LOAD, "crm", [{"title": "secret"}]).id
    assert admin.get(f"{JOBS}{number}").status_code == 404
    assert "There are no jobs yet" in admin.get(JOBS).text


def test_all_items_are_not_compared_while_a_job_runs_nor_for_a_page_that_is_followed(
    admin: FlaskClient, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    compare = index_state.difference

    def counting(session: Session, settings: Settings) -> index_state.Difference:
        compared.append(1)
        return compare(session, settings)

    monkeypatch.setattr(index_state, "difference", counting)
    assert "Count what differs" in admin.get(INDEX, headers={"X-Followed": "1"}).text and not compared
    for what in ("check", "repair"):
        assert "1 item of the index" in press(admin, INDEX, f"{INDEX}{what}").text
    compared.clear()  # of the page with the buttons
    with sessions.begin() as session:
        queue.add(session, kinds.REINDEX, "index-x", {})
    assert "Count what differs" in admin.get(INDEX).text and not compared
    assert "Up to date: 1 item." in admin.get(f"{INDEX}?count=1").text and compared
    compared.clear()
    assert admin.get(f"{INDEX}?count=1", headers={"X-Followed": "1"}).status_code == 200 and not compared


def test_of_a_large_index_the_job_finds_out_what_has_changed(
    admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.admin.index._COUNTED_AT_ONCE", 0)
    assert "how much that is, the job tells" in press(admin, INDEX, f"{INDEX}update").text
    assert "1 item is read anew." in press(admin, INDEX, f"{INDEX}full").text


def test_a_job_on_an_index_that_nobody_looks_after_says_so(
    admin: FlaskClient, sessions: Sessions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "no kollega watch looks after it"
    monkeypatch.setattr(queue, "is_watched", lambda _session: True)  # on another machine
    with sessions.begin() as session:
        number = queue.add(session, kinds.REINDEX, leading.index_lead(settings), {}).id
        other = queue.add(session, kinds.EXPORT, kinds.EXPORT, {}).id
    assert all(said in admin.get(address).text for address in (INDEX, JOBS, f"{JOBS}{number}"))
    assert said not in admin.get(f"{JOBS}{other}").text
    with sessions.begin() as session:
        lock = leading.take_lock(session.get_bind().engine, leading.index_lead(settings))
    assert lock is not None
    with closing(lock):
        assert not any(said in admin.get(address).text for address in (INDEX, JOBS, f"{JOBS}{number}"))


def test_problems_and_the_log_are_said_in_the_language_of_the_page_and_old_rows_as_they_are(
    admin: FlaskClient, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        number = queue.add(session, kinds.VERIFY, "index-x", {}).id
        progress.note(session, number, Sentence("Begun."))
        progress.note(session, number, "Somebody said so before.")
        missing = Sentence("%(key)s is not in the index", key="request:7")
        problems = [joined([missing, Sentence("Run: kollega reindex")], ". "), "An old problem."]
        made = Sentence("empty titles of a %(kind)s were made of the first words of the text", kind=Sentence("request"))
        changes = [Sentence("%(change)s (%(where)s)", change=made, where="tickets.csv:3"), "An old change."]
        queue.finish(session, number, {"problem_count": 2, "problems": problems, "changes": changes})
    page = admin.get(f"{JOBS}{number}?lang=fi").text
    assert "request:7 puuttuu hakuindeksistä. Aja: kollega reindex" in page and "Aloitettu." in page
    assert "tyhjät otsikot muodostettiin tekstin ensimmäisistä sanoista (pyyntö) (tickets.csv:3)" in page
    assert '<span lang="en">An old problem.</span>' in page and '<span lang="en">An old change.</span>' in page
    assert "Somebody said so before." in page
    assert "request:7 is not in the index. Run: kollega reindex" in admin.get(f"{JOBS}{number}?lang=en").text
    with sessions() as session:
        assert session.get_one(Job, number).result["problems"] == problems


@pytest.mark.parametrize("connected", (True, False))
def test_after_connecting_the_button_leads_to_the_source_or_back_to_the_form(
    connected: bool, admin: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    table = {"kind": "zammad", "place": "https://desk.example"}
    result = {"connected": True} if connected else {"problem_count": 1, "problems": ["It cannot be written."]}
    state = queue.DONE if connected else queue.FAILED
    with sessions.begin() as session:
        job = queue.add(session, kinds.CONNECT, payload={"source": "desk", "table": table})
        job.state, job.result = state, result
    if connected:
        settings.sources_file.write_text('[desk]\nkind = "zammad"\nplace = "https://desk.example"\n')
    number = _jobs(sessions)[-1].id
    address = "/admin/sources/desk" if connected else f"/admin/sources/_connect/zammad?job={number}"
    page = admin.get(f"{JOBS}{number}").text
    assert f'class="button" href="{address}"' in page
    assert admin.get(address).status_code == 200
    if not connected:
        form = admin.get(address).text
        assert 'name="place" value="https://desk.example"' in form and 'value="desk"' in form
        other = admin.get(f"/admin/sources/_connect/gitlab?job={number}").text
        assert "desk.example" not in other and admin.get("/admin/sources/_connect/gitlab?job=x").status_code == 200


def test_a_connection_that_was_cancelled_while_it_was_tried_out_leads_to_its_source(
    admin: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    table = {"kind": "zammad", "place": "https://desk.example/a?key=secret"}
    with sessions.begin() as session:
        queue.add(session, kinds.CONNECT, payload={"source": "desk", "table": table}).state = queue.CANCELLED
    gone = admin.get(f"{JOBS}{_jobs(sessions)[-1].id}").text
    assert 'href="/admin/sources/desk"' not in gone
    settings.sources_file.write_text('[desk]\nkind = "zammad"\nplace = "https://desk.example/a?key=secret"\n')
    assert 'class="button" href="/admin/sources/desk"' in admin.get(f"{JOBS}{_jobs(sessions)[-1].id}").text
