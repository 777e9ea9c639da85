"""notifications/telling.py: who is told of what, who is not, and under which names."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.access import request_audience
from recommender.database.tables import Document, HelpRequest, Person, RequestAudience, utc_now
from recommender.database.told_tables import Notification
from recommender.knowledge import erasure, requests
from recommender.notifications import following, inbox, telling
from tests.recommender.notifications.conftest import Office


def test_a_reply_is_told_to_who_takes_part_and_not_to_its_author(office: Office) -> None:
    request = office.ask("minna")
    requests.reply(office.session, request, office.person("otto"), "Which version?")
    assert office.everybody_told() == {"minna": [("reply", "otto")]}
    requests.reply(office.session, request, office.person("minna"), "Version 5.")
    assert office.told("otto") == [("reply", "minna")] and office.told("minna") == [("reply", "otto")]


def test_an_assignment_is_told_to_the_colleague_unless_they_took_it_themselves(office: Office) -> None:
    request = office.ask("minna")
    requests.assign(office.session, request, office.reader("otto"), office.person("ilse"))
    assert office.everybody_told() == {"ilse": [("assignment", "otto")]}
    requests.assign(office.session, request, office.reader("otto"), office.person("otto"))
    requests.assign(office.session, request, office.reader("otto"), None)
    assert office.everybody_told() == {"ilse": [("assignment", "otto")]}


def test_a_reply_that_resolves_is_told_once_as_the_solution(office: Office) -> None:
    request, session = office.ask("minna"), office.session
    following.follow(session, request, office.person("lasse"), follows=True, me_too=True)
    requests.reply_and_resolve(session, request, office.reader("otto"), office.person("otto"), "Take port 443.")
    assert office.everybody_told() == {"minna": [("resolution", "otto")], "lasse": [("me_too", "otto")]}


def test_what_the_asker_solves_is_told_to_who_helped(office: Office) -> None:
    request, session = office.ask("minna"), office.session
    answer = requests.reply(session, request, office.person("otto"), "Take port 443.")
    requests.resolve(session, request, office.reader("minna"), answer)
    assert office.told("otto") == [("resolution", "minna")] and office.told("minna") == [("reply", "otto")]
    requests.reopen(session, request, office.reader("minna"))
    assert office.told("otto")[-1] == ("reopened", "minna")


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [
        ("@ilse, can you look?", ["ilse"]),
        ("Ask @Ilse. And @lasse's desk.", ["ilse", "lasse"]),
        ("mail ilse@ilse.example or @nobody", []),
        ("`@ilse` and\n```\n@lasse\n```", []),
        ("/@ilse @@lasse", []),
        ("@minna see @otto", ["minna"]),
    ],
)
def test_whom_a_reply_mentions_is_told_so_once(office: Office, text: str, mentioned: list[str]) -> None:
    request = office.ask("minna")
    requests.reply(office.session, request, office.person("otto"), text)
    told = office.everybody_told()
    assert [handle for handle, what in told.items() if what == [("mention", "otto")]] == sorted(
        mentioned, key=list(told).index
    )
    assert all(len(what) == 1 for what in told.values()) and "otto" not in told


def test_an_edited_reply_tells_only_whom_nobody_has_told(office: Office) -> None:
    request = office.ask("minna")
    reply = requests.reply(office.session, request, office.person("otto"), "Look.")
    reply.body = "Look, @lasse."
    telling.tell_reply(office.session, reply)
    assert office.everybody_told() == {"minna": [("reply", "otto")], "lasse": [("mention", "otto")]}


def test_who_may_not_read_a_request_is_told_nothing_even_when_mentioned(office: Office) -> None:
    request = office.ask("minna", team="hr", shared=False)
    following.follow(office.session, request, office.person("lasse"), follows=True, me_too=True)
    requests.reply(office.session, request, office.person("vera"), "@otto @lasse see this")
    assert office.session.scalars(select(Notification.person_id)).all() == [office.person("minna").id]


def test_who_may_no_longer_read_it_loses_it_from_the_inbox_and_the_count(office: Office) -> None:
    request, session = office.ask("minna"), office.session
    requests.reply(session, request, office.person("otto"), "@lasse look")
    assert inbox.count(session, office.reader("lasse"), unread_only=True) == 1
    requests.share(session, request, office.reader("minna"), False)
    assert office.told("lasse") == [] and inbox.count(session, office.reader("lasse"), unread_only=True) == 0
    assert office.told("minna") == [("reply", "otto")]
    request.hidden = True
    session.flush()
    assert office.told("minna") == [] and inbox.count(session, office.reader("minna"), unread_only=True) == 0
    assert session.scalars(inbox.own_requests_with_unread(office.reader("minna"))).all() == []


def test_an_anonymous_asker_is_named_to_nobody_who_may_not_know_them(office: Office) -> None:
    session, team = office.session, office.team("it")
    request = requests.file_request(
        session, office.person("minna"), "Secret", "", "en", team, shared=True, anonymous=True
    )
    requests.reply(session, request, office.person("otto"), "Why?")
    requests.reply(session, request, office.person("lasse"), "I know.")
    requests.reply(session, request, office.person("minna"), "It is me.")
    telling.tell_suggested(session, request, office.person("vera"))
    assert ("reply", "minna") in office.told("otto")  # of the team that it was sent to
    assert ("reply", "") in office.told("lasse") and ("reply", "minna") not in office.told("lasse")
    assert office.told("vera") == [("suggested", "")]


def test_nobody_is_told_who_has_left_or_is_a_service(office: Office, add_person: Callable[..., int]) -> None:
    add_person("mail-bot", "agent", "it")
    office.person("ilse").left_on = date(2026, 1, 1)
    request = office.ask("minna")
    requests.reply(office.session, request, office.person("otto"), "@ilse @mail-bot look")
    assert set(office.everybody_told()) == {"minna"}


def test_a_followed_request_tells_its_news_and_stops_when_asked(office: Office) -> None:
    request, session, lasse = office.ask("minna"), office.session, office.person("lasse")
    following.follow(session, request, lasse, follows=True, me_too=False)
    following.follow(session, request, office.person("minna"), follows=True, me_too=True)  # her own
    requests.reply(session, request, office.person("otto"), "Which version?")
    assert office.told("lasse") == [("followed", "otto")] and office.told("minna") == [("reply", "otto")]
    assert following.have_it_too(session, [request.id]) == {}
    following.follow(session, request, lasse, follows=False, me_too=True)
    assert following.have_it_too(session, [request.id]) == {request.id: 1}
    requests.reply(session, request, office.person("otto"), "Wait.")
    assert office.told("lasse") == [("followed", "otto")]
    following.follow(session, request, lasse, follows=False, me_too=False)
    assert following.following(session, request, lasse) == (False, False)


def test_a_flag_is_told_to_the_owner_or_the_team_once_and_without_a_time(
    office: Office, add_document: Callable[..., int]
) -> None:
    session = office.session
    owned = session.get_one(Document, add_document("Guide", "Text", team="it", owner="ilse"))
    orphan = session.get_one(Document, add_document("Old", "Text", team="it"))
    for _ in range(2):
        telling.tell_flag(session, owned, office.person("lasse").id)
    telling.tell_flag(session, orphan, office.person("otto").id)
    assert office.everybody_told() == {"ilse": [("flag", ""), ("flag", "")]}
    rows = session.scalars(select(Notification)).all()
    assert all(row.actor_id is None and row.at.time() == row.mail_at.time() for row in rows if row.mail_at)
    assert {row.mail_at.date() - row.at.date() for row in rows if row.mail_at} == {timedelta(days=1)}
    inbox.mark_item_read(session, office.person("ilse").id, owned)
    telling.tell_flag(session, owned, None)
    assert len(office.told("ilse")) == 3


def test_a_flag_on_an_answer_is_told_to_who_gave_it(office: Office) -> None:
    request = office.ask("minna")
    requests.reply_and_resolve(office.session, request, office.reader("otto"), office.person("otto"), "Restart it.")
    telling.tell_flag(office.session, request, office.person("lasse").id)
    assert office.told("otto") == [("flag", "")]


def test_a_review_is_told_once_each_time_it_is_due(office: Office, add_document: Callable[..., int]) -> None:
    session = office.session
    document = session.get_one(Document, add_document("Guide", "Text", team="it", owner="ilse"))
    today = utc_now().date()
    assert telling.tell_review(session, document, today - timedelta(days=3)) == 1
    assert telling.tell_review(session, document, today - timedelta(days=3)) == 0
    assert telling.tell_review(session, document, today + timedelta(days=1)) == 1  # verified since, and due again
    assert office.told("ilse") == [("review", ""), ("review", "")]


def test_erasing_takes_the_notifications_and_what_was_followed_along(office: Office) -> None:
    session = office.session
    kept, gone = office.ask("minna"), office.ask("lasse", "Other")
    for request in (kept, gone):
        requests.reply(session, request, office.person("otto"), "@ilse look")
        following.follow(session, request, office.person("vera"), follows=True, me_too=True)
    erasure.erase_request(session, gone, audit.SYSTEM)
    assert office.everybody_told() == {"minna": [("reply", "otto")], "ilse": [("mention", "otto")]}
    erasure.erase_person(session, office.person("otto"), audit.SYSTEM)
    session.expire_all()
    assert office.told("minna") == [("reply", "")]
    erasure.erase_person(session, office.person("vera"), audit.SYSTEM)
    erasure.erase_person(session, office.person("ilse"), audit.SYSTEM)
    session.expire_all()
    assert following.have_it_too(session, [kept.id]) == {}
    people = {row.person_id for row in session.scalars(select(Notification))}
    assert people == {office.person("minna").id}


def test_old_notifications_are_forgotten_read_ones_sooner(office: Office) -> None:
    session, now = office.session, utc_now()
    request = office.ask("minna")
    for _ in range(4):
        requests.reply(session, request, office.person("otto"), "Hm.")
    rows = session.scalars(select(Notification).order_by(Notification.id)).all()
    rows[0].read_at = rows[0].at = now - timedelta(days=91)
    rows[1].read_at, rows[1].at = now - timedelta(days=89), now - timedelta(days=200)
    rows[2].at, rows[3].at = now - timedelta(days=364), now - timedelta(days=366)
    session.flush()
    wanted = [rows[1].id, rows[2].id]
    inbox.forget_old(session, now)
    assert list(session.scalars(select(Notification.id).order_by(Notification.id))) == wanted


def test_a_notification_is_written_in_the_transaction_of_the_act(
    office: Office, sessions: sessionmaker[Session]
) -> None:
    request = office.ask("minna")
    office.session.commit()
    requests.reply(office.session, request, office.person("otto"), "Which version?")
    office.session.rollback()
    with sessions() as other:
        assert other.scalars(select(Notification)).all() == []
    requests.reply(office.session, office.session.get_one(HelpRequest, request.id), office.person("otto"), "Which?")
    office.session.commit()
    with sessions() as other:
        minna = other.query(Person).filter_by(handle="minna").one()
        assert [row.person_id for row in other.scalars(select(Notification))] == [minna.id]


def test_a_named_reader_of_a_private_request_can_be_told(office: Office) -> None:
    request, session = office.ask("minna", team="hr", shared=False), office.session
    request.audience.append(RequestAudience(token=f"person:{office.person('lasse').id}"))
    telling.tell_suggested(session, request, office.person("lasse"))
    assert office.told("lasse") == [("suggested", "minna")]


def test_a_question_to_a_suggested_colleague_tells_them_also_when_it_is_private(office: Office) -> None:
    session, minna, lasse = office.session, office.person("minna"), office.person("lasse")
    for title, shared in (("Private", False), ("Shared", True)):
        requests.file_request(session, minna, title, "", "en", office.team("it"), shared=shared, asks=lasse)
    requests.file_request(session, minna, "To myself", "", "en", office.team("it"), shared=True, asks=minna)
    assert office.everybody_told() == {"lasse": [("suggested", "minna"), ("suggested", "minna")]}


def test_a_private_request_to_a_restricted_team_is_not_read_by_the_colleague_it_was_begun_for(office: Office) -> None:
    session, minna, lasse = office.session, office.person("minna"), office.person("lasse")
    request = requests.file_request(session, minna, "My pay", "", "en", office.team("hr"), shared=False, asks=lasse)
    assert request_audience(request) == {"team:hr", f"person:{minna.id}"} and office.everybody_told() == {}
