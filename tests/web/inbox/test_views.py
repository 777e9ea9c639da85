"""views.py and told.py: counters, the inbox, following, settings of mail, and turning mail off from a mail."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import reader_of
from recommender.accounts.secret_key import load_secret_key
from recommender.database.tables import HelpRequest, Person, utc_now
from recommender.database.told_tables import MailSettings, Notification, RequestFollow
from recommender.knowledge.waiting import Waiting, waiting
from recommender.notifications.unsubscribing import make_token, read_token
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.forms import forms_of, press

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]


@pytest.fixture
def visit(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
) -> Visit:
    """Browsers of minna and lasse (staff), otto and ilse (IT). Request 1 is Minna's and open; document 1 is Ilse's."""
    add_request("VPN drops", "Since today", team="it", asked_by="minna", by="minna", status="open")
    add_document("VPN guide", "Take port 443.", team="it", owner="ilse")
    for handle in ("minna", "lasse"):
        add_person(handle)
    for handle in ("otto", "ilse"):
        add_person(handle, "agent", "it")
    client = open_client()
    return lambda handle: sign_in(client, handle)


def _counters(page: str) -> dict[str, str]:
    """{text of a link in the navigation: its number} of those that have one."""
    found = re.findall(r">([^<>]+?) <span class=\"count\"><span aria-hidden=\"true\">([^<]+)</span>", page)
    return {text.strip(): number for text, number in found}


def _reply(visitor: FlaskClient, body: str) -> None:
    assert visitor.post("/requests/1/replies", data={"body": body}).status_code == 302


def test_a_reply_is_counted_in_the_navigation_until_its_page_is_opened(visit: Visit) -> None:
    minna = visit("minna")
    assert _counters(minna.get("/").text) == {}
    _reply(visit("otto"), "Which version?")
    assert _counters(minna.get("/").text) == {"My requests": "1", "Notifications": "1"}
    page = minna.get("/inbox/").text
    assert "Otto replied" in page and 'href="/requests/1#reply-2"' in page and ">New<" in page
    minna.get("/requests/1")
    assert _counters(minna.get("/").text) == {}
    page = minna.get("/inbox/").text
    assert "Otto replied" in page and ">New<" not in page
    assert "Otto vastasi" in minna.get("/inbox/?lang=fi").text


def test_one_or_all_are_marked_as_read_and_nobody_elses(visit: Visit) -> None:
    minna, otto = visit("minna"), visit("otto")
    for body in ("One.", "Two.", "Three."):
        _reply(otto, body)
    _reply(minna, "Thanks.")
    press(minna, "/inbox/", "/inbox/read", notification="2")
    assert _counters(minna.get("/").text)["Notifications"] == "2"
    number = forms_of(otto.get("/inbox/").text)[-1].fields
    assert minna.post("/inbox/read", data=dict(number)).status_code == 302
    assert _counters(otto.get("/").text)["Notifications"] == "1"
    minna.post("/inbox/read")
    assert "Notifications" not in _counters(minna.get("/").text)
    assert _counters(otto.get("/").text)["Notifications"] == "1"


def test_the_inbox_has_pages_newest_first(visit: Visit, sessions: Sessions) -> None:
    minna = visit("minna")
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle="minna").one().id
        for _ in range(51):
            session.add(Notification(person_id=person, kind="reply", request_id=1))
    first, second = minna.get("/inbox/").text, minna.get("/inbox/?page=2").text
    assert (first.count('class="row unread"'), second.count('class="row unread"')) == (50, 1)
    assert 'value="51"' in first and 'value="1"' in second and "Page 2 of 2" in second
    assert {minna.get(f"/inbox/?page={page}").status_code for page in ("0", "x", "9" * 30, "٣")} == {200}


def test_the_queue_and_flagged_documents_are_counted_for_who_maintains_them(visit: Visit) -> None:
    lasse, ilse, otto = visit("lasse"), visit("ilse"), visit("otto")
    lasse.post("/desk/flag", data={"item": "document:1", "note": "The port is wrong"})
    assert _counters(ilse.get("/").text) == {"Queue": "1", "Guides": "1", "Notifications": "1"}
    assert _counters(otto.get("/").text) == {"Queue": "1"}
    assert _counters(lasse.get("/").text) == {}
    assert "Flagged as wrong or outdated" in ilse.get("/inbox/").text
    ilse.post("/desk/flag", data={"item": "document:1", "note": "Mine"})
    assert _counters(ilse.get("/").text)["Notifications"] == "1"


def test_the_same_flag_of_the_same_person_is_told_once_also_after_it_was_read(visit: Visit) -> None:
    lasse, ilse = visit("lasse"), visit("ilse")
    told = []
    for note in ("The port is wrong", "The port is wrong", "The picture too"):
        lasse.post("/desk/flag", data={"item": "document:1", "note": note})
        told.append("Notifications" in _counters(ilse.get("/").text))
        ilse.get("/documents/1")
    assert told == [True, False, True]


def test_a_private_request_is_gone_from_the_inbox_and_the_counters(visit: Visit) -> None:
    lasse, minna = visit("lasse"), visit("minna")
    _reply(visit("otto"), "@lasse look")
    assert "VPN drops" in lasse.get("/inbox/").text
    minna.post("/requests/1/audience", data={"audience": "team"})
    page = lasse.get("/inbox/").text
    assert "VPN drops" not in page and "Otto" not in page and _counters(page) == {}


def test_a_colleague_follows_a_request_and_says_me_too_which_only_the_team_counts(
    visit: Visit, sessions: Sessions
) -> None:
    lasse, otto, minna = visit("lasse"), visit("otto"), visit("minna")
    assert "/inbox/follow/1" not in minna.get("/requests/1").text
    for what in ("follow", "me_too"):
        form = next(form for form in forms_of(lasse.get("/requests/1").text) if ("what", what) in form.fields)
        assert lasse.post(form.action, data=dict(form.fields)).status_code == 302
    page = lasse.get("/requests/1").text
    assert "You follow this request." in page and "You have this problem too." in page
    assert "has the same problem" not in page and "has the same problem" not in minna.get("/requests/1").text
    assert "1 other person has the same problem." in otto.get("/requests/1").text
    otto.post("/requests/1/replies", data={"body": "Take port 443.", "then": "resolve"})
    assert "Otto solved a problem you have too" in lasse.get("/inbox/").text
    lasse.post("/inbox/follow/1", data={"what": "follow"})
    lasse.post("/inbox/follow/1", data={"what": "me_too"})
    with sessions() as session:
        assert session.query(RequestFollow).count() == 0
    assert lasse.post("/inbox/follow/1", data={"what": "other"}).status_code == 404
    assert lasse.post("/inbox/follow/99", data={"what": "follow", "on": "1"}).status_code == 404


def test_the_settings_of_mail_are_stored_and_shown_again(visit: Visit, sessions: Sessions) -> None:
    minna = visit("minna")
    changed = {"when_reply": "daily", "language": "fi", "quiet_from": "20", "quiet_until": "7", "daily_at": "9"}
    assert press(minna, "/people/me/settings", "/inbox/settings", **changed).status_code == 302
    with sessions() as session:
        row = session.query(MailSettings).one()
        assert (row.language, row.quiet_from, row.quiet_until, row.daily_at) == ("fi", 20, 7, 9)
        assert row.kinds == {"reply": "daily"}
    form = next(form for form in forms_of(minna.get("/people/me/settings").text) if form.action == "/inbox/settings")
    assert changed.items() <= dict(form.fields).items()
    assert dict(form.fields)["when_followed"] == "daily"


@pytest.mark.parametrize(
    "sent", [{"quiet_from": "20"}, {"daily_at": "24"}, {"daily_at": "²"}, {"language": "de"}, {"when_reply": "hourly"}]
)
def test_wrong_settings_of_mail_are_refused(visit: Visit, sessions: Sessions, sent: dict[str, str]) -> None:
    answer = visit("minna").post("/inbox/settings", data=sent)
    assert answer.status_code == 422 and "Not saved." in answer.text and 'aria-invalid="true"' in answer.text
    with sessions() as session:
        assert session.query(MailSettings).count() == 0


def test_mail_is_turned_off_by_a_link_without_signing_in_and_the_link_does_nothing_else(
    visit: Visit, sessions: Sessions, settings: Settings
) -> None:
    visitor = visit("minna").application.test_client()
    visitor.application.config["WTF_CSRF_ENABLED"] = True  # mail programs have no token
    key = load_secret_key(settings.home)
    with sessions() as session:
        number = session.query(Person).filter_by(handle="minna").one().id
    link = f"/inbox/unsubscribe/{make_token(key, number, ['reply', 'mention'])}"
    page = visitor.get(link)
    assert page.status_code == 200 and "Replies in requests you take part in" in page.text
    assert "Minna" not in page.text
    with sessions() as session:
        assert session.query(MailSettings).count() == 0  # looking changes nothing
    answer = visitor.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and "You will get no more e-mail of this kind" in answer.text
    assert visitor.get("/inbox/").status_code in (302, 401)
    with sessions() as session:
        assert session.query(MailSettings).one().kinds == {"reply": "never", "mention": "never"}
    for wrong in (link[:-1], "/inbox/unsubscribe/x", f"/inbox/unsubscribe/{make_token('other', number, ['reply'])}"):
        assert visitor.post(wrong).status_code == visitor.get(wrong).status_code == 404
    assert visitor.post(f"/inbox/unsubscribe/{make_token(key, 999, ['reply'])}").status_code == 404


def test_a_link_says_only_what_it_was_made_for() -> None:
    token = make_token("key", 7, ["reply"])
    assert read_token("key", token) == (7, ["reply"])
    assert read_token("key", make_token("key", 7, ["of a later version"])) == (7, [])
    assert read_token("another", token) is None and read_token("key", "") is None


def test_each_counter_is_one_query(visit: Visit, sessions: Sessions) -> None:
    visit("otto")
    with sessions() as session:
        reader, statements = reader_of(session.query(Person).filter_by(handle="otto").one()), []
        event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *args: statements.append(args[2]))
        assert waiting(session, reader, utc_now().date()) == Waiting(queue=1)
    assert len(statements) == 4


def test_nobody_who_has_not_signed_in_has_an_inbox(visit: Visit, sessions: Sessions) -> None:
    visitor = visit("minna").application.test_client()
    for path in ("/inbox/", "/inbox/settings"):
        assert visitor.get(path).status_code in (302, 401)
    for path in ("/inbox/read", "/inbox/follow/1", "/inbox/settings"):
        assert visitor.post(path, data={"what": "follow", "on": "1"}).status_code in (302, 401)
    with sessions() as session:
        assert session.query(RequestFollow).count() == session.query(MailSettings).count() == 0
        assert session.get_one(HelpRequest, 1).status == "open"
