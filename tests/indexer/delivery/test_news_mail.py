"""news_mail.py and mailing.py: what a mail says, to whom, when, and that the server's faults lose nothing. The mail
server is a real one."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.delivery.deliver import deliver
from recommender import accounts
from recommender.access import reader_of
from recommender.accounts.secret_key import load_secret_key
from recommender.database import dialects
from recommender.database.account_tables import OutgoingMail
from recommender.database.tables import Document, HelpRequest, Person, Team, utc_now
from recommender.database.told_tables import Notification
from recommender.knowledge import requests
from recommender.notifications import inbox, mailing, telling
from recommender.notifications.kinds import AT_ONCE, DAILY, KINDS, NEVER, NOT_SENT
from recommender.notifications.mail_settings import MailPreferences, save_mail_preferences
from recommender.notifications.unsubscribing import read_token
from recommender.outbox import mail
from recommender.settings import Settings
from tests.indexer.delivery.real_server import real_server
from tests.timing import LONG

Sessions = sessionmaker[Session]


class Mailing:
    """People with addresses, and short names for what they do."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self.sessions = sessions
        self.settings = replace(
            settings, mail_from="Kollega <kollega@example.org>", public_url="https://kollega.example"
        )

    def ask(self, title: str = "VPN drops", team: str = "it", *, shared: bool = True, anonymous: bool = False) -> int:
        with self.sessions.begin() as session:
            teams = session.query(Team).filter_by(handle=team).one()
            asked_by = self.person(session, "minna")
            request = requests.file_request(
                session, asked_by, title, "It drops.", "en", teams, shared=shared, anonymous=anonymous
            )
            return request.id

    def reply(self, request: int, by: str, body: str = "Take port 443.") -> None:
        with self.sessions.begin() as session:
            requests.reply(session, session.get_one(HelpRequest, request), self.person(session, by), body)

    def prefer(self, handle: str, preferences: MailPreferences) -> None:
        with self.sessions.begin() as session:
            save_mail_preferences(session, self.person(session, handle).id, preferences)

    def person(self, session: Session, handle: str) -> Person:
        return session.query(Person).filter_by(handle=handle).one()

    def send(self, address: str) -> int:
        return deliver(replace(self.settings, mail_server=address), self.sessions)

    def later(self) -> None:
        """What waits to be tried again is due now."""
        with self.sessions.begin() as session:
            session.execute(update(OutgoingMail).values(next_attempt_at=utc_now()))

    def states(self) -> list[tuple[str, int]]:
        with self.sessions() as session:
            return [(row.state, row.attempts) for row in session.query(OutgoingMail).order_by(OutgoingMail.id)]


@pytest.fixture
def office(settings: Settings, sessions: Sessions, add_person: Callable[..., int]) -> Mailing:
    people = [("minna",), ("otto", "agent", "it"), ("vera", "agent", "hr"), ("lasse",)]
    for handle, *role in people:
        number = add_person(handle, *role, restricted=["hr"])
        with sessions.begin() as session:
            accounts.set_email(session, session.get_one(Person, number), f"{handle}@example.org")
    return Mailing(settings, sessions)


def test_a_reply_arrives_as_text_and_html_with_a_link_and_ways_to_stop_it(office: Mailing) -> None:
    request = office.ask()
    office.reply(request, "otto", "Take <b>port</b> 443 & smile.")
    with real_server() as (server, address):
        assert office.send(address) == 1 and office.send(address) == 0
    (message,) = server.mails
    assert (message["To"], message["From"]) == ("minna@example.org", "Kollega <kollega@example.org>")
    assert message["Subject"] == "Otto replied: VPN drops"
    assert message.get_content_type() == "multipart/alternative"
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert "Take <b>port</b> 443 & smile." in text and "Take &lt;b&gt;port&lt;/b&gt; 443 &amp; smile." in html
    for part in (text, html):
        assert f"https://kollega.example/requests/{request}#reply-1" in part
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.fullmatch(r"<https://kollega\.example/inbox/unsubscribe/(\S+)>", message["List-Unsubscribe"])
    assert link is not None
    with office.sessions() as session:
        number = office.person(session, "minna").id
        assert session.query(OutgoingMail).one().message_id == message["Message-ID"]
    assert read_token(load_secret_key(office.settings.home), link[1]) == (number, ["reply"])
    assert message["In-Reply-To"] == message["References"] == f"<request-{request}@example.org>"
    assert message["Reply-To"] == f"kollega+request-{request}@example.org"


