"""insights/digest.py and plan_mail.py: the weekly mail to leads, sent to a real mail server."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from indexer.delivery.deliver import deliver
from recommender import accounts
from recommender.access import reader_of
from recommender.database.account_tables import OutgoingMail
from recommender.database.insight_tables import TopicRow
from recommender.database.tables import Person
from recommender.insights.risk import digest
from recommender.insights.risk.acts import drop, plan
from recommender.notifications.kinds import NEVER, PLAN
from recommender.notifications.mail_settings import MailPreferences, save_mail_preferences
from recommender.settings import Settings
from tests.indexer.delivery.real_server import real_server
from tests.plans import add_plan

Sessions = sessionmaker[Session]
TUESDAY = datetime(2026, 6, 2, 12)


@pytest.fixture
def lead(sessions: Sessions, add_request: Callable[..., int], add_person: Callable[..., int]) -> int:
    """A lead with an address, and two acts worth doing in her team."""
    add_plan(sessions, add_request, add_person)
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle="aino").one()
        accounts.set_email(session, person, "aino@example.org")
        return person.id


def _queued(sessions: Sessions, settings: Settings, now: datetime) -> int:
    with sessions.begin() as session:
        due = digest.is_anything_due(session, settings, now)
        count = digest.queue_weekly(session, settings, now)
        assert due is (count > 0)  # or the outbox would be written at each look
        session.execute(update(OutgoingMail).values(created_at=now))
        return count


def test_a_lead_is_told_once_a_week_what_is_worth_doing(sessions: Sessions, settings: Settings, lead: int) -> None:
    assert _queued(sessions, settings, TUESDAY) == 1
    assert _queued(sessions, settings, TUESDAY + timedelta(days=5)) == 0
    assert _queued(sessions, settings, TUESDAY + timedelta(days=6)) == 1


def test_nothing_is_sent_before_monday_morning_or_to_whoever_wants_none(
    sessions: Sessions, settings: Settings, lead: int
) -> None:
    monday = datetime(2026, 6, 1, tzinfo=settings.zone)
    early, later = ((monday + timedelta(hours=hour)).astimezone(UTC).replace(tzinfo=None) for hour in (7.9, 8.1))
    assert _queued(sessions, settings, early) == 0
    with sessions.begin() as session:
        save_mail_preferences(session, lead, MailPreferences(kinds={PLAN: NEVER}))
    assert _queued(sessions, settings, later) == 0
    with sessions.begin() as session:
        save_mail_preferences(session, lead, MailPreferences())
    assert _queued(sessions, settings, later) == 1


def test_the_mail_names_what_to_do_and_links_to_it(
    sessions: Sessions, settings: Settings, lead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.delivery.deliver.utc_now", lambda: TUESDAY)  # on a Monday morning there is none yet
    asked = replace(settings, mail_from="Kollega <kollega@example.org>", public_url="https://kollega.example")
    with real_server() as (server, address):
        assert deliver(replace(asked, mail_server=address), sessions) == 1
        assert deliver(replace(asked, mail_server=address), sessions) == 0
    (message,) = server.mails
    text = message.get_content()
    assert "1. Write a guide about “Printer” from 3 requests that Eero has answered." in text
    assert "https://kollega.example/insights/topics/" in text and message["List-Unsubscribe"].startswith("<https://")


def test_a_topic_of_a_restricted_team_is_not_mailed(sessions: Sessions, settings: Settings, lead: int) -> None:
    with sessions.begin() as session:
        session.execute(update(TopicRow).values(audience="team:it"))
    assert _queued(sessions, settings, TUESDAY) == 0


def test_what_was_dropped_meanwhile_is_not_mailed(sessions: Sessions, settings: Settings, lead: int) -> None:
    assert _queued(sessions, settings, TUESDAY) == 1
    with sessions.begin() as session:
        reader = reader_of(session.get_one(Person, lead))
        for act in plan(session, reader):
            drop(session, reader, act.id, TUESDAY)
        assert digest.worth_doing(session, session.get_one(Person, lead), "en") == []
