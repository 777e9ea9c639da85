"""uploaded.py: what is understood of a file that an admin uploads, and what is loaded of it."""

import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.jobs.execute import execute
from indexer.loading.uploaded import look
from recommender.database.job_tables import Job
from recommender.database.tables import Document, HelpRequest
from recommender.errors import SourceError, UploadRefused
from recommender.jobs import queue
from recommender.jobs.kinds import LOAD_FILE
from recommender.settings import Settings
from recommender.uploads import upload as uploads
from recommender.uploads.upload import Upload

TABLE = """sep=;
Tunnus;Otsikko;Kuvaus;Tila;Luotu;Ratkaisu;Tunnit
1;VPN ei toimi;Yhteys katkeaa.;Ratkaistu;2.3.2026 8.10;Vaihda portti 443.;1,5
2;Näppäimistö rikki;;Avoin;3.3.2026 7.00;;
3;;;Avoin;3.3.2026 7.00;;
Yhteensä;;;;;;1,5
""".encode("utf-8-sig")


def _kept(settings: Settings, name: str, content: bytes) -> Upload:
    return uploads.keep(settings, name, io.BytesIO(content))


def _looked(settings: Settings, upload: Upload) -> dict[str, Any]:
    return look(upload, settings.home / upload.path, "Europe/Helsinki")


def _run(settings: Settings, sessions: sessionmaker[Session], upload: Upload, **more: Any) -> Job:
    with sessions.begin() as session:
        number = queue.add(session, LOAD_FILE, "", {"upload": upload.id, **more}).id
    with sessions.begin() as session:
        assert queue.claim(session, number) is not None
    execute(settings, sessions, number, 1)
    with sessions() as session:
        return session.get_one(Job, number)


def test_of_a_table_the_columns_the_rows_and_what_is_left_out_are_told(settings: Settings) -> None:
    found = _looked(settings, _kept(settings, "Tiketit 2026.csv", TABLE))
    assert {each["name"]: each["role"] for each in found["columns"]} == {
        "Tunnus": "id", "Otsikko": "title", "Kuvaus": "body", "Tila": "status", "Luotu": "created",
        "Ratkaisu": "answer", "Tunnit": "",
    }  # fmt: skip
    assert found["counts"] == {"requests": 2}
    assert found["problem_count"] == 1 and "no title and no text" in found["problems"][0]
    assert any("totals" in line for line in found["changes"])
    assert found["rows"][0][:2] == ["1", "VPN ei toimi"]
    assert found["status"] == {"Ratkaistu": "resolved", "Avoin": "open"}


def test_what_an_admin_has_corrected_counts(settings: Settings, sessions: sessionmaker[Session]) -> None:
    upload = _kept(settings, "tickets.csv", TABLE)
    columns = {"id": ["Tunnus"], "title": ["Kuvaus"], "body": ["Otsikko"], "answer": ["Ratkaisu"], "status": ["Tila"]}
    upload = replace(upload, choice={"columns": columns, "status": {"resolved": ["Avoin", "Ratkaistu"]}})
    uploads.save(settings, upload)
    roles = {each["name"]: each["role"] for each in _looked(settings, upload)["columns"]}
    assert (roles["Kuvaus"], roles["Otsikko"], roles["Luotu"]) == ("title", "body", "")
    assert _run(settings, sessions, upload).result["added"] == 2
    with sessions() as session:
        rows = session.scalars(select(HelpRequest).order_by(HelpRequest.external_id)).all()
        assert (rows[0].title, rows[0].body) == ("Yhteys katkeaa.", "VPN ei toimi")
        assert rows[0].source == f"tickets-{upload.id[:8]}"


