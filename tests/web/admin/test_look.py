"""The organisation's own look: name, logo, colours, text; and the page with all settings."""

import base64
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.audit_table import AuditEntry
from recommender.organisation.values import Organisation
from recommender.settings import Settings
from tests.conftest import sign_in

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
LOOK = {"name": "Esimerkki Oy", "accent": "#0b5cad", "accent_dark": "", "text-en": "Ask us anything.", "text-fi": ""}


@pytest.fixture
def admin(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> FlaskClient:
    add_person("aino", "admin")
    return sign_in(open_client(), "aino")


def test_the_look_is_on_every_page(admin: FlaskClient) -> None:
    assert admin.get("/logo").status_code == 404
    sent = {**LOOK, "logo": (io.BytesIO(PNG), "logo.png")}
    assert admin.post("/admin/look/", data=sent).status_code == 303
    page = admin.get("/?lang=en").get_data(as_text=True)
    assert "Esimerkki Oy" in page and "Ask us anything." in page and 'href="/look.css"' in page and "/logo?v=" in page
    css = admin.get("/look.css").get_data(as_text=True)
    assert "--accent: #0b5cad; --accent-ink: #ffffff;" in css and "prefers-color-scheme: dark" in css
    picture = admin.get("/logo")
    assert (picture.data, picture.mimetype) == (PNG, "image/png")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert admin.post("/admin/look/", data={**LOOK, "accent": "", "remove_logo": "1"}).status_code == 303
    page = admin.get("/").get_data(as_text=True)
    assert "/logo?v=" not in page and "look.css" not in page


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    (
        ({"accent": "#ffcc00"}, "accent", "The nearest that can: #"),
        ({"accent_dark": "#001122"}, "accent_dark", "The nearest that can: #"),
        ({"accent": "red;} body{display:none"}, "accent", "Write a colour"),
        ({"accent": "", "accent_dark": "#ffffff"}, "accent", "light screens too"),
        ({"name": " "}, "name", "Write the name"),
        ({"text-en": "x" * 601}, "text-en", "at most 600"),
        ({"logo": (io.BytesIO(b"<svg onload='alert(1)'/>"), "a.png")}, "logo", "PNG, JPEG or WebP"),
        ({"logo": (io.BytesIO(PNG + b"x" * 200_001), "a.png")}, "logo", "larger than 200 kB"),
    ),
)
def test_what_cannot_be_used_is_said_and_nothing_is_stored(
    admin: FlaskClient, sessions: sessionmaker[Session], settings: Settings, changes: dict[str, object], field: str,
    said: str,
) -> None:  # fmt: skip
    answer = admin.post("/admin/look/?lang=en", data={**LOOK, **changes}, content_type="multipart/form-data")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and f'href="#{field}"' in page and said in page
    with sessions() as session:
        assert Organisation.read(session, settings).name == ""


def test_settings_are_shown_with_their_origin_and_secrets_are_not(admin: FlaskClient, settings: Settings) -> None:
    admin.application.extensions["kollega_settings"] = replace(settings, metrics_token="a very secret token")
    page = admin.get("/admin/settings/?lang=en").get_data(as_text=True)
    assert "a very secret token" not in page and "set (not shown)" in page
    assert all(variable in page for variable, _default, _help in Settings.table())
    assert 'name="review_days"' in page and 'name="port"' not in page


def test_a_setting_is_changed_and_taken_back(
    admin: FlaskClient, sessions: sessionmaker[Session], settings: Settings
) -> None:
    assert admin.post("/admin/settings/", data={"review_days": "90", "port": "1"}).status_code == 303
    assert admin.post("/admin/settings/", data={"review_days": "many"}).status_code == 422
    assert admin.post("/admin/settings/", data={"review_days": "-1"}).status_code == 422
    with sessions() as session:
        assert Organisation.read(session, settings).settings.review_days == 90
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "organisation.review_days")).one()
        assert entry.details is not None and (entry.details["before"], entry.details["after"]) == (None, 90)
    assert admin.post("/admin/settings/", data={"review_days": ""}).status_code == 303
    with sessions() as session:
        assert Organisation.read(session, settings).settings.review_days == 365


def test_before_visitors_may_read_it_says_how_much(
    admin: FlaskClient, sessions: sessionmaker[Session], settings: Settings, add_request: Callable[..., int]
) -> None:
    add_request("Printer is stuck", answer="Open the tray.")
    closed = replace(settings, anonymous_reading=False)
    admin.application.extensions["kollega_settings"] = closed
    page = admin.post("/admin/settings/?lang=en", data={"anonymous_reading": "1"}).get_data(as_text=True)
    assert "the 1 requests and guides" in page
    with sessions() as session:
        assert not Organisation.read(session, closed).settings.anonymous_reading
    assert admin.post("/admin/settings/", data={"anonymous_reading": "1", "confirmed": "1"}).status_code == 303
    with sessions() as session:
        assert Organisation.read(session, closed).settings.anonymous_reading


def test_the_first_steps_are_listed_until_they_are_done(
    admin: FlaskClient, add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    page = admin.get("/admin/?lang=en").get_data(as_text=True)
    assert 'href="/setup/knowledge"' in page and "Make a backup now" in page
    add_request("Printer is stuck", answer="Open the tray.")
    page = admin.get("/admin/?lang=en").get_data(as_text=True)
    assert 'href="/setup/knowledge"' not in page and "Load the first data" in page


def test_only_admins(admin: FlaskClient, add_person: Callable[..., int]) -> None:
    add_person("matti", "lead", "it")
    other = sign_in(admin.application.test_client(), "matti")
    for path in ("/admin/look/", "/admin/settings/"):
        assert other.get(path).status_code == 403
        assert other.post(path, data=LOOK).status_code == 403
