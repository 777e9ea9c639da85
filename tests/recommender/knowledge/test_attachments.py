"""knowledge/attachments.py and file_store.py: what is stored, where, and what is removed."""

import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import reader_of
from recommender.audit import COMMAND
from recommender.database.attachment_tables import FAILED, NOT_CHECKED, PASSED, REFUSED, Attachment
from recommender.database.tables import Document, HelpRequest, Person, Reply, utc_now
from recommender.errors import AttachmentRefused, NotAllowed
from recommender.files import folder
from recommender.files.places import store_of
from recommender.knowledge import attachments, erasure, file_store
from recommender.settings import Settings
from tests.files import pdf, png

Add = Callable[..., int]


@pytest.fixture
def aino(add_person: Add, sessions: sessionmaker[Session]) -> Person:
    number = add_person("aino", "agent", "it")
    with sessions() as session:
        return session.get_one(Person, number)


def _refusal(session: Session, settings: Settings, person: Person, *sent: tuple[str, bytes]) -> str:
    with pytest.raises(AttachmentRefused) as refused:
        attachments.upload(session, settings, person, sent)
    return refused.value.reason


def _files(settings: Settings) -> list[Path]:
    return list(folder.files(settings.attachments_dir)) if settings.attachments_dir.is_dir() else []


def test_a_file_is_stored_under_its_digest_and_only_its_owner_can_read_it(
    settings: Settings, sessions: sessionmaker[Session], aino: Person
) -> None:
    with sessions() as session:
        (row,) = attachments.upload(session, settings, aino, [("../../../tmp/evil.png", png())])
    assert (row.name, row.kind, row.size, row.state) == ("evil.png", "png", len(png()), NOT_CHECKED)
    (path,) = _files(settings)
    assert path == settings.attachments_dir / row.digest[:2] / row.digest
    assert path.read_bytes() == png()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.attachments_dir.stat().st_mode) == stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("digest", ["../../secret_key", "", "a" * 63, "A" * 64, "a" * 64 + "\n"])
