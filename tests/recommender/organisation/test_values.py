"""What the organisation sets: which value wins, what is refused, who notices, and what the audit log says."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.audit_table import AuditEntry
from recommender.database.engine import open_database
from recommender.errors import OrganisationError
from recommender.organisation import origins, values
from recommender.organisation.origins import Origin
from recommender.organisation.values import Organisation, Values, set_value
from recommender.setting_values import PAGE_LANGUAGES
from recommender.settings import Settings


def _set(sessions: sessionmaker[Session], settings: Settings, key: str, value: object) -> bool:
    with sessions.begin() as session:
        return set_value(session, settings, key, value)


def test_the_database_wins_over_the_default_and_the_environment_over_both(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Organisation.read(session, settings).settings.time_zone == "UTC"
    set_value(session, settings, "time_zone", "Europe/Helsinki")
    assert Organisation.read(session, settings).settings.time_zone == "Europe/Helsinki"
    given = replace(settings, time_zone="Europe/Paris")
    assert Organisation.read(session, given).settings.time_zone == "Europe/Paris"
    monkeypatch.setenv("KOLLEGA_TIME_ZONE", "UTC")  # the default, but somebody has said so
    assert Organisation.read(session, settings).settings.time_zone == "UTC"
    with pytest.raises(OrganisationError, match="KOLLEGA_TIME_ZONE is set in the environment"):
        set_value(session, settings, "time_zone", "Europe/Stockholm")


def test_taking_a_value_away_brings_the_default_back(session: Session, settings: Settings) -> None:
    assert set_value(session, settings, "language", "fi")
    assert not set_value(session, settings, "language", "fi")
    assert set_value(session, settings, "language", None)
    assert Organisation.read(session, settings).settings.language == "en"
    assert not set_value(session, settings, "language", None)


@pytest.mark.parametrize(
    ("key", "value"),
    (
        ("time_zone", "Europe/Nowhere"),
        ("time_zone", 2),
        ("language", "xx"),
        ("review_days", -1),
        ("review_days", True),
        ("maybe_from", 0.9),
        ("name", ""),
        ("name", "two\nlines"),
        ("empty_page", {"en": "a\0b"}),
        ("oidc_name", "a\0b"),
        ("session_idle_days", 1e12),
        ("languages", []),
        ("languages", ["xx"]),
        ("accent", "red"),
        ("new_teams_restricted", "no"),
        ("home", "elsewhere"),
        ("nonsense", 1),
    ),
)
def test_a_value_that_cannot_be_used_is_refused(session: Session, settings: Settings, key: str, value: object) -> None:
    with pytest.raises(OrganisationError):
        set_value(session, settings, key, value)
    assert values.stored(session, key) is None


def test_what_is_in_the_database_and_cannot_be_used_is_left_out(settings: Settings) -> None:
    made = Organisation.made_of(settings, {"time_zone": "Nowhere", "review_days": 30, "name": "Esimerkki", "old": 1})
    assert (made.settings.time_zone, made.settings.review_days, made.name) == ("UTC", 30, "Esimerkki")
    assert Organisation.made_of(settings, {"languages": [["en"]]}).languages == PAGE_LANGUAGES
    assert Organisation.made_of(settings, {"session_idle_days": 1e12}).settings.session_idle_days == 7.0
    assert Organisation.made_of(settings, {"answer_from": 0.1, "maybe_from": 0.05}).settings.maybe_from == 0.05


def test_another_process_notices_a_change(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = open_database(settings), open_database(settings)
    try:
        mine, others = Values(here), Values(there)
        assert mine.organisation(settings).name == others.organisation(settings).name == ""
        same = mine.organisation(settings)
        assert _set(here, settings, "name", "Esimerkki Oy")
        assert mine.organisation(settings).name == "Esimerkki Oy"  # at once: the change was committed here
        assert same.name == ""
        assert others.organisation(settings).name == ""
        monkeypatch.setattr(values, "LOOK_SECONDS", 0.0)
        assert others.organisation(settings).name == "Esimerkki Oy"
        assert others.organisation(settings) is others.organisation(settings)
    finally:
        for sessions in (here, there):
            sessions.kw["bind"].dispose()


def test_each_change_is_recorded_and_texts_are_not(session: Session, settings: Settings) -> None:
    set_value(session, settings, "name", "Salainen Oy")
    set_value(session, settings, "time_zone", "Europe/Helsinki")
    set_value(session, replace(settings, anonymous_reading=False), "anonymous_reading", True)
    session.commit()
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == [
        "organisation.name", "organisation.time_zone", "organisation.anonymous_reading"
    ]  # fmt: skip
    assert "Salainen" not in str(entries[0].details)
    assert entries[1].details is not None and entries[1].details["after"] == "Europe/Helsinki"
    assert entries[2].details is not None and entries[2].details["widened"] is True


def test_each_setting_says_where_its_value_comes_from(session: Session, settings: Settings) -> None:
    set_value(session, settings, "review_days", 90)
    given = replace(settings, oidc_client_secret="very secret", port=8099)
    rows = {row.name: row for row in origins.of_all(session, given, environment={})}
    assert (rows["review_days"].value, rows["review_days"].origin) == (90, Origin.DATABASE)
    assert (rows["port"].value, rows["port"].origin, rows["port"].needs_restart) == (8099, Origin.ENVIRONMENT, True)
    assert (rows["language"].origin, rows["language"].needs_restart) == (Origin.DEFAULT, False)
    assert rows["oidc_client_secret"].value == "set"
    assert not rows["port"].changeable and rows["language"].changeable
    assert set(rows) == {variable.removeprefix("KOLLEGA_").lower() for variable, _default, _help in Settings.table()}
