"""delivery/handover: a request goes on to where its team works, once, and comes back solved."""

import hashlib
import hmac
import html
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mailbox import Maildir
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands.destinations import send_again
from indexer.delivery.handover import deliver
from indexer.delivery.handover.deliver import hand_over
from indexer.delivery.handover.text import question_of
from indexer.loading.load import load
from indexer.sources.configuration import read_sources
from recommender.access import reader_of
from recommender.audit import SYSTEM
from recommender.database.account_tables import Account
from recommender.database.handover_tables import Handover, HandoverReply
from recommender.database.tables import HelpRequest, Person, Team
from recommender.database.told_tables import Notification
from recommender.errors import SettingsError
from recommender.knowledge import requests
from recommender.knowledge.erasure import erase_request
from recommender.language.analyzer import Analyzer
from recommender.outbox import handover
from recommender.outbox.mail import MOST_ATTEMPTS
from recommender.settings import Settings
from tests.indexer.delivery.handover.taking import Recorder, TakingJira, TakingZammad
from tests.indexer.delivery.smtp_server import mail_box
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.server import TOKEN, Reply, SystemServer, serving

Sessions = sessionmaker[Session]
SECRET = "a-secret-of-enough-letters"


@pytest.fixture
def there(
    settings: Settings, sessions: Sessions, add_person: Callable[..., int], add_request: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:  # fmt: skip
    """A team IT with Aino as an agent, and Matti who asks; one item for everyone and one for HR only."""
    add_person("aino", "agent", "it")
    add_person("matti", "staff")
    add_request("Restart the spooler", "Printing stops", "Restart the service", team="it")
    add_request("Salaries of printers", "x", "y", team="hr", audience=[])
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", TOKEN)
    monkeypatch.setenv("KOLLEGA_TEAM_IT_WEBHOOK_SECRET", SECRET)
    return replace(settings, public_url="https://kollega.example")


@pytest.fixture
def send(there: Settings, sessions: Sessions) -> Callable[..., int]:
    """Sends the requests of IT to a target, and files one; returns its id."""

    def send(target: str, anonymous: bool = False, **options: str) -> int:
        with sessions.begin() as session:
            team = session.scalars(select(Team).where(Team.handle == "it")).one()
            handover.set_destination(session, team, target, options)
            matti = session.scalars(select(Person).where(Person.handle == "matti")).one()
            filed = requests.file_request(
                session, matti, "The printer\nis stuck", "Third floor", "en", team, shared=False, anonymous=anonymous,
                attempts=[("request:1", True), ("request:2", False)],
            )  # fmt: skip
            return filed.id

    return send


def _row(sessions: Sessions, number: int) -> Handover:
    with sessions() as session:
        return session.get_one(Handover, number)


def _let_time_pass(sessions: Sessions, **time: float) -> None:
    with sessions.begin() as session:
        for row in session.scalars(select(Handover)):
            row.next_attempt_at -= timedelta(**time)


def _configure(settings: Settings, kind: str, url: str, more: str = "") -> None:
    settings.sources_file.write_text(
        f'[desk]\nkind = "{kind}"\nplace = "{url}"\nallow_http = true\nteam = "it"\n{more}', encoding="utf-8"
    )


def _sync(settings: Settings, sessions: Sessions, analyzer: Analyzer) -> Any:
    (configured,) = read_sources(settings.sources_file)
    report = load(configured.open(), sessions, analyzer)
    assert report.problems == []
    return report


def _solved(sessions: Sessions, number: int) -> tuple[str, list[tuple[str, bool]]]:
    with sessions() as session:
        row = session.get_one(HelpRequest, number)
        return row.status, [(reply.body, reply.accepted) for reply in row.replies]


def _jira(_desk: Desk) -> TakingJira:
    system = TakingJira(_desk, cloud=False)
    system.made = {}
    return system


def _zammad(desk: Desk) -> TakingZammad:
    system = TakingZammad(desk)
    system.made = {}
    return system


SYSTEMS: dict[str, tuple[Callable[[Desk], Any], dict[str, str]]] = {
    "jira": (_jira, {"project": "PROJ"}),
    "zammad": (_zammad, {"group": "Palvelu", "customer": "kollega@example.org"}),
}


@pytest.fixture(params=SYSTEMS)
def helpdesk(request: pytest.FixtureRequest, there: Settings) -> Iterator[SystemServer]:
    make, _options = SYSTEMS[request.param]
    with serving(make(Desk())) as helpdesk:
        _configure(there, request.param, helpdesk.url)
        yield helpdesk


def _options_of(helpdesk: SystemServer) -> dict[str, str]:
    return SYSTEMS["jira" if isinstance(helpdesk.system, TakingJira) else "zammad"][1]


def test_a_request_becomes_a_ticket_and_its_solution_there_solves_it_here(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, analyzer: Analyzer, send: Callable[..., int]
) -> None:
    number = send("desk", **_options_of(helpdesk))
    assert hand_over(there, sessions) == 1
    row = _row(sessions, number)
    assert (row.state, row.source, row.number) == ("sent", "desk", {"jira": "PROJ-1"}.get(_kind(helpdesk), "91"))
    assert row.url and row.url.startswith(helpdesk.url)
    (ticket,) = helpdesk.system.desk.tickets.values()
    assert "Third floor" in ticket.text and "Restart the spooler" in ticket.text
    assert f"https://kollega.example/requests/{number}" in ticket.text
    assert "Salaries" not in ticket.text  # the team may not read that
    helpdesk.system.desk.answer(1, "The paper was wet. Dry the tray.")
    assert (_sync(there, sessions, analyzer).updated, _sync(there, sessions, analyzer).updated) == (1, 0)
    status, replies = _solved(sessions, number)
    assert status == "resolved" and ("The paper was wet. Dry the tray.", True) in replies
    assert not any("Sisäinen" in body for body, _accepted in replies)
    with sessions() as session:
        titles = session.scalars(select(HelpRequest.title).where(HelpRequest.source == "desk")).all()
        assert titles == []  # the ticket is no second request
        assert session.get_one(HelpRequest, number).body == "Third floor"


def _kind(helpdesk: SystemServer) -> str:
    return "jira" if isinstance(helpdesk.system, TakingJira) else "zammad"


def test_a_ticket_whose_answer_was_lost_is_found_again_and_not_made_twice(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    helpdesk.faults.lose_answers = 1
    number = send("desk", **_options_of(helpdesk))
    assert hand_over(there, sessions) == 0
    row = _row(sessions, number)
    assert row.state == "waiting" and row.problem and TOKEN not in row.problem
    assert hand_over(there, sessions) == 0  # not before its time
    _let_time_pass(sessions, minutes=1)
    assert hand_over(there, sessions) == 1
    assert len(helpdesk.system.desk.tickets) == 1 and _row(sessions, number).state == "sent"


def test_the_ticket_of_a_request_that_is_erased_while_it_is_sent_does_not_come_in(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, analyzer: Analyzer, send: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    number, sent = send("desk", **_options_of(helpdesk)), deliver.send_to_system

    def erasing(*values: Any) -> Any:
        with sessions.begin() as session:
            erase_request(session, session.get_one(HelpRequest, number), SYSTEM)
        return sent(*values)

    monkeypatch.setattr(deliver, "send_to_system", erasing)
    assert hand_over(there, sessions) == 1 and len(helpdesk.system.desk.tickets) == 1
    _sync(there, sessions, analyzer)
    with sessions() as session:
        assert session.scalars(select(HelpRequest.title).where(HelpRequest.source == "desk")).all() == []


def test_what_the_system_will_never_take_is_given_up_with_its_reason(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    options = dict.fromkeys(_options_of(helpdesk), "Nowhere")
    number = send("desk", **options)
    hand_over(there, sessions)
    row = _row(sessions, number)
    assert row.state == "failed" and row.problem and ("400" in row.problem or "422" in row.problem)
    assert "kollega team set --set" in row.problem and "--send-again" in row.problem
    with sessions.begin() as session:
        team = session.scalars(select(Team).where(Team.handle == "it")).one()
        handover.set_destination(session, team, "desk", _options_of(helpdesk))
        assert handover.try_again(session, team) == 1
    assert hand_over(there, sessions) == 1  # with the options as they were corrected


def test_a_request_that_was_solved_here_stays_so_and_a_later_change_there_does_not_open_it(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, analyzer: Analyzer, send: Callable[..., int]
) -> None:
    number = send("desk", **_options_of(helpdesk))
    hand_over(there, sessions)
    helpdesk.system.desk.answer(1, "First answer.")
    _sync(there, sessions, analyzer)
    with sessions.begin() as session:  # it did not help: opened again here
        session.get_one(HelpRequest, number).status = "open"
    helpdesk.system.desk.note(1, "And one more thing.", author=3)
    _sync(there, sessions, analyzer)
    status, replies = _solved(sessions, number)
    assert status == "open" and ("And one more thing.", False) in replies
    assert sum(body == "First answer." for body, _accepted in replies) == 1


def test_of_an_anonymous_asker_neither_name_nor_what_they_saw_goes_out(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    send("desk", anonymous=True, **_options_of(helpdesk))
    hand_over(there, sessions)
    (ticket,) = helpdesk.system.desk.tickets.values()
    assert "matti" not in ticket.text.lower() and "Restart the spooler" not in ticket.text
    assert "name hidden" in ticket.text


OTHERS = [
    ("zendesk", {}, "/api/v2/tickets.json", {"ticket": {"id": 35}}, 'user = "me"', ("35", "35", "/agent/tickets/35")),
    (
        "freshdesk", {"requester": "kollega@example.org"}, "/api/v2/tickets", {"id": 7}, "", ("7", "7", "/a/tickets/7"),
    ),
    (
        "github", {"repository": "acme/it"}, "/repos/acme/it/issues",
        {"id": 99, "number": 4, "html_url": "https://h.example/acme/it/issues/4"}, 'repositories = ["acme/it"]',
        ("99", "#4", "https://h.example/acme/it/issues/4"),
    ),
    (
        "gitlab", {"project": "acme/it"}, "/api/v4/projects/acme/it/issues",
        {"id": 5, "iid": 2, "web_url": "https://g.example/acme/it/-/issues/2"}, 'projects = ["acme/it"]',
        ("5", "#2", "https://g.example/acme/it/-/issues/2"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "options", "path", "answer", "more", "ticket"), OTHERS, ids=[each[0] for each in OTHERS]
)
def test_the_other_systems_take_a_ticket_as_they_document_it(
    there: Settings, sessions: Sessions, send: Callable[..., int], kind: str, options: dict[str, str], path: str,
    answer: Any, more: str, ticket: tuple[str, str, str],
) -> None:  # fmt: skip
    with serving(Recorder({path: answer}, {})) as helpdesk:
        _configure(there, kind, helpdesk.url, more)
        number = send("desk", **options)
        assert hand_over(there, sessions) == 1, _row(sessions, number).problem
    row = _row(sessions, number)
    assert (row.external_id, row.number) == ticket[:2] and str(row.url).endswith(ticket[2])
    ((_path, sent),) = helpdesk.system.taken
    assert row.key in json.dumps(sent) and "Third floor" in json.dumps(sent)


def test_a_request_is_mailed_with_the_same_message_id_at_each_attempt(
    there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    with mail_box(DATA="451 later") as box:
        mailing = replace(there, mail_server=box.address, mail_from="kollega@example.org")
        number = send("mailto:it@example.org")
        assert hand_over(mailing, sessions) == 0
        assert _row(sessions, number).state == "waiting"
        box.refuse = {}
        _let_time_pass(sessions, minutes=1)
        assert hand_over(mailing, sessions) == 1
    (mail,) = box.mails
    assert (mail["To"], mail["Subject"]) == ("it@example.org", "The printer is stuck")
    assert mail["Message-ID"] == f"<{_row(sessions, number).key}@kollega.example>"
    assert "Third floor" in mail.get_content()
    assert _row(sessions, number).source is None


def test_a_webhook_gets_the_question_signed_and_names_the_ticket(
    there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            body = b'{"id": 12, "number": "INC12", "url": "javascript:alert(1)"}'
            self.send_response(201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    try:
        number = send(f"http://127.0.0.1:{hook.server_address[1]}/in")
        assert hand_over(there, sessions) == 1
    finally:
        hook.shutdown()
        hook.server_close()
    ((headers, body),) = got
    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    row = _row(sessions, number)
    assert headers["Idempotency-Key"] == row.key == json.loads(body)["key"]
    assert (row.number, row.url) == ("INC12", None)


def test_without_a_destination_requests_stay_here_and_a_moved_one_goes_on(
    there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    number = send("here")
    with sessions.begin() as session:
        assert session.get(Handover, number) is None
        assert hand_over(there, sessions) == 0
        hr = session.scalars(select(Team).where(Team.handle == "hr")).one()
        handover.set_destination(session, hr, "mailto:hr@example.org", {})
        aino = session.scalars(select(Person).where(Person.handle == "aino")).one()
        requests.move(session, session.get_one(HelpRequest, number), reader_of(aino), hr)
        assert session.get_one(Handover, number).target == "mailto:hr@example.org"


def _told(sessions: Sessions) -> list[tuple[str, str]]:
    with sessions() as session:
        told = session.scalars(select(Notification).order_by(Notification.id))
        return sorted((each.kind, session.get_one(Person, each.person_id).handle) for each in told)


def test_what_fails_in_an_unforeseen_way_is_given_up_after_some_attempts_and_said_to_asker_and_team(
    there: Settings, sessions: Sessions, send: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole = send("mailto:it@example.org"), send("mailto:it@example.org")

    def failing(session: Any, settings: Settings, row: Handover) -> Any:
        if row.request_id == broken:
            raise ZeroDivisionError("unforeseen")
        return question_of(session, settings, row)

    monkeypatch.setattr(deliver, "question_of", failing)
    with mail_box() as box:
        mailing = replace(there, mail_server=box.address, mail_from="kollega@example.org")
        for _attempt in range(MOST_ATTEMPTS):
            assert _row(sessions, broken).state == "waiting" and _told(sessions) == []
            hand_over(mailing, sessions)
            _let_time_pass(sessions, hours=2)
        assert len(box.mails) == 1 and _row(sessions, whole).state == "sent"
    row = _row(sessions, broken)
    assert (row.state, row.problem) == ("failed", "It could not be sent on: ZeroDivisionError.")
    assert _told(sessions) == [("not_sent", "aino"), ("not_sent", "matti")]


def test_a_request_whose_sender_is_killed_each_time_is_given_up(
    there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    number = send("mailto:it@example.org")
    with sessions.begin() as session:
        session.get_one(Handover, number).attempts = 200
    assert hand_over(there, sessions) == 0
    assert _row(sessions, number).state == "failed" and _told(sessions) != []


def test_a_broken_sources_file_stops_only_what_goes_to_a_source(
    there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    there.sources_file.write_text("[desk\n", encoding="utf-8")
    to_desk, by_mail = send("desk", project="PROJ"), send("mailto:it@example.org")
    with mail_box() as box:
        assert hand_over(replace(there, mail_server=box.address, mail_from="k@example.org"), sessions) == 1
    assert _row(sessions, by_mail).state == "sent"
    row = _row(sessions, to_desk)
    assert row.state == "waiting" and "sources.toml is no TOML" in (row.problem or "")


def test_an_admin_has_what_was_given_up_sent_again_to_where_the_team_works_now(
    there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    number = send("mailto:it@example.org")
    with sessions.begin() as session:
        session.get_one(Handover, number).state = "failed"
        team = session.scalars(select(Team).where(Team.handle == "it")).one()
        handover.set_destination(session, team, "mailto:new@example.org", {})
    with sessions.begin() as session:
        assert send_again(session, "it") == "1 requests of it are sent again by `kollega watch`"
    row = _row(sessions, number)
    assert (row.state, row.target) == ("waiting", "mailto:new@example.org")
    with sessions.begin() as session, pytest.raises(SettingsError, match="--send-to"):
        send_again(session, "hr")


def _answer(mail: Any, text: str, **headers: str) -> EmailMessage:
    answer = EmailMessage()
    values = {
        "From": "Aino Virtanen <aino@example.org>", "Message-ID": "<a1@example.org>",
        "Subject": f"Re: {mail['Subject']}",
        "In-Reply-To": mail["Message-ID"], "References": mail["Message-ID"], "Date": "Mon, 02 Mar 2026 10:00:00 +0000",
    }  # fmt: skip
    values |= {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in values.items():
        answer[name] = value
    answer.set_content(f"{text}\n\nOn Mon, 2 Mar 2026 at 09:00, Kollega <kollega@example.org> wrote:\n> Third floor\n")
    return answer


@pytest.fixture
def mailbox(there: Settings, sessions: Sessions) -> Maildir:
    """The mailbox of IT, which a source reads. Matti has a mail address."""
    with sessions.begin() as session:
        matti = session.scalars(select(Person).where(Person.handle == "matti")).one()
        session.add(Account(person_id=matti.id, email="matti@example.org"))
    there.sources_file.write_text(
        f'[letters]\nkind = "mail"\nplace = "{there.home / "mailbox"}"\nteam = "it"\n', encoding="utf-8"
    )
    return Maildir(there.home / "mailbox", create=True)


def _mailed(there: Settings, sessions: Sessions, send: Callable[..., int], **more: Any) -> tuple[int, Any]:
    with mail_box() as box:
        number = send("mailto:it@example.org", **more)
        assert hand_over(replace(there, mail_server=box.address, mail_from="kollega@example.org"), sessions) == 1
    (mail,) = box.mails
    mail.replace_header("Date", "Mon, 02 Mar 2026 09:00:00 +0000")
    return number, mail


def _of_letters(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(HelpRequest.title).where(HelpRequest.source == "letters")))


@pytest.mark.parametrize("has_question", [True, False], ids=["with the mail itself", "the answers only"])
def test_answers_by_mail_become_replies_of_the_request_and_no_second_one(
    there: Settings, sessions: Sessions, analyzer: Analyzer, send: Callable[..., int], mailbox: Maildir,
    has_question: bool,
) -> None:  # fmt: skip
    number, mail = _mailed(there, sessions, send)
    if has_question:
        mailbox.add(mail.as_bytes())
    mailbox.add(_answer(mail, "Dry the tray.").as_bytes())
    thanks = {"From": "Matti <matti@example.org>", "Message_ID": "<a2@example.org>", "In_Reply_To": "<a1@example.org>"}
    mailbox.add(_answer(mail, "It is the lower one.", **thanks, Date="Mon, 02 Mar 2026 11:00:00 +0000").as_bytes())
    for _time in range(2):
        _sync(there, sessions, analyzer)
        status, replies = _solved(sessions, number)
        assert replies == [("Dry the tray.", has_question), ("It is the lower one.", False)]
    assert status == ("resolved" if has_question else "open")  # over, after weeks without another mail
    assert _of_letters(sessions) == []


def test_the_mailed_request_solves_nothing_by_itself_and_its_asker_answers_it_not(
    there: Settings, sessions: Sessions, analyzer: Analyzer, send: Callable[..., int], mailbox: Maildir
) -> None:
    number, mail = _mailed(there, sessions, send)
    assert mail["Reply-To"] == "Matti <matti@example.org>, it@example.org"
    mailbox.add(mail.as_bytes())
    mailbox.add(_answer(mail, "Dry the tray.").as_bytes())
    thanks = {"From": "Matti <matti@example.org>", "Message_ID": "<a2@example.org>", "In_Reply_To": "<a1@example.org>"}
    mailbox.add(_answer(mail, "Kiitos, toimii!", **thanks, Date="Mon, 02 Mar 2026 11:00:00 +0000").as_bytes())
    _sync(there, sessions, analyzer)
    assert _solved(sessions, number) == ("resolved", [("Dry the tray.", True), ("Kiitos, toimii!", False)])
    with sessions() as session:
        assert session.scalars(select(Person.handle).where(Person.handle.contains("kollega"))).all() == []


def test_of_an_anonymous_asker_replies_go_to_the_team_only(
    there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    _number, mail = _mailed(there, sessions, send, anonymous=True)
    assert mail["Reply-To"] == "it@example.org"


def test_the_mail_of_a_request_that_was_erased_does_not_come_in(
    there: Settings, sessions: Sessions, analyzer: Analyzer, send: Callable[..., int], mailbox: Maildir
) -> None:
    number, mail = _mailed(there, sessions, send)
    with sessions.begin() as session:
        erase_request(session, session.get_one(HelpRequest, number), SYSTEM)
    mailbox.add(mail.as_bytes())
    mailbox.add(_answer(mail, "Dry the tray.").as_bytes())
    (configured,) = read_sources(there.sources_file)
    load(configured.open(), sessions, analyzer)
    assert _of_letters(sessions) == []


def _reply(sessions: Sessions, number: int, handle: str, text: str) -> int:
    with sessions.begin() as session:
        author = session.scalars(select(Person).where(Person.handle == handle)).one()
        return requests.reply(session, session.get_one(HelpRequest, number), author, text).id


def _let_replies_wait_no_more(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for row in session.scalars(select(HandoverReply)):
            row.next_attempt_at -= timedelta(hours=2)


@pytest.mark.parametrize("lost", [False, True], ids=["noted", "answer lost"])
@pytest.mark.parametrize("read_first", [False, True], ids=["then read", "read before"])
def test_a_later_reply_becomes_a_comment_once_and_does_not_come_back(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, analyzer: Analyzer, send: Callable[..., int],
    lost: bool, read_first: bool,
) -> None:  # fmt: skip
    number = send("desk", **_options_of(helpdesk))
    hand_over(there, sessions)
    helpdesk.system.desk.note(1, "Which tray?", author=3)
    _sync(there, sessions, analyzer)
    reply = _reply(sessions, number, "matti", "The lower one.\nIt <blinks>.")
    helpdesk.faults.lose_answers = int(lost)
    assert hand_over(there, sessions) == (0 if lost else 1)
    if read_first:
        _sync(there, sessions, analyzer)
    _let_replies_wait_no_more(sessions)
    assert hand_over(there, sessions) == int(lost and not read_first)
    for _time in range(2):
        _sync(there, sessions, analyzer)
        assert [body for body, _accepted in _solved(sessions, number)[1]] == [
            "Which tray?",
            "The lower one.\nIt <blinks>.",
        ]
    notes = [note for note in helpdesk.system.desk.tickets[1].notes if note.author.id == 7]
    assert len(notes) == 1 and notes[0].public
    written = html.unescape(re.sub("<br>", "", notes[0].text))
    assert (
        written.startswith("The lower one.\nIt <blinks>.")
        and "Written in Kollega by: Matti (the person who asks)" in written
    )
    assert written.endswith(f"https://kollega.example/requests/{number}#reply-{reply}")
    with sessions() as session:
        row = session.get_one(HandoverReply, reply)
        assert (row.state, row.external_id) == ("sent", str(notes[0].id))


def test_a_reply_of_the_asker_that_the_system_takes_for_its_answer_solves_nothing(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, analyzer: Analyzer, send: Callable[..., int]
) -> None:
    number = send("desk", **_options_of(helpdesk))
    hand_over(there, sessions)
    helpdesk.system.desk.note(1, "Dry the tray.", author=3)
    _reply(sessions, number, "matti", "Thanks, it prints again.")
    hand_over(there, sessions)
    ticket = helpdesk.system.desk.tickets[1]
    ticket.state, ticket.solved = "solved", helpdesk.system.desk.now
    helpdesk.system.desk.touch(1)
    _sync(there, sessions, analyzer)
    status, replies = _solved(sessions, number)
    assert status == "resolved" and sorted(replies) == [("Dry the tray.", True), ("Thanks, it prints again.", False)]


def test_replies_wait_for_their_request_and_go_in_their_order(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    number = send("desk", anonymous=True, **_options_of(helpdesk))
    _reply(sessions, number, "aino", "Which tray?")
    _reply(sessions, number, "matti", "The lower one.")
    helpdesk.faults.lose_answers = 1
    assert hand_over(there, sessions) == 0
    assert helpdesk.system.desk.tickets[1].notes == []
    _let_time_pass(sessions, minutes=1)
    assert (hand_over(there, sessions), hand_over(there, sessions)) == (2, 1)
    first, second = helpdesk.system.desk.tickets[1].notes
    assert "Which tray?" in first.text and "Written in Kollega by: Aino" in first.text
    assert "The lower one." in second.text and "the person who asks (name hidden)" in second.text
    assert "atti" not in second.text
    with sessions.begin() as session:
        assert handover.undone_replies(session, number) == []


COMMENTS = [
    ("zendesk", {}, ("/api/v2/tickets.json", {"ticket": {"id": 35}}), 'user = "me"',
     "/api/v2/tickets/35.json", {"audit": {"events": [{"type": "Change", "id": 1}, {"type": "Comment", "id": 8}]}}),
    ("freshdesk", {"requester": "k@example.org"}, ("/api/v2/tickets", {"id": 7}), "",
     "/api/v2/tickets/7/notes", {"id": 8}),
    ("github", {"repository": "acme/it"},
     ("/repos/acme/it/issues", {"id": 99, "number": 4, "html_url": "https://h.example/4"}),
     'repositories = ["acme/it"]', "/repos/acme/it/issues/4/comments", {"id": 8}),
    ("gitlab", {"project": "acme/it"},
     ("/api/v4/projects/acme/it/issues", {"id": 5, "iid": 2, "web_url": "https://g.example/2"}),
     'projects = ["acme/it"]', "/api/v4/projects/acme/it/issues/2/notes", {"id": 8}),
    ("jira", {"project": "PROJ", "service_desk": "3"},
     ("/rest/servicedeskapi/request", {"issueId": 10001, "issueKey": "PROJ-1"}), "",
     "/rest/servicedeskapi/request/PROJ-1/comment", {"id": "8"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options", "made", "more", "path", "answer"), COMMENTS, ids=[c[0] for c in COMMENTS])
def test_the_other_systems_take_comments_as_they_document_it(
    there: Settings, sessions: Sessions, send: Callable[..., int], kind: str, options: dict[str, str],
    made: tuple[str, Any], more: str, path: str, answer: Any,
) -> None:  # fmt: skip
    with serving(Recorder({made[0]: made[1], path: answer}, {})) as helpdesk:
        _configure(there, kind, helpdesk.url, more)
        number = send("desk", **options)
        reply = _reply(sessions, number, "matti", "The lower one.")
        assert hand_over(there, sessions) == 2, _row(sessions, number).problem
    (asked, sent) = helpdesk.system.taken[-1]
    assert asked == path and "The lower one." in json.dumps(sent) and f"#reply-{reply}" in json.dumps(sent)
    with sessions() as session:
        assert session.get_one(HandoverReply, reply).external_id == "8"


LISTS = [
    ("zendesk", COMMENTS[0], "/api/v2/tickets/35/comments.json", {"comments": []}),
    ("freshdesk", COMMENTS[1], "/api/v2/tickets/7/conversations", []),
    ("github", COMMENTS[2], "/repos/acme/it/issues/4/comments", []),
    ("gitlab", COMMENTS[3], "/api/v4/projects/acme/it/issues/2/notes", []),
]


@pytest.mark.parametrize(("kind", "system", "path", "listed"), LISTS, ids=[each[0] for each in LISTS])
def test_a_comment_whose_answer_was_lost_is_found_again(
    there: Settings, sessions: Sessions, send: Callable[..., int], kind: str, system: Any, path: str, listed: Any
) -> None:
    _same, options, made, more, add, answer = system
    with serving(Recorder({made[0]: made[1], add: answer}, {path: listed})) as helpdesk:
        _configure(there, kind, helpdesk.url, more)
        number = send("desk", **options)
        hand_over(there, sessions)
        reply = _reply(sessions, number, "matti", "The lower one.")
        helpdesk.faults.lose_answers = 1
        assert hand_over(there, sessions) == 0
        body = f"The lower one.<br>https://kollega.example/requests/{number}#reply-{reply}"
        rows = [{"id": 21, "body": body}, {"id": 20, "body": body}, {"id": 3, "body": body + "0"}]
        helpdesk.system.found[path] = {"comments": rows} if isinstance(listed, dict) else rows
        _let_replies_wait_no_more(sessions)
        assert hand_over(there, sessions) == 1
    with sessions() as session:
        assert session.get_one(HandoverReply, reply).external_id == "20"  # the later one quotes it


def test_a_later_reply_is_mailed_in_the_same_thread_and_does_not_come_back(
    there: Settings, sessions: Sessions, analyzer: Analyzer, send: Callable[..., int], mailbox: Maildir
) -> None:
    with mail_box() as box:
        mailing = replace(there, mail_server=box.address, mail_from="kollega@example.org")
        number = send("mailto:it@example.org")
        reply = _reply(sessions, number, "matti", "It blinks.")
        assert hand_over(mailing, sessions) == 2
    question, mail = box.mails
    key = _row(sessions, number).key
    assert mail["Message-ID"] == f"<{key}-r{reply}@kollega.example>"
    assert mail["In-Reply-To"] == question["Message-ID"] and mail["Subject"] == "Re: The printer is stuck"
    for each in (question, mail):
        mailbox.add(each.as_bytes())
    _sync(there, sessions, analyzer)
    assert _solved(sessions, number) == ("open", [("It blinks.", False)])
    assert _of_letters(sessions) == []


def test_a_reply_that_is_refused_is_given_up_and_its_author_is_told(
    there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    with serving(_jira(Desk())) as helpdesk:
        _configure(there, "jira", helpdesk.url)
        number = send("desk", project="PROJ")
        hand_over(there, sessions)
        helpdesk.system.take = lambda _path, _sent: Reply({"errorMessages": ["Comment body can not be empty!"]}, 400)
        _reply(sessions, number, "matti", "It blinks.")
        assert hand_over(there, sessions) == 0
    with sessions() as session:
        (row,) = handover.undone_replies(session, number)
        assert row.state == "failed" and "Comment body can not be empty!" in (row.problem or "")
    assert ("not_sent", "matti") in _told(sessions)


def test_replies_to_a_request_that_was_moved_do_not_go_to_the_team_that_had_it(
    helpdesk: SystemServer, there: Settings, sessions: Sessions, send: Callable[..., int]
) -> None:
    number = send("desk", **_options_of(helpdesk))
    hand_over(there, sessions)
    before = _reply(sessions, number, "matti", "It blinks.")
    with sessions.begin() as session:
        aino = session.scalars(select(Person).where(Person.handle == "aino")).one()
        hr = session.scalars(select(Team).where(Team.handle == "hr")).one()
        requests.move(session, session.get_one(HelpRequest, number), reader_of(aino), hr)
    _reply(sessions, number, "matti", "It is about my salary.")
    assert hand_over(there, sessions) == 0 and helpdesk.system.desk.tickets[1].notes == []
    with sessions() as session:
        assert [row.reply_id for row in session.scalars(select(HandoverReply))] == [before]
