"""The pages with which an admin loads a file: upload, what was understood, correcting it, loading it, asking."""

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.jobs.execute import execute
from recommender.database.audit_table import AuditEntry
from recommender.database.job_tables import Job
from recommender.database.tables import HelpRequest, Person, Team
from recommender.jobs import queue
from recommender.jobs.kinds import WORK
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.indexer.loading.test_uploaded import TABLE

Run = Callable[[], None]


@pytest.fixture
def run_jobs(settings: Settings, sessions: sessionmaker[Session]) -> Run:
    """Does the jobs that wait, as `kollega watch` does."""

    def run() -> None:
        while True:
            with sessions.begin() as session:
                number = queue.next_due(session, WORK)
                job = queue.claim(session, number) if number is not None else None
            if number is None or job is None:
                return
            execute(settings, sessions, number, job.attempts)

    return run


@pytest.fixture
def admin(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> FlaskClient:
    """An admin of an installation with the team IT."""
    add_person("aino", "admin", "it")
    client = open_client()
    client.application.config["WTF_CSRF_ENABLED"] = False
    return sign_in(client, "aino")


def _upload(client: FlaskClient, name: str, content: bytes) -> str:
    answer = client.post("/admin/import/", data={"file": (io.BytesIO(content), name)})
    assert answer.status_code == 303
    return str(answer.location)


def test_a_table_is_uploaded_looked_at_corrected_and_loaded(
    admin: FlaskClient, run_jobs: Run, sessions: sessionmaker[Session]
) -> None:
    address = _upload(admin, "tickets.csv", TABLE)
    page = admin.get(address).get_data(as_text=True)
    assert "Kollega is reading the file" in page and "renew.js" in page and "See how far it is" in page
    assert "kollega watch is not running" in page
    run_jobs()
    page = admin.get(address).get_data(as_text=True)
    assert "renew.js" not in page and "1 row cannot be loaded" in page and "Vaihda portti 443." in page
    assert '<option value="title" selected>' in page
    form = {"column-0": "id", "column-1": "body", "column-2": "title", "column-3": "status", "column-5": "answer",
            "kind": "request", "dates": "day-first", "status-0": "resolved", "status-1": "resolved"}  # fmt: skip
    assert admin.post(f"{address}/correct", data=form).location == address
    run_jobs()
    assert admin.post(f"{address}/load", data={"team": "it"}).location == address
    assert admin.post(f"{address}/load", data={"team": "it"}).location == address  # a double click
    assert "The file is being loaded" in admin.get(address).get_data(as_text=True)
    run_jobs()
    page = admin.get(address).get_data(as_text=True)
    assert "Loaded: 2 new" in page
    with sessions() as session:
        rows = session.scalars(select(HelpRequest).order_by(HelpRequest.external_id)).all()
        assert [(row.title, row.status) for row in rows][:1] == [("Yhteys katkeaa.", "resolved")]
        assert {session.get_one(Team, row.team_id).handle for row in rows if row.team_id} == {"it"}
        assert session.query(Job).count() == 3
        assert "import.uploaded" in set(session.scalars(select(AuditEntry.action)))


def test_what_cannot_be_used_is_said(admin: FlaskClient, run_jobs: Run) -> None:
    for sent in ({}, {"file": (io.BytesIO(b"x"), "a.exe")}, {"file": (io.BytesIO(b""), "a.csv")}):
        answer = admin.post("/admin/import/", data=sent, content_type="multipart/form-data")
        assert answer.status_code == 422 and 'id="file-error"' in answer.get_data(as_text=True)
    address = _upload(admin, "broken.zip", b"no zip")
    run_jobs()
    page = admin.get(address).get_data(as_text=True)
    assert "could not be read" in page and "cut short or damaged" in page
    assert admin.get("/admin/import/0123456789abcdef").status_code == 404


def test_only_admins_upload(admin: FlaskClient, add_person: Callable[..., int]) -> None:
    address = _upload(admin, "tickets.csv", TABLE)
    add_person("matti", "lead", "it")
    other = admin.application.test_client()
    for path in ("/admin/import/", address):
        assert other.get(path).status_code == 401
    other = sign_in(other, "matti")
    for path in ("/admin/import/", address):
        assert other.get(path).status_code == 403
    for path in ("/admin/import/", f"{address}/load", f"{address}/correct"):
        assert other.post(path).status_code == 403


HEAD = "id;title;body;status;answer\n"
IT = (HEAD + "1;VPN drops;Since monday;resolved;Use port 443\n").encode()
HR = (HEAD + "1;Sick leave;Who pays;resolved;Call HR\n2;Parking;Where;resolved;Behind\n").encode()


def _load(client: FlaskClient, run: Run, name: str, content: bytes, **data: str) -> str:
    address = _upload(client, name, content)
    run()
    assert client.post(f"{address}/load", data=data).status_code == 303
    run()
    return address


def test_two_files_of_the_same_name_are_two_sources(
    admin: FlaskClient, run_jobs: Run, sessions: sessionmaker[Session]
) -> None:
    _load(admin, run_jobs, "tickets.csv", IT)
    _load(admin, run_jobs, "Tickets.CSV", HR)
    with sessions() as session:
        titles = session.scalars(select(HelpRequest.title).order_by(HelpRequest.id)).all()
        assert list(titles) == ["VPN drops", "Sick leave", "Parking"]


def test_a_newer_version_replaces_what_an_earlier_file_said_after_that_was_shown(
    admin: FlaskClient, run_jobs: Run, sessions: sessionmaker[Session]
) -> None:
    _load(admin, run_jobs, "tickets.csv", IT)
    address = _upload(admin, "newer.csv", HR)
    run_jobs()
    page = admin.get(address).get_data(as_text=True)
    assert "Newer version of tickets.csv" in page and "replaced" not in page
    with sessions() as session:
        source = session.scalars(select(HelpRequest.source)).one()
    form = {"kind": "request", "column-0": "id", "column-1": "title", "column-2": "body", "column-3": "status",
            "column-4": "answer", "status-0": "resolved"}  # fmt: skip
    admin.post(f"{address}/correct", data=form | {"replaces": "jira"})  # no earlier upload
    run_jobs()
    assert "replaced" not in admin.get(address).get_data(as_text=True)
    admin.post(f"{address}/correct", data=form | {"replaces": source})
    run_jobs()
    assert "1 item here is replaced.\n  New: 1. The same as before: 0." in admin.get(address).get_data(as_text=True)
    admin.post(f"{address}/load")
    run_jobs()
    with sessions() as session:
        titles = session.scalars(select(HelpRequest.title).order_by(HelpRequest.id)).all()
        assert list(titles) == ["Sick leave", "Parking"]


def test_no_other_admin_reads_the_rows_of_a_file_before_it_is_loaded(
    admin: FlaskClient, run_jobs: Run, add_person: Callable[..., int]
) -> None:
    address = _upload(admin, "tickets.csv", HR)
    run_jobs()
    add_person("boss", "admin")
    other = sign_in(admin.application.test_client(), "boss")
    assert other.get(address).status_code == 404
    for act in ("load", "correct", "discard"):
        assert other.post(f"{address}/{act}").status_code == 404


PEOPLE = (
    b'{"type":"person","id":"mallory","name":"Mallory","role":"admin"}\n'
    b'{"type":"person","id":"olli","name":"Olli","role":"agent"}\n'
)


@pytest.mark.parametrize(("form", "role"), [({}, "staff"), ({"roles": "1"}, "admin")])
def test_a_file_makes_nobody_an_admin_unless_that_was_shown_and_confirmed(
    admin: FlaskClient, run_jobs: Run, sessions: sessionmaker[Session], form: dict[str, str], role: str
) -> None:
    address = _upload(admin, "people.jsonl", PEOPLE)
    run_jobs()
    assert "These people become leads or admins: Mallory (admin)" in admin.get(address).get_data(as_text=True)
    admin.post(f"{address}/load", data=form)
    run_jobs()
    with sessions() as session:
        roles = {person.handle: person.role for person in session.scalars(select(Person))}
        assert (roles["mallory"], roles["olli"]) == (role, "agent")


def test_a_file_is_not_loaded_while_it_is_looked_at(
    admin: FlaskClient, run_jobs: Run, sessions: sessionmaker[Session]
) -> None:
    address = _upload(admin, "tickets.csv", IT)
    admin.post(f"{address}/load")
    admin.post(f"{address}/discard")
    with sessions() as session:
        assert session.query(Job).count() == 1
    run_jobs()
    assert "VPN drops" in admin.get(address).get_data(as_text=True)


def test_a_file_that_is_not_to_be_loaded_is_removed(admin: FlaskClient, run_jobs: Run, settings: Settings) -> None:
    address = _upload(admin, "tickets.csv", IT)
    run_jobs()
    assert admin.post(f"{address}/discard").location == "/admin/import/"
    assert admin.get(address).status_code == 404
    assert not list((settings.home / "uploads").iterdir())


BROKEN = b"id;title;body;created\n1;VPN;Yhteys katkeaa;25.4.2026\n2;;;4.5.2026\n3;a;b;4.4.2026;c;d\n"
UNCLEAR = b"id;title;body;created\n1;VPN;Drops;3/4/2026\n"


@pytest.mark.parametrize(("language", "said"), [
    ("fi", ("6 solua", "Otsikko ja teksti puuttuvat", "voidaan lukea kahdella tavalla")),
    ("sv", ("6 celler", "Rubrik och text saknas", "kan läsas på två sätt")),
    ("en", ("there is no title and no text", "and the table has 4 columns", "can be read in two ways")),
])  # fmt: skip
def test_what_has_to_be_mended_in_a_file_is_said_in_the_language_of_the_page(
    admin: FlaskClient, run_jobs: Run, language: str, said: tuple[str, ...]
) -> None:
    addresses = [_upload(admin, "tickets.csv", content) for content in (BROKEN, UNCLEAR)]
    run_jobs()
    page = "".join(admin.get(f"{address}?lang={language}").get_data(as_text=True) for address in addresses)
    assert [words for words in said if words not in page] == []
    assert "tickets.csv:3" in page and '<span lang="en">' not in page