def test_it_is_in_the_language_of_its_reader(office: Mailing) -> None:
    office.prefer("minna", MailPreferences(language="fi"))
    office.reply(office.ask(), "otto")
    with real_server() as (server, address):
        office.send(address)
    assert server.mails[0]["Subject"] == "Otto vastasi: VPN drops"
    assert "Avaa Kollegassa" in server.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_mail_about_a_review_says_what_to_do(office: Mailing) -> None:
    with office.sessions.begin() as session:
        minna, team = office.person(session, "minna"), session.query(Team).filter_by(handle="it").one()
        guide = Document(title="Printing", body="x", language="en", written_at=utc_now(), team=team, owner=minna)
        session.add(guide)
        session.flush()
        telling.tell_review(session, guide, utc_now().date() - timedelta(days=1))
        mailing.queue_due(session, office.settings, utc_now() + timedelta(days=1))
    with real_server() as (server, address):
        assert office.send(address) == 1
    for kind in ("plain", "html"):
        text = server.mails[0].get_body((kind,)).get_content()  # type: ignore[union-attr]
        assert "Due for review" in text and "correct what has changed, and mark it as verified." in text


def test_a_private_matter_of_a_restricted_team_is_not_told_by_mail(office: Mailing) -> None:
    office.reply(office.ask("My illness", "hr", shared=False), "vera", "See a doctor.")
    with real_server() as (server, address):
        assert office.send(address) == 1
    whole = server.mails[0].as_string()
    assert "illness" not in whole and "doctor" not in whole and "Vera" not in whole
    assert server.mails[0]["Subject"] == "There is something new in a private matter"


def test_who_may_no_longer_read_it_when_the_mail_is_written_gets_none(office: Mailing) -> None:
    request = office.ask()
    office.reply(request, "otto", "@lasse look")
    with office.sessions.begin() as session:
        minna = office.person(session, "minna")
        requests.share(session, session.get_one(HelpRequest, request), reader_of(minna), False)
    with real_server() as (server, address):
        assert office.send(address) == 1
    assert [message["To"] for message in server.mails] == ["minna@example.org"]
    assert office.states() == [("sent", 1)]


def test_an_anonymous_asker_is_in_no_mail_to_who_may_not_know_them(office: Mailing) -> None:
    request = office.ask(anonymous=True)
    office.reply(request, "lasse", "Me too.")
    office.reply(request, "minna", "Tell me how.")
    with real_server() as (server, address):
        office.send(address)
    to_lasse = next(message for message in server.mails if message["To"] == "lasse@example.org")
    assert "inna" not in to_lasse.as_string()
    assert to_lasse["Subject"] == "A new reply: VPN drops"


def test_what_was_read_or_is_not_wanted_or_old_is_not_mailed(office: Mailing) -> None:
    request = office.ask()
    office.prefer("minna", MailPreferences(kinds={"reply": NEVER}))
    office.reply(request, "otto", "@lasse look")
    with office.sessions.begin() as session:
        inbox.mark_item_read(session, office.person(session, "lasse").id, session.get_one(HelpRequest, request))
    office.reply(request, "minna", "When?")
    with office.sessions.begin() as session:
        otto = office.person(session, "otto").id
        session.execute(
            update(Notification).where(Notification.person_id == otto).values(at=utc_now() - timedelta(days=8))
        )
    with real_server() as (server, address):
        assert office.send(address) == 0
    assert server.mails == [] and office.states() == []
    with office.sessions() as session:
        assert not mailing.is_anything_due(session, utc_now() + timedelta(days=9))