def test_no_path_is_made_of_anything_but_a_digest(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        folder.path_of(tmp_path, digest)


def test_files_are_refused_with_a_reason_and_nothing_is_stored(
    settings: Settings, sessions: sessionmaker[Session], aino: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(settings, attachment_mb=1, attachment_form_mb=1, attachment_day_mb=2, attachment_types="pdf, txt")
    half = b"x" * 600_000
    with sessions() as session:
        assert _refusal(session, small, aino, ("a.txt", b"")) == "empty"
        assert _refusal(session, small, aino, ("a.txt", b"x" * 1_000_001)) == "large"
        assert _refusal(session, small, aino, ("fine.txt", b"fine"), ("a.pdf", png())) == "type"
        assert _refusal(session, small, aino, ("a.txt", half), ("b.txt", half)) == "together"
        for _ in range(3):
            attachments.upload(session, small, aino, [("a.txt", half)])
        assert _refusal(session, small, aino, ("a.txt", half)) == "day"
        monkeypatch.setattr(folder, "_ROOM_LEFT", 10**18)
        assert _refusal(session, small, aino, ("b.txt", b"other")) == "room"
        assert session.query(Attachment).count() == 3
    assert len(_files(settings)) == 1  # three times the same content


def test_only_ones_own_waiting_files_are_attached_and_not_too_many(
    settings: Settings, sessions: sessionmaker[Session], aino: Person, add_person: Add, add_request: Add
) -> None:
    add_person("matti")
    number = add_request("Screen is black", status="open", team="it")
    few = replace(settings, attachment_count=1)
    with sessions() as session:
        row, second = attachments.upload(session, few, aino, [("a.txt", b"a"), ("b.txt", b"b")])
        request = session.get_one(HelpRequest, number)
        matti = session.query(Person).filter_by(handle="matti").one()
        assert attachments.waiting(session, matti, [row.id]) == []
        assert attachments.waiting(session, aino, [row.id, 999]) == [row]
        attachments.attach(session, few, [row], request)
        assert attachments.waiting(session, aino, [row.id]) == []  # it belongs to something now
        with pytest.raises(AttachmentRefused):
            attachments.attach(session, few, [second], request)
        reply = Reply(body="See the file", author_id=aino.id, created_at=utc_now())
        request.replies.append(reply)
        attachments.attach(session, few, [second], reply)
        assert [(each.request_id, each.reply_id) for each in attachments.of_request(session, number)] == [
            (number, None),
            (number, reply.id),
        ]


def test_a_file_may_be_opened_once_it_has_passed_the_check_that_is_set(settings: Settings) -> None:
    checked = replace(settings, attachment_scan="scanner")
    states = (NOT_CHECKED, PASSED, REFUSED, FAILED)
    assert [attachments.may_be_opened(Attachment(state=state), checked) for state in states] == [0, 1, 0, 0]
    assert [attachments.may_be_opened(Attachment(state=state), settings) for state in states] == [1, 1, 0, 0]


def test_the_uploader_and_those_who_look_after_the_page_can_remove_a_file(
    settings: Settings, sessions: sessionmaker[Session], add_person: Add, add_request: Add, add_document: Add
) -> None:
    request_id = add_request("Screen is black", status="open", team="it", asked_by="matti")
    document_id = add_document("Guide", "Press.", team="it", owner="olli")
    for handle, role, team in (("aino", "agent", "it"), ("riikka", "agent", "hr"), ("matti", "staff", "hr")):
        add_person(handle, role, team)
    may = {}
    with sessions() as session:
        people = {person.handle: person for person in session.query(Person)}
        for owner in (session.get_one(HelpRequest, request_id), session.get_one(Document, document_id)):
            row = Attachment(uploaded_by_id=people["matti"].id)
            may[type(owner)] = {
                handle for handle, person in people.items() if attachments.may_remove(row, reader_of(person), owner)
            }
            with pytest.raises(NotAllowed):
                attachments.remove(session, row, reader_of(people["riikka"]), owner)
    assert may == {HelpRequest: {"matti", "aino"}, Document: {"matti", "aino", "olli"}}


def test_a_file_is_removed_with_its_last_row_only(
    settings: Settings, sessions: sessionmaker[Session], aino: Person, add_request: Add
) -> None:
    with sessions() as session:
        request = session.get_one(HelpRequest, add_request("Screen is black", status="open", team="it"))
        first, second = attachments.upload(session, settings, aino, [("a.txt", b"same"), ("b.txt", b"same")])
        attachments.attach(session, settings, [first, second], request)
        session.commit()
        for row, left in ((first, 1), (second, 0)):
            attachments.remove(session, row, reader_of(session.merge(aino)), request)
            session.commit()
            assert file_store.remove(session, store_of(settings), {row.digest}) == 1 - left
            assert len(_files(settings)) == left


def test_what_nobody_needs_is_cleaned_up_and_the_rest_stays(
    settings: Settings, sessions: sessionmaker[Session], aino: Person, add_request: Add
) -> None:
    with sessions() as session:
        request = session.get_one(HelpRequest, add_request("Screen is black", status="open", team="it"))
        names = ("attached", "waits", "old", "refused")
        rows = attachments.upload(session, settings, aino, [(f"{name}.txt", name.encode()) for name in names])
        attachments.attach(session, settings, [rows[0], rows[3]], request)
        rows[2].added_at = utc_now() - timedelta(days=1, minutes=1)
        rows[3].state = REFUSED
        session.commit()
        interrupted = settings.attachments_dir / rows[0].digest[:2] / ".new-abc"
        interrupted.write_bytes(b"half")
        store_of(settings).write(b"its row was never committed")
        assert attachments.clean_up(session, settings) == 4
        assert {path.read_bytes() for path in _files(settings)} == {b"attached", b"waits"}
        assert {row.name for row in session.query(Attachment)} == {"attached.txt", "waits.txt", "refused.txt"}


def test_erasing_removes_the_files_of_a_request_and_those_that_a_person_had_not_sent_yet(
    settings: Settings, sessions: sessionmaker[Session], aino: Person, add_request: Add, add_document: Add
) -> None:
    with sessions() as session:
        request = session.get_one(HelpRequest, add_request("Screen is black", status="open", team="it"))
        document = session.get_one(Document, add_document("Guide", "Press."))
        sent = [("a.pdf", pdf("a")), ("b.txt", b"document"), ("c.txt", b"waits"), ("d.txt", b"stays")]
        rows = attachments.upload(session, settings, aino, sent)
        kept = session.get_one(HelpRequest, add_request("Keyboard", status="open"))
        for row, owner in zip(rows, (request, document, None, kept), strict=True):
            if owner is not None:
                attachments.attach(session, settings, [row], owner)
        session.commit()
        erasure.erase_request(session, request, COMMAND)
        erasure.erase_document(session, document, COMMAND)
        erasure.erase_person(session, session.get_one(Person, aino.id), COMMAND)
        session.commit()
        assert attachments.clean_up(session, settings) == 3
        session.expire_all()
        assert [(row.name, row.uploaded_by_id) for row in session.query(Attachment)] == [("d.txt", None)]
        assert [path.read_bytes() for path in _files(settings)] == [b"stays"]
