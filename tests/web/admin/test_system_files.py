"""web/admin/system_files.py: backups and exports are begun, exports downloaded and removed."""

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.database.job_tables import Job
from recommender.files import digest_of
from recommender.jobs import exports, kinds
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.forms import forms_of, press

Sessions = sessionmaker[Session]
PAGE, EXPORT = "/admin/system/", "/admin/system/export"
NAME = "kollega-20261130-010203.jsonl.gz"
CONTENT = b"a picture " * 200_000
DIGEST = digest_of(CONTENT)


@pytest.fixture
def admin(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> FlaskClient:
    add_person("boss", "admin")
    return sign_in(open_client(), "boss")


def _kinds(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Job.kind).order_by(Job.id)))


def _let_download(client: FlaskClient, settings: Settings) -> None:
    client.application.extensions["kollega_settings"] = replace(settings, export_download=True)


def _export(settings: Settings) -> None:
    settings.exports_dir.mkdir(mode=0o700)
    (settings.exports_dir / NAME).write_bytes(gzip.compress(b'{"type": "team"}\n'))
    folder = settings.exports_dir / f"{NAME}.files"
    folder.mkdir()
    (folder / DIGEST).write_bytes(CONTENT)
    (folder / "..zip").write_bytes(b"not of the export")
    (folder / ("0" * 64)).symlink_to("/etc/passwd")


def test_a_backup_is_begun_from_the_page_and_from_the_first_steps(admin: FlaskClient, sessions: Sessions) -> None:
    answer = press(admin, PAGE, "/admin/system/backup")
    assert answer.status_code == 303 and answer.location.startswith("/admin/jobs/")
    assert {form.action for form in forms_of(admin.get("/admin/").text)} >= {
        "/admin/system/backup", "/admin/quality/calibrate",
    }  # fmt: skip
    assert _kinds(sessions) == [kinds.BACKUP]


def test_an_export_says_first_what_it_holds(
    admin: FlaskClient, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    add_request("Printer")
    asked = press(admin, PAGE, EXPORT)
    assert "All 1 requests, 0 guides and" in asked.text and _kinds(sessions) == []
    form = next(form for form in forms_of(asked.text) if form.action == EXPORT)
    assert admin.post(EXPORT, data=dict(form.fields)).location.startswith("/admin/jobs/")
    assert _kinds(sessions) == [kinds.EXPORT]


def test_an_export_is_downloaded_and_removed(admin: FlaskClient, sessions: Sessions, settings: Settings) -> None:
    _export(settings)
    _let_download(admin, settings)
    assert "Admins can download the file" in press(admin, PAGE, EXPORT).text
    assert f'href="{PAGE}exports/{NAME}/files"' in admin.get(PAGE).text
    with admin.get(f"{PAGE}exports/{NAME}/files") as answer, zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert f'filename="{NAME}.files.zip"' in answer.headers["Content-Disposition"]
        assert {name: archive.read(name) for name in archive.namelist()} == {f"{NAME}.files/{DIGEST}": CONTENT}
    with admin.get(f"{PAGE}exports/{NAME}") as answer:
        assert gzip.decompress(answer.data) == b'{"type": "team"}\n'
        assert NAME in answer.headers["Content-Disposition"] and answer.headers["Cache-Control"] == "no-store"
    assert len(list(exports.zipped(settings.exports_dir / NAME))) > 2  # piece by piece
    remove = f"{PAGE}exports/{NAME}/remove"
    asked = press(admin, PAGE, remove)
    assert (settings.exports_dir / NAME).exists()
    form = next(form for form in forms_of(asked.text) if form.action == remove)
    assert admin.post(remove, data=dict(form.fields)).status_code == 303
    assert list(settings.exports_dir.iterdir()) == []
    with sessions() as session:
        entries = [entry for entry in audit.entries(session) if entry.action.startswith("store.")]
    assert [entry.action for entry in entries] == ["store.export_downloaded"] * 2 + ["store.export_removed"]
    downloads = [{"file": f"{NAME}.files.zip", "widened": True}, {"file": NAME, "widened": True}]
    assert [entry.details for entry in entries[:2]] == downloads


def test_without_the_setting_an_export_stays_on_the_server_and_the_page_says_where(
    admin: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    _export(settings)
    page = admin.get(PAGE).text
    assert NAME in page and f'exports/{NAME}"' not in page
    assert "in the folder exports of the home directory" in page and "KOLLEGA_EXPORT_DOWNLOAD" in page
    assert str(settings.home) not in page
    assert "the attached files are beside it" in page and f"exports/{NAME}/files" not in page
    assert [admin.get(f"{PAGE}exports/{NAME}{end}").status_code for end in ("", "/files")] == [404, 404]
    asked = press(admin, PAGE, EXPORT).text
    assert "without their name" in asked and "Admins can download the file" not in asked
    with sessions() as session:
        assert [entry for entry in audit.entries(session) if entry.action == "store.export_downloaded"] == []


@pytest.mark.parametrize("name", ("kollega.db", "..%2fkollega.db", "../kollega.db", "kollega-1.jsonl.gz"))
def test_no_other_file_is_given(name: str, admin: FlaskClient, settings: Settings) -> None:
    _export(settings)
    _let_download(admin, settings)
    (settings.exports_dir / "kollega.db").write_text("x")
    assert admin.get(f"{PAGE}exports/{name}").status_code == 404
    assert admin.get(f"{PAGE}exports/{name}/files").status_code == 404


def test_only_admins_may(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], settings: Settings
) -> None:
    _export(settings)
    add_person("boss", "admin")
    add_person("aino", "lead", "it")
    aino = sign_in(open_client(), "aino")
    assert aino.get(f"{PAGE}exports/{NAME}/files").status_code == 403
    assert aino.get(f"{PAGE}exports/{NAME}").status_code == aino.post(EXPORT).status_code == 403