def test_a_job_looks_and_a_job_loads_and_removes_the_file(settings: Settings, sessions: sessionmaker[Session]) -> None:
    upload = _kept(settings, "tickets.csv", TABLE)
    assert _run(settings, sessions, upload, look=True).state == "done"
    assert uploads.look_of(settings, upload) is not None
    done = _run(settings, sessions, upload)
    assert (done.state, done.result["added"], done.result["problem_count"]) == ("done", 2, 1)
    assert not (settings.home / upload.path).exists() and uploads.look_of(settings, upload) is None
    assert uploads.find(settings, upload.id) == upload
    again = _run(settings, sessions, upload)
    assert again.state == "failed" and "Upload it again" in again.result["problems"][0]


def test_a_zip_file_of_documents_is_unpacked_and_loaded(settings: Settings, sessions: sessionmaker[Session]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("guides/vpn.md", "# VPN from home\n\nUse port 443.")
        file.writestr("notes.txt", "Printer\n\nOpen the tray.")
        file.writestr("../outside.md", "# No\n\nNot this one.")
    upload = replace(_kept(settings, "Guides.zip", packed.getvalue()), choice={"team_only": True})
    uploads.save(settings, upload)
    assert _looked(settings, upload)["counts"]["documents"] == 2
    assert _run(settings, sessions, upload).state == "done"
    with sessions() as session:
        rows = session.scalars(select(Document).order_by(Document.external_id)).all()
        assert rows[0].title == "VPN from home" and len(rows) == 2
        assert all("everyone" not in {each.token for each in row.audience} for row in rows)
    assert not list(settings.home.glob("**/outside.md"))


def test_json_lines_are_counted_and_a_bad_line_is_told(settings: Settings) -> None:
    lines = b'{"type": "team", "id": "it", "name": "IT"}\n{"type": "request"}\nnonsense\n'
    found = _looked(settings, _kept(settings, "data.jsonl", lines))
    assert (found["counts"], found["problem_count"]) == ({"teams": 1}, 2)


@pytest.mark.parametrize(
    ("name", "content", "reason"), (("a.exe", b"x", "format"), ("a.csv", b"", "empty"), ("", b"x", "format"))
)
def test_other_files_are_refused_and_not_kept(settings: Settings, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(UploadRefused) as refused:
        _kept(settings, name, content)
    assert refused.value.reason == reason
    assert not list((settings.home / "uploads").glob("*/*"))


def test_only_the_account_of_kollega_can_read_an_upload_and_no_name_leads_elsewhere(settings: Settings) -> None:
    upload = _kept(settings, "..\\..\\secret/../t.csv", TABLE)
    assert upload.name == "t.csv"
    folder = settings.home / "uploads" / upload.id
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert uploads.find(settings, "../uploads/" + upload.id) is None


def test_a_file_that_is_not_what_it_says_is_told(settings: Settings) -> None:
    with pytest.raises(SourceError):
        _looked(settings, _kept(settings, "a.zip", b"no zip"))


@pytest.mark.parametrize("names", [("a", "a/b.md"), ("x" * 300 + ".md",)])
def test_a_zip_file_with_names_that_cannot_be_unpacked_says_which(
    settings: Settings, sessions: sessionmaker[Session], names: tuple[str, ...]
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in names:
            file.writestr(name, "# VPN\n\nUse port 443.")
    job = _run(settings, sessions, _kept(settings, "d.zip", packed.getvalue()), look=True)
    said = job.result["problems"][0]
    assert job.state == "failed" and f"because of its name: {names[-1][:200]}" in said
    assert str(settings.home) not in said


def test_no_problem_names_a_path_of_the_server(settings: Settings, sessions: sessionmaker[Session]) -> None:
    upload = _kept(settings, "data.jsonl", b"nonsense\n")
    assert _run(settings, sessions, upload, look=True).state == "done"
    found = uploads.look_of(settings, upload)
    assert found and str(settings.home) not in str(found) and "data.jsonl" in found["problems"][0]
    assert str(settings.home) not in str(_run(settings, sessions, upload).result)


def test_a_long_name_keeps_its_ending(settings: Settings) -> None:
    upload = _kept(settings, "pitkä " * 25 + ".csv", TABLE)
    assert (upload.format, len(upload.name), upload.name[-4:]) == ("csv", 120, ".csv")