def test_what_another_process_is_queueing_is_not_queued_twice(office: Mailing) -> None:
    request = office.ask()
    office.reply(request, "otto")
    deliverer = threading.Thread(target=lambda: office.send("smtp://127.0.0.1:1"))
    with office.sessions.begin() as session:
        dialects.of(session.get_bind()).begin_writing(session.connection())
        assert mailing.queue_due(session, office.settings, utc_now()) == 1
        number = session.scalars(select(OutgoingMail.id)).one()
        deliverer.start()
        deliverer.join(1.0)  # it waits now
    deliverer.join(LONG)
    with office.sessions() as session:
        assert session.scalars(select(OutgoingMail.id)).all() == [number]


def test_read_between_queueing_and_sending_it_is_not_sent(office: Mailing) -> None:
    request = office.ask()
    office.reply(request, "otto")
    with office.sessions.begin() as session:
        assert mailing.queue_due(session, office.settings, utc_now()) == 1
        inbox.mark_item_read(session, office.person(session, "minna").id, session.get_one(HelpRequest, request))
    with real_server() as (server, address):
        assert office.send(address) == 0
    assert server.mails == [] and office.states() == []


def test_a_digest_comes_once_a_day_with_all_that_is_new(office: Mailing) -> None:
    office.prefer("minna", MailPreferences(kinds={"reply": DAILY, "mention": DAILY}, daily_at=8))
    first, second = office.ask("One"), office.ask("Two")
    office.reply(first, "otto")
    office.reply(second, "otto", "@minna?")
    with office.sessions.begin() as session:
        tomorrow = datetime.combine(utc_now().date() + timedelta(days=1), datetime.min.time())
        session.execute(update(Notification).values(mail_at=tomorrow + timedelta(hours=5)))
        assert mailing.queue_due(session, office.settings, tomorrow + timedelta(hours=7, minutes=59)) == 0
        assert mailing.queue_due(session, office.settings, tomorrow + timedelta(hours=8)) == 1
    with real_server() as (server, address):
        assert office.send(address) == 1
    (message,) = server.mails
    assert message["Subject"] == "2 notifications from Kollega" and "In-Reply-To" not in message
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Otto replied: One" in text and "Otto mentioned you: Two" in text
    assert text.count("https://kollega.example/inbox/unsubscribe/") == 2


@pytest.mark.parametrize(
    ("preferences", "at", "due"),
    [
        (MailPreferences(), "12:00", "12:00"),
        (MailPreferences(quiet_from=20, quiet_until=7), "17:59", "17:59"),  # 19:59 in Helsinki
        (MailPreferences(quiet_from=20, quiet_until=7), "18:00", "05:00+1"),
        (MailPreferences(quiet_from=20, quiet_until=7), "03:30", "05:00"),
        (MailPreferences(quiet_from=7, quiet_until=7), "05:30", "05:30"),
        (MailPreferences(quiet_from=12, quiet_until=13), "10:30", "11:00"),
        (MailPreferences(kinds={"reply": DAILY}), "05:59", "06:00"),
        (MailPreferences(kinds={"reply": DAILY}), "06:00", "06:00"),
        (MailPreferences(kinds={"reply": DAILY}), "06:01", "06:00+1"),
        (MailPreferences(kinds={"reply": DAILY}, quiet_from=20, quiet_until=9), "06:01", "07:00"),
        (MailPreferences(kinds={"reply": DAILY}, quiet_from=20, quiet_until=9), "07:00", "07:00"),
    ],
)
def test_when_a_reply_is_due(settings: Settings, preferences: MailPreferences, at: str, due: str) -> None:
    def moment(text: str) -> datetime:
        clock, _, days = text.partition("+")
        return datetime.fromisoformat(f"2026-01-10T{clock}") + timedelta(days=int(days or 0))

    zone = replace(settings, time_zone="Europe/Helsinki").zone
    assert preferences.due("reply", moment(at), zone) == moment(due)
    assert settings.zone is UTC


