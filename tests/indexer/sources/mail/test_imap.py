"""Mail is read from a real IMAP server: once, then what is new; also when the connection breaks."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.mail import imap, open_source
from indexer.sources.mail.imap import ImapSource
from indexer.sources.mail.options import MailOptions
from indexer.sources.protocol import Mark
from indexer.sources.records import Located, RequestRecord
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence
from tests.indexer.sources.mail.imap_server import DOVECOT, PASSWORD, breaking_wire, free_port, imap_server
from tests.indexer.sources.mail.mails import AINO, DAY, NOW, mail

needs_server = pytest.mark.skipif(DOVECOT is None, reason="Dovecot (dovecot-imapd) is not installed")


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_SUPPORT_PASSWORD", PASSWORD)


def _source(port: int, now: datetime = NOW, waits: list[float] | None = None, **options: Any) -> ImapSource:
    given = {"place": f"imap://localhost:{port}", "user": "tuki", **options}
    waits = [] if waits is None else waits
    return ImapSource("support", MailOptions.model_validate(given), now, waits.append)


def _read(source: ImapSource, since: str | None = None) -> tuple[list[RequestRecord], str]:
    found = list(source.read(since))
    assert isinstance(found[-1], Mark)
    records = [each.record for each in found if isinstance(each, Located)]
    return [record for record in records if isinstance(record, RequestRecord)], found[-1].value


@needs_server
def test_folders_are_read_and_the_mark_goes_on_from_there() -> None:
    with imap_server() as mailbox:
        mailbox.put(1, mail(1))
        mailbox.put(2, mail(2, "Vaihda akku.", AINO, "Re: Kone", 1), "K&AOQ-sitellyt")
        mailbox.put(3, mail(3, "Toinen asia", subject="Muu"))
        source = _source(mailbox.port, folder=("INBOX", "Käsitellyt"))
        found, mark = _read(source)
        assert [(request.title, len(request.replies)) for request in found] == [("Kone", 1), ("Muu", 0)]
        assert (found[0].replies[0].body, found[0].status, found[0].group) == ("Vaihda akku.", "resolved", "INBOX")
        assert _read(source, mark) == ([], mark)
        mailbox.put(4, mail(4, "Kokeile kaapelia.", AINO, "Re: Muu", 3))
        [changed], later = _read(source, mark)
        assert changed.id == "3@example.fi" and [reply.body for reply in changed.replies] == ["Kokeile kaapelia."]
        assert _read(source, later)[0] == []
        mailbox.renumber()
        time.sleep(1.1)  # the number is made of the time in seconds
        again, _mark = _read(source, later)
        assert {request.id for request in again} == {"1@example.fi", "3@example.fi"}


@needs_server
def test_a_thread_that_came_to_rest_is_read_again() -> None:
    with imap_server() as mailbox:
        mailbox.put(1, mail(1))
        mailbox.put(2, mail(2, "Vaihda akku.", AINO, "Re: Kone", 1))
        soon = DAY + timedelta(days=2)
        [request], mark = _read(_source(mailbox.port, soon))
        assert request.status == "open"
        assert _read(_source(mailbox.port, soon + timedelta(days=1)), mark)[0] == []
        [request], mark = _read(_source(mailbox.port, soon + timedelta(days=13)), mark)
        assert request.status == "resolved"
        assert _read(_source(mailbox.port, soon + timedelta(days=14)), mark)[0] == []


@needs_server
def test_a_first_read_that_ends_half_way_goes_on_there_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "_MARKED", 5)
    with imap_server() as mailbox:
        for number in range(1, 21):
            mailbox.put(number, mail(number, f"Kysymys {number}.", subject=f"A{number}"))
        marks: list[str] = []
        first: set[str] = set()
        for each in _source(mailbox.port).read():
            if isinstance(each, Mark):
                marks.append(each.value)
            elif isinstance(each.record, RequestRecord):
                first.add(each.record.title)
            if len(marks) == 2:
                break  # the process is killed: the mark is stored, and what is before it
        assert len(first) == 10
        mailbox.put(21, mail(21, "Vaihda akku.", AINO, "Re: A3", 3))
        mailbox.put(22, mail(22, "Myohassa.", subject="A22", hours=1.5))
        rest, mark = _read(_source(mailbox.port), marks[-1])
        assert {request.title for request in rest} - first == {f"A{number}" for number in (*range(11, 21), 22)}
        assert {request.title for request in rest} & first == {"A3", "A10"}  # has changed; is named by the mark
        assert _read(_source(mailbox.port), mark)[0] == []


@needs_server
def test_nothing_is_lost_when_the_connection_breaks() -> None:
    with imap_server() as mailbox:
        for number in range(1, 41):
            mailbox.put(number, mail(number, f"Kysymys {number}. " + "Lisää tekstiä. " * 100, subject=f"A{number}"))
        whole, mark = _read(_source(mailbox.port))
        assert len(whole) == 40
        for cuts in ([50], [700, 900], [3000, 12_000], [15_000, 30_000, 40_000, 25_000]):
            waits: list[float] = []
            with breaking_wire(mailbox.port, cuts) as port:
                assert _read(_source(port, waits=waits)) == (whole, mark)
            assert len(waits) == len(cuts)


@needs_server
def test_nothing_is_marked_as_read_and_long_mails_are_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.sources.mail.imap.LONGEST", 2_000)
    with imap_server() as mailbox:
        mailbox.put(1, mail(1, "Alku.\n\n" + "x" * 5_000))
        [request], _mark = _read(_source(mailbox.port))
        assert request.body.startswith("Alku.") and len(request.body) < 2_000
        assert not [path for path in (mailbox.root / "cur").iterdir() if "S" in path.name.rpartition(",")[2]]


@needs_server
def test_what_the_server_refuses_is_told_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with imap_server() as mailbox:
        mailbox.put(1, mail(1))
        with pytest.raises(SourceError, match="refused to open the folder 'Puuttuu'"):
            _read(_source(mailbox.port, folder=("Puuttuu",)))
        monkeypatch.setenv("KOLLEGA_SUPPORT_PASSWORD", "Wrong-secret")
        with pytest.raises(SourceError, match="did not accept the user tuki with this password") as refused:
            _read(_source(mailbox.port))
        assert "Wrong-secret" not in str(refused.value)


def test_a_server_that_does_not_answer_is_told_after_some_attempts() -> None:
    waits: list[float] = []
    with pytest.raises(SourceError, match=r"does not answer as it should \(Connection refused\)") as refused:
        _read(_source(free_port(), waits=waits))
    said = str(refused.value)
    assert isinstance(said, Sentence) and isinstance(said.values["why"], Sentence)
    assert waits == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("place", "user", "message"),
    [
        ("imaps://mail.example.fi", None, "no user is named"),
        ("imaps://mail.example.fi:99999", "tuki", "port that is none"),
        ("imaps://", "tuki", "write the place as"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(place: str, user: str | None, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source("support", MailOptions(place=place, user=user))


def test_a_missing_password_is_told_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KOLLEGA_SUPPORT_PASSWORD")
    with pytest.raises(SourceError, match="KOLLEGA_SUPPORT_PASSWORD"):
        _read(_source(free_port()))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_password_is_sent(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _address = listener.accept()
            with client, suppress(OSError), context.wrap_socket(client, server_side=True) as wrapped:
                wrapped.sendall(b"* OK ready\r\n")
                heard.append(wrapped.recv(1000))

        thread = threading.Thread(target=serve)
        thread.start()
        waits: list[float] = []
        with pytest.raises(SourceError, match="the certificate of localhost cannot be trusted"):
            _read(_source(0, waits=waits, place=f"imaps://localhost:{listener.getsockname()[1]}"))
        thread.join(20)
    assert (waits, heard) == ([], [])
