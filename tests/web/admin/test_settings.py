"""The page with the settings: what would lock people out, what two admins change at once, what is confirmed."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.account_tables import SignInSession
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import utc_now
from recommender.organisation.values import Organisation, set_value
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.conftest import OpenWith

Sessions = sessionmaker[Session]


@pytest.fixture
def admin(open_with: OpenWith, add_person: Callable[..., int]) -> FlaskClient:
    add_person("tuomas", "admin", "it")
    return sign_in(open_with(), "tuomas")


def _now(sessions: Sessions, settings: Settings) -> Settings:
    with sessions() as session:
        return Organisation.read(session, settings).settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session_idle_days", "1e12"), ("session_idle_days", "0.0001"), ("session_days", "1e12"), ("audit_days", "1"),
        ("old_after_months", "1000000000000"), ("insights_minutes", "1e300"), ("answer_from", "2.0"),
        ("session_days", "nan"),
    ],
)  # fmt: skip
def test_a_value_that_would_break_the_pages_is_refused(
    admin: FlaskClient, sessions: Sessions, settings: Settings, name: str, value: str
) -> None:
    page = admin.post("/admin/settings/?lang=en", data={name: value})
    assert page.status_code == 422 and "This value cannot be used." in page.text
    assert _now(sessions, settings) == settings and admin.get("/admin/settings/").status_code == 200


def test_a_form_from_before_anothers_change_does_not_set_it_back(
    admin: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    opened = {"was-review_days": "365", "review_days": "365", "was-old_after_months": "18", "old_after_months": "18"}
    assert 'name="was-review_days"' in admin.get("/admin/settings/").text
    with sessions.begin() as session:
        set_value(session, settings, "review_days", 90)
    assert admin.post("/admin/settings/", data={**opened, "old_after_months": "12"}).status_code == 303
    now = _now(sessions, settings)
    assert (now.review_days, now.old_after_months) == (90, 12)
    told = admin.post("/admin/settings/?lang=en", data={**opened, "review_days": "30"})
    assert told.status_code == 422 and "Somebody else has set this to “90” meanwhile." in told.text
    again = dict(re.findall(r'name="((?:was-)?review_days)"[^>]* value="([^"]*)"', told.text))
    assert again == {"was-review_days": "90", "review_days": "30"}
    assert admin.post("/admin/settings/", data=again).status_code == 303
    assert _now(sessions, settings).review_days == 30


def test_before_entries_of_the_audit_log_go_it_says_how_many(
    admin: FlaskClient, sessions: Sessions, settings: Settings, add_person: Callable[..., int]
) -> None:
    with sessions.begin() as session:
        set_value(session, settings, "review_days", 90)
        session.execute(update(AuditEntry).values(at=utc_now() - timedelta(days=40)))
    sent = {"audit_days": "30", "was-audit_days": "1095"}
    page = admin.post("/admin/settings/?lang=en", data=sent)
    assert page.status_code == 200 and "will be deleted for good: 1." in page.text
    assert _now(sessions, settings).audit_days == 1095
    confirmed = dict(re.findall(r'name="((?:was-)?audit_days|confirmed)"[^>]* value="([^"]*)"', page.text))
    assert confirmed == {**sent, "confirmed": "1"}
    assert admin.post("/admin/settings/", data=confirmed).status_code == 303
    assert _now(sessions, settings).audit_days == 30
    assert admin.post("/admin/settings/", data={"audit_days": "60"}).status_code == 303  # nothing goes


def test_before_people_have_to_sign_in_again_it_says_in_how_many_browsers(
    admin: FlaskClient, sessions: Sessions, settings: Settings, add_person: Callable[..., int]
) -> None:
    add_person("matti")
    sign_in(admin, "matti")
    with sessions.begin() as session:
        session.execute(
            update(SignInSession).where(SignInSession.person.has(handle="matti"))
            .values(last_seen_at=utc_now() - timedelta(days=3))
        )  # fmt: skip
    page = admin.post("/admin/settings/?lang=en", data={"session_idle_days": "2"})
    assert page.status_code == 200 and "have to sign in again: 1." in page.text
    assert _now(sessions, settings).session_idle_days == 7.0