@pytest.mark.parametrize("fault", ["recipient", "sender", "content", "busy", "drop", "drop_after"])
def test_each_fault_of_the_server_is_survived_with_the_same_message_id(office: Mailing, fault: str) -> None:
    office.reply(office.ask(), "otto")
    faults = iter([fault])
    with real_server(lambda: next(faults, "")) as (server, address):
        assert office.send(address) == 0
        assert office.states() == [("waiting", 1)]
        assert office.send(address) == 0  # not yet
        office.later()
        assert office.send(address) == 1
    assert office.states() == [("sent", 2)] and server.faults == [fault]
    assert len(server.mails) == (2 if fault == "drop_after" else 1)
    assert len({message["Message-ID"] for message in server.mails}) == 1


def test_a_slow_server_is_waited_for(office: Mailing) -> None:
    office.reply(office.ask(), "otto")
    with real_server(lambda: "slow") as (server, address):
        assert office.send(address) == 1
    assert len(server.mails) == 1


def test_news_is_tried_for_five_days(office: Mailing) -> None:
    office.reply(office.ask(), "otto")
    with real_server(lambda: "sender") as (_server, address):
        for _ in range(12):
            office.send(address)
            office.later()
        assert office.states() == [("waiting", 12)]
        with office.sessions.begin() as session:
            row = session.query(OutgoingMail).one()
            assert row.next_attempt_at - utc_now() <= timedelta(minutes=30)
            row.created_at = utc_now() - timedelta(days=5, minutes=1)
        office.send(address)
    assert office.states() == [("failed", 13)]


def test_two_senders_do_not_send_the_same_mail(office: Mailing) -> None:
    office.reply(office.ask(), "otto")
    with office.sessions.begin() as session:
        mailing.queue_due(session, office.settings, utc_now())
        (number,) = mail.due(session)
    with office.sessions.begin() as one:
        first = mail.claim(one, number, "example.org")
        assert first is not None
    with office.sessions.begin() as other:
        assert mail.claim(other, number, "example.org") is None
    with real_server() as (server, address):
        assert office.send(address) == 0
        office.later()  # the first was killed: minutes later another takes over
        assert office.send(address) == 1
    assert [message["Message-ID"] for message in server.mails] == [first.message_id]


def test_after_three_failures_in_a_row_a_round_ends_and_passwords_go_first(office: Mailing) -> None:
    for title in "ABCDE":
        office.reply(office.ask(title), "otto", f"@{'minna' if title < 'C' else 'lasse'}")
    with office.sessions.begin() as session:
        for row in session.query(Notification):
            queued = mail.queue(session, row.person_id, mail.NEWS, "en")
            row.mail_at, row.mail_id = None, queued.id
        mail.queue(session, office.person(session, "vera").id, mail.PASSWORD_CHANGED, "en")
    with real_server(lambda: "sender") as (server, address):
        office.send(address)
    assert len(server.faults) == 3
    with office.sessions() as session:
        tried = [row.kind for row in session.query(OutgoingMail) if row.attempts]
    assert sorted(tried) == ["news", "news", "password_changed"]


def test_every_kind_has_texts_in_both_languages_and_a_time() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name and kind.mail in (AT_ONCE, DAILY)
        for language in ("en", "fi"):
            assert kind.texts(language).label
            if kind.weekly:  # it tells of no single thing that happened
                continue
            assert kind.sentence(language, "Otto").count("Otto") == (name != NOT_SENT)  # nobody did that
            assert kind.sentence(language, None) and "{" not in kind.sentence(language, None)


def test_who_asks_because_somebody_was_suggested_is_named_in_the_mail(office: Mailing) -> None:
    request = office.ask()
    with office.sessions.begin() as session:
        telling.tell_suggested(session, session.get_one(HelpRequest, request), office.person(session, "lasse"))
    with real_server() as (server, address):
        office.send(address)
    assert server.mails[0]["Subject"] == "Minna asks you, because you were suggested: VPN drops"
    assert "It drops." in server.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
